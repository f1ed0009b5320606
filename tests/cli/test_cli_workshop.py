# SPDX-License-Identifier: Apache-2.0
"""The workshop's commands, against a real Control Plane, in both layouts of a rule."""

import json
import shutil

import pytest

from tests.simulators.plane import RULE, git, overlay_repository, tree

RULES = f"overlay/rules/{RULE}"
PROPOSAL = {
    "proposal": {
        "files": [{"path": "gitops/shop/prod/checkout/values.yaml", "content": ""}]
    },
    "context": {
        "target": {"name": "eu-1", "tier": "prod", "kind": "kubernetes"},
        "pull_request": {"title": "Scale", "body": "", "branch": "feature/scale"},
    },
}


@pytest.fixture
def here(repository, monkeypatch):
    """The repository as the working directory, as in the workshop."""
    monkeypatch.chdir(repository)
    return repository


def test_a_new_rule_is_a_branch_with_rule_tests_and_citation(alice, here):
    made = alice.must("rule", "new", RULE, "--from", "change-calendar", "--json").value
    assert made["branch"] == f"policy/{RULE}"
    assert git(here, "branch", "--show-current") == f"policy/{RULE}"
    assert sorted(tree(here)) == [f"{RULES}/{RULE}.rego", f"{RULES}/{RULE}_test.rego"]
    assert b"CM-TICKET-REQUIRED-001" in tree(here)[f"{RULES}/{RULE}.rego"]
    assert git(here, "log", "--oneline", "--all").count("\n") == 0


def test_a_repository_may_be_called_overlay(alice, tmp_path):
    repository = overlay_repository(tmp_path / "overlay")
    alice.must(
        "rule", "new", RULE, "--from", "change-calendar", "--overlay", repository
    )
    assert (repository / RULES / f"{RULE}.rego").exists()
    folder = repository / "overlay"
    second = "acme.deploy_window"
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "One")
    alice.must("rule", "new", second, "--from", "deploy-window", "--overlay", folder)
    assert (folder / "rules" / second / f"{second}.rego").exists()
    assert (
        len(alice.must("rule", "list", "--overlay", folder, "--json").value["rules"])
        == 2
    )


@pytest.mark.parametrize("template", ["change-calendar", "deploy-window", "approver"])
def test_every_template_passes_test_lint_and_sign_as_it_is(alice, here, template):
    rule = f"acme.{template.replace('-', '_')}_rule"
    alice.must("rule", "new", rule, "--from", template)
    assert alice.must("rule", "test", rule, "--json").value["rules"][0]["passed"]
    assert alice.must("rule", "lint", rule, "--json").value["rules"][0]["passed"]
    signed = alice.must("rule", "sign", rule, "--json").value["signed"]
    assert [one["rule_id"] for one in signed] == [rule]


def test_the_workshops_own_file_is_tested_linted_and_signed(alice, here, plane):
    """Word for word: ``./overlay/require-change-ticket.rego``."""
    alice.must("rule", "new", RULE, "--from", "change-calendar")
    for suffix in (".rego", "_test.rego"):
        source = here / RULES / f"{RULE}{suffix}"
        source.rename(here / "overlay" / f"require-change-ticket{suffix}")
    shutil.rmtree(here / "overlay" / "rules")
    assert (
        "passed"
        in alice.must("rule", "test", "./overlay/require-change-ticket.rego").out
    )
    assert (
        "passed"
        in alice.must("rule", "lint", "./overlay/require-change-ticket.rego").out
    )
    signed = alice.must("rule", "sign", "./overlay/require-change-ticket.rego")
    assert "signing rule/v1" in signed.err
    assert (here / "overlay" / "require-change-ticket.sigstore.json").exists()
    listed = alice.must("rule", "list", "--json").value["rules"]
    assert [(one["rule_id"], one["state"]) for one in listed] == [(RULE, "signed")]
    shown = alice.must("rule", "show", RULE, "--json").value
    assert shown["verification"]["accepted"]


def test_a_failing_case_is_named_with_expected_and_actual(alice, drafted):
    path = drafted / RULES / f"{RULE}.rego"
    path.write_text(path.read_text().replace("(^|[^A-Za-z0-9])CM-", "CM-"))
    failed = alice("rule", "test", RULE, "--overlay", drafted)
    assert (failed.exit_code, failed.code) == (1, "rule-tests-failed")
    assert "FAIL test_denies_prefix_inside_a_word" in failed.out
    assert "expected verdict: deny" in failed.out
    assert "actual verdict:   allow" in failed.out


