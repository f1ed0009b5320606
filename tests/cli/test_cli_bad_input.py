# SPDX-License-Identifier: Apache-2.0
"""Bad input on every command: a line with a code and a hint, and nothing changed.

``Person`` asserts for every call here that no traceback was printed.
"""

import json
import shutil
import socket
from pathlib import Path

import pytest

from tests.simulators.plane import EXAMPLES, RULE, git, tree

HERE = ("--overlay", "{policy}")
LOGIN = ("login", "--token-file", "{token}")
TERMS = ("identity", "register", "--principal", "p", "--namespace", "acme")

# What is said of names that nobody has: command, exit code, code.
UNKNOWN = {
    "identity show": (("identity", "show", "nobody"), 1, "not-found"),
    "identity revoke": (
        ("identity", "revoke", "nobody", "--reason", "x"),
        1,
        "not-permitted",
    ),
    "token revoke": (("workspace", "token", "revoke", "nothing"), 1, "not-permitted"),
    "another workspace": (
        ("workspace", "show", "--workspace", "x"),
        2,
        "not-logged-in",
    ),
    "rule show": (("rule", "show", "acme.nothing", *HERE), 1, "not-found"),
    "rule test": (("rule", "test", "acme.nothing", *HERE), 1, "not-found"),
    "rule lint": (("rule", "lint", "acme.nothing", *HERE), 1, "not-found"),
    "rule sign": (("rule", "sign", "acme.nothing", *HERE), 1, "not-found"),
    "rule by path": (("rule", "test", "{policy}/no.rego", *HERE), 1, "not-found"),
    "a rule id that is none": (("rule", "show", "Not An Id", *HERE), 1, "not-found"),
    "keys show": (("keys", "show", "nothing"), 3, "key-not-found"),
    "a key that is not here": (
        ("rule", "sign", "--key", "no", *HERE),
        3,
        "key-not-found",
    ),
    "bundle inspect": (("bundle", "inspect", "{tmp}/no.tar.gz"), 2, "file-missing"),
    "sign": (("sign", "{tmp}/no.txt"), 2, "file-missing"),
    "verify": (("verify", "{tmp}/no.txt"), 2, "file-missing"),
    "verify without attestation": (("verify", "{plain}"), 1, "not-found"),
    "audit replay": (("audit", "replay", "{tmp}/no.tar"), 2, "file-missing"),
    "runner step": (("runner", "step", "--state", "{tmp}/no"), 2, "not-enrolled"),
    "runner status": (("runner", "status", "--state", "{tmp}/no"), 2, "not-enrolled"),
    "a layer": (
        ("rule", "lint", "--constitution", "{tmp}/no", *HERE),
        2,
        "file-missing",
    ),
    "a template": (("rule", "new", "acme.x", "--from", "nothing", *HERE), 2, "usage"),
    "a command": (("rule", "frobnicate"), 2, "usage"),
    "an option": (("status", "--frobnicate"), 2, "usage"),
    "an overlay": (("rule", "list", "--overlay", "{tmp}/no"), 1, "overlay-format"),
}
# Contents that are not what they should be.
STRANGE = {
    "a bundle": (("bundle", "inspect", "{plain}"), 1, "archive-format"),
    "an evidence pack": (("audit", "replay", "{plain}"), 1, "not-a-pack"),
    "a proof": (("identity", "register", "--proof", "{plain}"), 1, "json-format"),
    "an instant": (("audit", "replay", "{plain}", "--at", "yesterday"), 2, "usage"),
    "half of an auditor's pins": (
        ("audit", "replay", "{plain}", "--root", "{plain}"),
        2,
        "usage",
    ),
    "a root": (
        (*LOGIN, "--url", "{url}", "--workspace", "acme", "--root", "{plain}"),
        1,
        "json-format",
    ),
    "an address": (
        ("login", "--url", "ftp://x", "--workspace", "a", "--token-file", "{token}"),
        2,
        "usage",
    ),
    "an address in the clear": (
        (*LOGIN, "--url", "http://example.com", "--workspace", "a"),
        2,
        "unsafe-configuration",
    ),
    "a token file": (
        ("login", "--url", "{url}", "--workspace", "a", "--token-file", "{tmp}/no"),
        2,
        "token-missing",
    ),
    "a token, and no terminal": (
        ("login", "--url", "{url}", "--workspace", "acme"),
        2,
        "token-missing",
    ),
    "an address, before a token": (
        ("login", "--url", "ftp://x", "--workspace", "acme"),
        2,
        "usage",
    ),
    "no workspace of that name": (
        (
            "login",
            "--url",
            "{url}",
            "--workspace",
            "nothing",
            "--token-file",
            "{token}",
        ),
        1,
        "not-permitted",
    ),
    "a token": (
        ("login", "--url", "{url}", "--workspace", "acme", "--token-file", "{plain}"),
        1,
        "not-authenticated",
    ),
    "a rule id": (
        ("rule", "new", "Nope", "--from", "approver", *HERE),
        2,
        "usage",
    ),
    "a reserved namespace": (
        ("rule", "new", "constitution.x", "--from", "approver", *HERE),
        2,
        "usage",
    ),
    "a permission": (
        (*TERMS, "--permission", "fly", "x"),
        2,
        "usage",
    ),
    "an identity id": (
        (*TERMS, "--permission", "author", "Not An Id"),
        1,
        "unsafe-trust-policy",
    ),
    "an identity without terms": (("identity", "register", "x"), 2, "usage"),
    "a pack alone": (("rule", "lint", "--pack", "{tmp}", *HERE), 2, "usage"),
    "a port": (
        ("server", "run", "--state", "{tmp}/s", "--port", "99999"),
        2,
        "configuration",
    ),
    "no state": (("server", "run"), 2, "configuration"),
    "a revision": (("bundle", "build", "--revision", "0", "--out", "x"), 2, "usage"),
}
ROWS = {**UNKNOWN, **{f"strange: {name}": row for name, row in STRANGE.items()}}