def test_sign_refuses_until_test_and_lint_pass(alice, drafted):
    path = drafted / RULES / f"{RULE}.rego"
    good = path.read_text()
    path.write_text(good.replace("(^|[^A-Za-z0-9])CM-", "CM-"))
    refused = alice("rule", "sign", RULE, "--overlay", drafted)
    assert (refused.exit_code, refused.code) == (1, "rule-tests-failed")
    path.write_text(f"{good}\nallow_all if opa.runtime()\n")
    refused = alice("rule", "sign", RULE, "--overlay", drafted)
    assert (refused.exit_code, refused.code) == (1, "rule-lint-failed")
    assert not list(drafted.rglob("*.sigstore.json"))
    path.write_text(good)
    alice.must("rule", "sign", RULE, "--overlay", drafted)
    assert len(list(drafted.rglob("*.sigstore.json"))) == 1


def test_a_rule_that_leaves_its_package_is_refused_with_its_line(alice, drafted):
    path = drafted / RULES / f"{RULE}.rego"
    path.write_text(
        path.read_text().replace(
            "package overlay.acme_requires_change_ticket", "package proposal"
        )
    )
    refused = alice("rule", "lint", RULE, "--overlay", drafted)
    assert (refused.exit_code, refused.code) == (1, "rule-lint-failed")
    assert f"{RULE}.rego:4:1: expected package overlay.<one name>" in refused.out


def test_what_is_signed_already_is_kept_unless_asked(alice, drafted):
    alice.must("rule", "sign", "--overlay", drafted)
    before = tree(drafted)
    assert alice.must("rule", "sign", "--overlay", drafted, "--json").value["kept"] == [
        RULE
    ]
    assert tree(drafted) == before
    again = alice.must("rule", "sign", "--again", "--overlay", drafted, "--json").value
    assert [one["rule_id"] for one in again["signed"]] == [RULE]


def test_a_changed_rule_is_listed_as_changed_and_signed_anew(alice, drafted):
    alice.must("rule", "sign", "--overlay", drafted)
    path = drafted / RULES / f"{RULE}.rego"
    path.write_text(f"{path.read_text()}\n# read by a second pair of eyes\n")
    listed = alice.must("rule", "list", "--overlay", drafted, "--json").value["rules"]
    assert [one["state"] for one in listed] == ["changed"]
    shown = alice.must("rule", "show", RULE, "--overlay", drafted, "--json").value
    assert shown["verification"]["code"] == "subject-mismatch"
    alice.must("rule", "sign", "--overlay", drafted)
    listed = alice.must("rule", "list", "--overlay", drafted, "--json").value["rules"]
    assert [one["state"] for one in listed] == ["signed"]


def test_rules_are_tested_and_linted_without_a_login(cli, alice, drafted, plane):
    examples = ("--constitution", "examples/constitution")
    packs = ("--pack", "examples/packs/change-control")
    cli.must("rule", "lint", "--overlay", drafted, *examples, *packs)
    cli.must("rule", "test", "--overlay", drafted)
    assert cli("rule", "lint", "--overlay", drafted).code == "not-logged-in"


def test_linting_loads_neither_cryptography_nor_tuf_nor_http(alice, drafted):
    heavy = ["cryptography", "tuf", "httpx", "rich", "control_plane", "fastapi"]
    script = (
        "import sys\n"
        "from trustacks._cli.main import run\n"
        f"assert run(['rule', 'lint', '--overlay', {str(drafted)!r}]) == 0\n"
        f"print([n for n in {heavy!r} if n in sys.modules], file=sys.stderr)\n"
    )
    with alice.python(script, cwd=drafted) as process:
        assert process.communicate()[1] == "[]\n"


@pytest.fixture
def signed(alice, drafted):
    alice.must("rule", "sign", "--overlay", drafted)
    return drafted


def test_release_build_inspect_verify_step_decide_and_replay(
    admin, ci, plane, signed, tmp_path
):
    drafted = signed
    archive = tmp_path / "bundle.tar.gz"
    released = ci.must("bundle", "release", "--overlay", drafted, "--json").value
    numbered = ("--revision", released["revision"])  # it is in the manifest
    built = ci.must(
        *("bundle", "build", "--overlay", drafted, "--out", archive, "--json"),
        *numbered,
    ).value
    assert built["rules"] == [RULE]
    inspected = ci.must("bundle", "inspect", archive, "--json").value
    assert inspected["content"] == built["content"]
    assert [rule["rule_id"] for rule in inspected["rules"]] == [RULE]
    assert released["content"] == built["content"]
    assert released["statement"]["source"]["branch"] == f"policy/{RULE}"
    assert ci.must("bundle", "verify", "--json").value["accepted"]
    again = ci.must("bundle", "release", "--overlay", drafted, "--json").value
    assert again["revision"] == released["revision"] + 1
    assert again["statement"]["predecessor"] == released["release"]
    _enforced(admin, plane, again, tmp_path)
    _replayed(admin, plane, tmp_path)