@pytest.fixture
def places(plane, drafted, tmp_path):
    plain = tmp_path / "plain.txt"
    plain.write_text("this_is_plain_text")
    token = plane.root.with_name("alice.token")
    return {
        "policy": str(drafted),
        "tmp": str(tmp_path),
        "plain": str(plain),
        "url": plane.url,
        "token": str(token),
    }


@pytest.mark.parametrize(("words", "exit_code", "code"), ROWS.values(), ids=ROWS)
def test_bad_input_is_a_line_with_a_code(alice, places, words, exit_code, code):
    drafted = Path(places["policy"])
    before, config = tree(drafted), (alice.home / "config.yaml").read_bytes()
    ended = alice(*(word.format(**places) for word in words))
    assert (ended.exit_code, ended.code) == (exit_code, code), ended.err
    assert ended.out == ""
    assert all(line.startswith("trustacks: ") for line in ended.err.splitlines())
    assert tree(drafted) == before
    assert (alice.home / "config.yaml").read_bytes() == config


LOCAL = (
    "rule test",
    "rule lint",
    "rule sign",
    "rule list",
    "rule show",
    "bundle build",
)


@pytest.mark.parametrize("command", LOCAL)
def test_rego_that_does_not_parse_is_said_with_its_place(
    alice, drafted, tmp_path, command
):
    path = next(drafted.rglob(f"{RULE}.rego"))
    text = path.read_text()
    path.write_text(text.replace("\tnot has_ticket\n", "\tnot not has_ticket)\n"))
    line = 1 + path.read_text().splitlines().index("\tnot not has_ticket)")
    named = (
        (RULE,)
        if command in {"rule test", "rule lint", "rule sign", "rule show"}
        else ()
    )
    out = ("--out", tmp_path / "b.tar.gz") if command == "bundle build" else ()
    if command == "bundle build":
        path.with_suffix("").with_name(f"{RULE}.sigstore.json").write_text("{}")
    ended = alice(*command.split(), *named, "--overlay", drafted, *out)
    said = ended.out + ended.err
    if command in {"rule list", "rule show"}:
        assert ended.exit_code == 0
        return
    assert ended.exit_code == 1
    assert f"{RULE}.rego:{line}:" in said
    assert not (tmp_path / "b.tar.gz").exists()


@pytest.mark.parametrize("command", [*LOCAL, "bundle release"])
def test_an_empty_overlay_is_said(alice, tmp_path, command):
    (tmp_path / "empty" / "overlay").mkdir(parents=True)
    named = (RULE,) if command == "rule show" else ()
    out = ("--out", tmp_path / "b.tar.gz") if command == "bundle build" else ()
    ended = alice(*command.split(), *named, "--overlay", tmp_path / "empty", *out)
    expected = "not-found" if command == "rule show" else "overlay-format"
    assert (ended.exit_code, ended.code) == (1, expected)
    assert "hint: " in ended.err
    assert not (tmp_path / "b.tar.gz").exists()


def test_an_unsigned_rule_is_not_built_or_released(ci, drafted, tmp_path):
    for words in (("build", "--out", tmp_path / "b.tar.gz"), ("release",)):
        ended = ci("bundle", *words, "--overlay", drafted)
        assert (ended.exit_code, ended.code) == (1, "rule-unsigned")
        assert f"hint: trustacks rule sign {RULE}" in ended.err
    assert not (tmp_path / "b.tar.gz").exists()


def test_a_rule_that_changed_since_it_was_signed_is_not_released(alice, ci, drafted):
    alice.must("rule", "sign", "--overlay", drafted)
    path = next(p for p in drafted.rglob("*.rego") if not p.stem.endswith("_test"))
    path.write_text(path.read_text() + "# afterthought\n")
    refused = ci("bundle", "release", "--overlay", drafted)
    assert (refused.exit_code, refused.code) == (1, "rule-changed")
    assert f"hint: trustacks rule sign {RULE}" in refused.err


def test_an_author_may_not_release(alice, drafted):
    alice.must("rule", "sign", "--overlay", drafted)
    ended = alice("bundle", "release", "--overlay", drafted)
    assert (ended.exit_code, ended.code) == (1, "signer-not-permitted")


def test_a_release_identity_may_not_sign_rules(ci, drafted):
    ended = ci("rule", "sign", "--overlay", drafted)
    assert (ended.exit_code, ended.code) == (1, "signer-not-permitted")
    assert not list(drafted.rglob("*.sigstore.json"))


PROPOSALS = {
    "not json": ("{", "json-format"),
    "two equal keys": ('{"a": 1, "a": 2}', "json-format"),
    "not an object": ("[]", "format"),
    "no proposal": ('{"context": {}}', "input-format"),
    "no target": ('{"proposal": {"files": []}, "context": {}}', "input-format"),
}


@pytest.mark.parametrize(("text", "code"), PROPOSALS.values(), ids=PROPOSALS)
def test_a_proposal_that_is_none_is_no_decision(admin, plane, tmp_path, text, code):
    document = tmp_path / "proposal.json"
    document.write_text(text)
    ended = admin("runner", "decide", "--state", plane.runner, "--input", document)
    assert (ended.exit_code, ended.code, ended.out) == (1, code, "")


def test_a_proposal_may_not_say_when_it_is_judged(admin, plane, tmp_path):
    document = tmp_path / "proposal.json"
    target = {"name": "eu-1", "tier": "prod"}
    context = {"target": target, "evaluated_at": "2026-01-01T00:00:00Z"}
    document.write_text(json.dumps({"proposal": {"files": []}, "context": context}))
    ended = admin("runner", "decide", "--state", plane.runner, "--input", document)
    assert (ended.exit_code, ended.code, ended.out) == (2, "evaluated-at-refused", "")


def test_a_file_that_is_no_attestation_is_refused_check_by_check(alice, tmp_path):
    file = tmp_path / "plain.txt"
    file.write_text("plain")
    ended = alice("verify", file, "--attestation", file, "--json")
    assert (ended.exit_code, ended.code) == (1, "json-format")
    assert ended.value["accepted"] is False


# ---------------------------------------------------------------- the environment