def _enforced(admin, plane, released, tmp_path):
    state = ("--state", plane.runner)
    stepped = admin.must("runner", "step", *state, "--json").value
    assert (stepped["outcome"], stepped["revision"]) == (
        "activated",
        released["revision"],
    )
    assert stepped["report_code"] is None
    assert (
        admin.must("runner", "step", *state, "--json").value["outcome"] == "unchanged"
    )
    status = admin.must("runner", "status", *state, "--json").value
    assert status["archive"] == released["archive"]
    reported = admin.must("status", "--json").value["runners"][0]
    assert (reported["outcome"], reported["revision"]) == (
        "unchanged",
        released["revision"],
    )
    document = tmp_path / "proposal.json"
    document.write_text(json.dumps(PROPOSAL))
    denied = admin("runner", "decide", *state, "--input", document, "--json")
    assert (denied.exit_code, denied.code) == (1, "denied")
    assert denied.value["bundle"]["archive"] == released["archive"]
    assert [deny["rule_id"] for deny in denied.value["denies"]] == [RULE]
    assert denied.value["denies"][0]["citation"]["id"] == "CM-TICKET-REQUIRED-001"
    PROPOSAL["context"]["pull_request"]["body"] = "Planned as CM-1234."
    document.write_text(json.dumps(PROPOSAL))
    allowed = admin.must(
        "runner", "decide", *state, "--input", document, "--json"
    ).value
    assert (allowed["verdict"], allowed["denies"]) == ("allow", [])


def _replayed(admin, plane, tmp_path):
    pack = tmp_path / "evidence.tar"
    admin.must("audit", "export", "--out", pack)
    assert admin.must("audit", "replay", pack, "--json").value["accepted"]
    key = next((admin.home / "workspaces").glob("*/log.pub"))
    stranger = ("--root", plane.root, "--log-key", key)
    assert admin.must("audit", "replay", pack, *stranger, "--json").value["accepted"]
    damaged = bytearray(pack.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "damaged.tar").write_bytes(damaged)
    assert admin("audit", "replay", tmp_path / "damaged.tar").exit_code == 1


def test_a_file_is_signed_and_verified_offline(alice, plane, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("as agreed\n")
    alice.must("sign", file)
    config = alice.home / "config.yaml"
    config.write_text(config.read_text().replace(plane.url, "http://127.0.0.1:1"))
    assert alice.must("verify", file, "--json").value["accepted"]
    file.write_text("as agreed?\n")
    refused = alice("verify", file, "--json")
    assert (refused.exit_code, refused.code) == (1, "subject-mismatch")
    assert refused.value["accepted"] is False


def test_a_second_login_needs_the_same_first_root(alice, plane, tmp_path):
    config = alice.home / "config.yaml"
    before = config.read_text()
    digest = next(line.split()[-1] for line in before.splitlines() if "root:" in line)
    config.write_text(before.replace(digest, "sha256:" + "0" * 64))
    token = tmp_path / "token"
    token.write_text(next(x.split()[-1] for x in before.splitlines() if "token:" in x))
    words = ("login", "--url", plane.url, "--workspace", "acme", "--token-file", token)
    changed = config.read_text()
    refused = alice(*words)
    assert (refused.exit_code, refused.code) == (1, "pin-changed")
    assert config.read_text() == changed
    alice.must(*words, "--root", plane.root)


def test_enrolling_again_finishes_and_changes_nothing(admin, plane):
    key = (plane.runner / "state" / "runner.pem").read_bytes()
    again = admin.must("runner", "enroll", "--state", plane.runner, "--json").value
    assert again["runner"] == "runner-1"
    assert (plane.runner / "state" / "runner.pem").read_bytes() == key
    other = admin("runner", "enroll", "--state", plane.runner, "--id", "runner-2")
    assert (other.exit_code, other.code) == (2, "usage")


def test_secrets_are_for_their_owner_only(plane, alice):
    kept = [alice.home / "config.yaml", *(alice.home / "keys").glob("*.pem")]
    kept += [plane.runner / "passphrase", plane.runner / "token"]
    assert [oct(path.stat().st_mode & 0o077) for path in kept] == ["0o0"] * len(kept)