ONLINE = {
    "login": (
        "login",
        "--url",
        "{url}",
        "--workspace",
        "acme",
        "--token-file",
        "{token}",
    ),
    "status": ("status",),
    "workspace create": (
        *("workspace", "create", "b", "--url", "{url}", "--token-file", "{token}"),
        *("--constitution", "{examples}/constitution"),
        *("--publisher", "{examples}/publisher.pub", "--root-out", "{tmp}/out"),
    ),
    "workspace show": ("workspace", "show"),
    "workspace list": ("workspace", "list"),
    "token create": (
        *("workspace", "token", "create", "--role", "author", "--subject", "s"),
        *("--out", "{tmp}/out"),
    ),
    "token list": ("workspace", "token", "list"),
    "token revoke": ("workspace", "token", "revoke", "x"),
    "identity register": (
        *("identity", "register", "x", "--principal", "p", "--permission", "author"),
        *("--namespace", "acme", "--proof-out", "{tmp}/out"),
    ),
    "identity list": ("identity", "list"),
    "identity show": ("identity", "show", "x"),
    "identity revoke": ("identity", "revoke", "x", "--reason", "y"),
    "rule sign": ("rule", "sign", *HERE),
    "bundle release": ("bundle", "release", *HERE),
    "bundle verify": ("bundle", "verify"),
    "audit export": ("audit", "export", "--out", "{tmp}/out"),
    "sign": ("sign", "{plain}", "--out", "{tmp}/out"),
    "runner enroll": ("runner", "enroll", "--state", "{tmp}/runner"),
}


@pytest.fixture
def stranded(alice, plane):
    """Alice, whose Control Plane went away."""
    config = alice.home / "config.yaml"
    config.write_text(config.read_text().replace(plane.url, "http://127.0.0.1:1"))
    return alice


@pytest.mark.parametrize("words", ONLINE.values(), ids=ONLINE)
def test_a_server_that_is_down_is_said(stranded, places, drafted, tmp_path, words):
    before = tree(drafted)
    there = {**places, "url": "http://127.0.0.1:1", "examples": str(EXAMPLES)}
    ended = stranded(*(word.format(**there) for word in words))
    assert (ended.exit_code, ended.code) == (3, "unavailable"), ended.err
    assert tree(drafted) == before
    assert not (tmp_path / "out").exists()


def test_a_runner_without_its_server_holds_and_says_so(admin, plane, tmp_path):
    folder = tmp_path / "runner"
    shutil.copytree(plane.runner, folder)
    enrolment = folder / "runner.json"
    enrolment.write_text(enrolment.read_text().replace(plane.url, "http://127.0.0.1:1"))
    ended = admin("runner", "step", "--state", folder, "--json")
    assert (ended.exit_code, ended.code) == (3, "unavailable")
    assert ended.value["outcome"] == "held"


def test_a_revoked_token_is_said_by_every_call(admin, alice, plane, tmp_path):
    token = tmp_path / "token"
    create = ("workspace", "token", "create", "--role", "author", "--subject", "x")
    made = admin.must(*create, "--out", token, "--json").value
    login = ("login", "--url", plane.url, "--workspace", "acme", "--token-file", token)
    alice.must(*login)
    admin.must("workspace", "token", "revoke", made["id"])
    for words in (login, ("status",), ("identity", "list")):
        ended = alice(*words)
        assert (ended.exit_code, ended.code) == (1, "not-authenticated")
        assert "hint: " in ended.err


def test_an_expired_token_is_said_with_what_to_do(
    admin, alice, plane, tmp_path, expired
):
    token = tmp_path / "token"
    token.write_text(expired)
    login = ("login", "--url", plane.url, "--workspace", "acme", "--token-file", token)
    before = (alice.home / "config.yaml").read_bytes()
    ended = alice(*login)
    assert (ended.exit_code, ended.code) == (1, "token-expired")
    assert "hint: " in ended.err
    assert (alice.home / "config.yaml").read_bytes() == before


def test_a_port_in_use_is_said_and_makes_no_state(cli, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = cli("server", "run", "--state", tmp_path / "s", "--port", port)
    assert (ended.exit_code, ended.code) == (3, "port-in-use")
    assert "--port" in ended.err
    assert not (tmp_path / "s").exists()


def test_a_second_server_on_one_state_is_refused(cli, plane):
    ended = cli("server", "run", "--state", plane.state, "--port", "0")
    assert (ended.exit_code, ended.code) == (3, "busy")


def test_migrating_under_a_running_server_is_refused(cli, plane):
    ended = cli("server", "migrate", "--state", plane.state)
    assert (ended.exit_code, ended.code) == (3, "busy")


def test_a_wrong_passphrase_is_said_and_signs_nothing(alice, drafted):
    (alice.folder / "passphrase").write_text("wrong horse\n")
    ended = alice("rule", "sign", "--overlay", drafted)
    assert (ended.exit_code, ended.code) == (3, "key-access-denied")
    assert "hint: " in ended.err
    assert not list(drafted.rglob("*.sigstore.json"))


# ---------------------------------------------------------------- git


def test_a_missing_git_identity_is_said_before_anything_is_written(alice, repository):
    git(repository, "config", "--unset", "user.name")
    ended = alice("rule", "new", RULE, "--from", "approver", "--overlay", repository)
    assert (ended.exit_code, ended.code) == (3, "git-identity")
    assert "config user.name" in ended.err
    assert tree(repository) == {}
    assert git(repository, "branch", "--show-current") == "main"


def test_no_repository_is_said(alice, tmp_path):
    (tmp_path / "plain").mkdir()
    ended = alice(
        "rule", "new", RULE, "--from", "approver", "--overlay", tmp_path / "plain"
    )
    assert (ended.exit_code, ended.code) == (3, "not-a-repository")
    assert "git init" in ended.err
    assert tree(tmp_path / "plain") == {}


def test_a_rule_that_is_there_is_never_overwritten(alice, drafted):
    before = tree(drafted)
    ended = alice("rule", "new", RULE, "--from", "approver", "--overlay", drafted)
    assert (ended.exit_code, ended.code) == (1, "file-exists")
    assert tree(drafted) == before


def test_a_branch_that_is_there_is_left_alone(alice, repository):
    git(repository, "branch", f"policy/{RULE}")
    ended = alice("rule", "new", RULE, "--from", "approver", "--overlay", repository)
    assert (ended.exit_code, ended.code) == (1, "branch-exists")
    assert tree(repository) == {}
    assert git(repository, "branch", "--show-current") == "main"


OUTPUTS = {
    "workspace create": ONLINE["workspace create"],
    "token create": ONLINE["token create"],
    "identity register": ONLINE["identity register"],
    "audit export": ONLINE["audit export"],
    "sign": ONLINE["sign"],
    "keys show": ("keys", "show", "--out", "{tmp}/out"),
    "workspace show": ("workspace", "show", "--log-key-out", "{tmp}/out"),
    "bundle build": ("bundle", "build", "--out", "{tmp}/out", *HERE),
}


@pytest.mark.parametrize("words", OUTPUTS.values(), ids=OUTPUTS)
def test_an_output_that_is_there_is_never_overwritten(alice, places, tmp_path, words):
    (tmp_path / "out").write_text("mine")
    there = {**places, "examples": str(EXAMPLES)}
    ended = alice(*(word.format(**there) for word in words))
    assert (ended.exit_code, ended.code) == (1, "file-exists"), ended.err
    assert (tmp_path / "out").read_text() == "mine"


def test_an_output_in_a_folder_that_is_not_there_is_said(alice, tmp_path):
    ended = alice("keys", "show", "--out", tmp_path / "no" / "out")
    assert (ended.exit_code, ended.code) == (1, "not-found")


def test_a_damaged_attestation_is_listed_as_such_and_refused(alice, ci, drafted):
    alice.must("rule", "sign", "--overlay", drafted)
    path = next(drafted.rglob("*.sigstore.json"))
    value = json.loads(path.read_bytes())
    value["dsseEnvelope"]["signatures"][0]["sig"] = "AAAA"
    path.write_text(json.dumps(value))
    refused = ci("bundle", "release", "--overlay", drafted)
    assert (refused.exit_code, refused.code) == (1, "signature-invalid")
    path.write_text("{")
    listed = alice.must("rule", "list", "--overlay", drafted, "--json").value["rules"]
    assert [one["state"] for one in listed] == ["damaged"]
    assert ci("bundle", "release", "--overlay", drafted).code == "json-format"
