# SPDX-License-Identifier: Apache-2.0
"""Bad files under every rule command: one finding with its place, and no harm done.

Each row is one thing that is wrong with an overlay or a layer. Every command that reads
it must end by itself, with the row's exit code and code, and change nothing on disk.
"""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from bundle.rego.templates import render
from keys.durable import read_file
from tests.simulators.plane import EXAMPLES, ROOT, RULE, tree

SOURCE, TEST = render("change-calendar", RULE)
LINES = SOURCE.count("\n")
# Seconds after which a command hangs; the slowest takes one.
_HANGS = 60

PROFILE = "environment-profile.yaml"
OK = (0, None)
FORMAT = (1, "overlay-format")
LIMIT = (1, "limit-exceeded")


@pytest.fixture(autouse=True)
def hangs():
    """End a test that hangs where it hangs."""
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it hangs"))
    signal.alarm(_HANGS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def overlay(tmp_path):
    """A repository with one good rule."""
    home = tmp_path / "policy/overlay/rules" / RULE
    home.mkdir(parents=True)
    (home / f"{RULE}.rego").write_text(SOURCE)
    (home / f"{RULE}_test.rego").write_text(TEST)
    return tmp_path / "policy"


@pytest.fixture
def constitution(tmp_path):
    return shutil.copytree(EXAMPLES / "constitution", tmp_path / "constitution")


def ended(person, *words):
    """Run a command; return its exit, its code and what it said."""
    done = person(*words)
    assert all(line.startswith("trustacks: ") for line in done.err.splitlines())
    return (done.exit_code, done.code if done.exit_code else None), done


def nothing_written(overlay):
    """Everything below the repository, links and devices as what they are."""
    found = {}
    for path in sorted(overlay.rglob("*")):
        plain = path.is_file() and not path.is_symlink()
        found[str(path)] = path.read_bytes() if plain else path.lstat().st_mode
    return found


# ---------------------------------------------------------------- what files say

# Bytes in place of a rule or of its tests, and the finding: its code, line and column.
TEXTS = {
    "empty": (b"", "rego-parse", 1, 1),
    "not Rego": (b"hello world\n", "rego-parse", 1, 1),
    "a comment": (b"# nothing\n", "rego-parse", 2, 1),
    "Rego v0": (
        b'package overlay.x\n\ndeny[msg] { input.x; msg := "x" }\n',
        "rego-parse",
        3,
        11,
    ),
    "cut off": (SOURCE.encode() + b'x := "', "rego-parse", LINES + 1, 6),
    "deeply nested": (
        SOURCE.encode() + b"x := " + b"[" * 50 + b"]" * 50 + b"\n",
        "rego-parse",
        LINES + 1,
        14,
    ),
    "a long sum": (
        SOURCE.encode() + b"x := " + b" + ".join([b"1"] * 200) + b"\n",
        "syntax-not-allowed",
        LINES + 1,
        6,
    ),
    "a long line": (
        SOURCE.encode() + b'x := "' + b"a" * 2000 + b'"\n',
        "rego-parse",
        LINES + 1,
        1,
    ),
    "NUL": (SOURCE.encode() + b"\0", "rego-parse", LINES + 1, 1),
    "a byte order mark": (b"\xef\xbb\xbf" + SOURCE.encode(), "rego-parse", 1, 1),
    "CRLF": (
        SOURCE.replace("\n", "\r\n").encode(),
        "rego-parse",
        1,
        SOURCE.index("\n") + 1,
    ),
    "UTF-16": (SOURCE.encode("utf-16"), "rego-parse", 1, 1),
    "Latin-1": (
        SOURCE.encode() + "# M\xfcnchen\n".encode("latin-1"),
        "rego-parse",
        LINES + 1,
        4,
    ),
    "every byte": (bytes(range(256)) * 10, "rego-parse", 2, 118),
}
# What `rule fmt --check` says of them, if not that it cannot read them.
FORMATTED = {
    ("empty", "_test"): OK,
    ("CRLF", ""): (1, "rule-not-formatted"),
    ("CRLF", "_test"): (1, "rule-not-formatted"),
}


@pytest.mark.parametrize("stem", ["", "_test"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_is_none_is_one_finding_with_its_place(cli, overlay, name, stem):
    data, code, line, column = TEXTS[name]
    if (name, stem) == ("empty", "_test"):  # as if there were none
        code = "test-missing"
    path = overlay / "overlay/rules" / RULE / f"{RULE}{stem}.rego"
    path.write_bytes(data)
    before = nothing_written(overlay)
    layer = ("--constitution", EXAMPLES / "constitution", "--overlay", overlay)
    for command in ("test", "lint"):
        for named in ((RULE,), ()):
            said, done = ended(cli, "rule", command, *named, *layer, "--json")
            failed = {"test": "rule-tests-failed", "lint": "rule-lint-failed"}
            assert said == (1, failed[command])
            (rule,) = done.value["rules"]
            found = [f for f in rule["findings"] if f["severity"] == "error"]
            places = [(f["code"], f["path"], f["line"], f["column"]) for f in found]
            assert places == [(code, str(path), line, column)]
    for command in (("list",), ("show", RULE)):
        assert ended(cli, "rule", *command, "--overlay", overlay)[0] == OK
    wanted = FORMATTED.get((name, stem), (1, "rule-format-failed"))
    for named in ((RULE,), ()):
        said, _ = ended(cli, "rule", "fmt", "--check", *named, "--overlay", overlay)
        assert said == wanted
    assert nothing_written(overlay) == before


@pytest.mark.parametrize("stem", ["", "_test"])
@pytest.mark.parametrize("name", ["not Rego", "deeply nested", "NUL", "UTF-16"])
def test_a_text_that_is_none_is_not_signed(alice, drafted, name, stem):
    path = next(drafted.rglob(f"{RULE}{stem}.rego"))
    path.write_bytes(TEXTS[name][0])
    before = tree(drafted)
    said, done = ended(alice, "rule", "sign", "--overlay", drafted)
    assert said in ((1, "rule-tests-failed"), (1, "rego-parse"))
    assert f"{path.name}:" in done.err
    assert tree(drafted) == before


def test_a_rule_beside_a_broken_profile_is_not_signed(alice, drafted):
    (drafted / "overlay" / PROFILE).write_text("telemetry: []\n")
    before = tree(drafted)
    said, done = ended(alice, "rule", "sign", "--overlay", drafted)
    assert said == (1, "rule-lint-failed")
    assert "[profile-invalid]" in done.err
    assert tree(drafted) == before


# ---------------------------------------------------------------- what lies there


def rule_file(overlay):
    return overlay / "overlay/rules" / RULE / f"{RULE}.rego"


def replaced(suffix, make):
    """Put something else in the place of a file of the rule."""

    def act(overlay):
        path = rule_file(overlay).with_name(f"{RULE}{suffix}")
        path.unlink(missing_ok=True)
        make(path)

    return act


def moved_and_linked(pick):
    """Move a file or folder out of the overlay, and leave a link to it."""

    def act(overlay):
        path = pick(overlay)
        outside = overlay.parent / "outside"
        path.rename(outside)
        path.symlink_to(outside)

    return act


def socket_at(path):
    # the name of a socket is short
    with (
        contextlib.chdir(path.parent),
        contextlib.closing(socket.socket(socket.AF_UNIX)) as one,
    ):
        one.bind(path.name)


def another(name, text=SOURCE):
    def act(overlay):
        path = overlay / "overlay" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    return act


def large(path):
    path.write_bytes(b"# x\n" * 300_000)


# What is done, and what every command says that reads the whole overlay; what those say
# that are asked for the one rule by its id, if it is something else.
PLACES = {
    "a folder as rule": (replaced(".rego", os.mkdir), FORMAT, FORMAT),
    "a folder as tests": (replaced("_test.rego", os.mkdir), FORMAT, FORMAT),
    "a pipe as rule": (replaced(".rego", os.mkfifo), FORMAT, FORMAT),
    "a pipe as tests": (replaced("_test.rego", os.mkfifo), FORMAT, FORMAT),
    "a pipe as cases": (replaced(".cases.yaml", os.mkfifo), FORMAT, FORMAT),
    "a pipe as attestation": (replaced(".sigstore.json", os.mkfifo), FORMAT, FORMAT),
    "a socket as rule": (replaced(".rego", socket_at), FORMAT, FORMAT),
    "a link to the rule": (moved_and_linked(rule_file), FORMAT, FORMAT),
    "a link to its folder": (
        moved_and_linked(lambda o: o / "overlay/rules" / RULE),
        FORMAT,
        FORMAT,
    ),
    "a link to the rules": (
        moved_and_linked(lambda o: o / "overlay/rules"),
        FORMAT,
        FORMAT,
    ),
    "a link to the overlay": (
        moved_and_linked(lambda o: o / "overlay"),
        FORMAT,
        FORMAT,
    ),
    "a link to nothing": (
        replaced(".rego", lambda p: p.symlink_to("/nowhere")),
        FORMAT,
        FORMAT,
    ),
    "a link to itself": (replaced(".rego", lambda p: p.symlink_to(p)), FORMAT, FORMAT),
    "a link to a device": (
        replaced(".rego", lambda p: p.symlink_to("/dev/zero")),
        FORMAT,
        FORMAT,
    ),
    "a link as attestation": (
        replaced(".sigstore.json", lambda p: p.symlink_to("/etc/passwd")),
        FORMAT,
        FORMAT,
    ),
    "no rule in its folder": (replaced(".rego", lambda _: None), FORMAT, None),
    "an empty folder": (
        lambda o: (o / "overlay/rules/acme.empty").mkdir(),
        FORMAT,
        OK,
    ),
    "a data file": (another(f"rules/{RULE}/data.json", "{}"), FORMAT, OK),
    "an id twice": (another("other.rego"), FORMAT, OK),
    "a huge rule": (replaced(".rego", large), LIMIT, LIMIT),
    "huge tests": (replaced("_test.rego", large), LIMIT, LIMIT),
    "huge cases": (replaced(".cases.yaml", large), LIMIT, LIMIT),
    "a huge attestation": (replaced(".sigstore.json", large), LIMIT, LIMIT),
    "a huge profile": (lambda o: large(o / "overlay" / PROFILE), LIMIT, OK),
    "a folder as profile": (lambda o: (o / "overlay" / PROFILE).mkdir(), FORMAT, OK),
    "a pipe as profile": (lambda o: os.mkfifo(o / "overlay" / PROFILE), FORMAT, OK),
    "a link as profile": (
        lambda o: (o / "overlay" / PROFILE).symlink_to("/etc/passwd"),
        FORMAT,
        OK,
    ),
}


@pytest.mark.parametrize("name", PLACES)
def test_what_is_no_overlay_is_said_by_every_command(cli, overlay, name):
    act, whole, one = PLACES[name]
    act(overlay)
    one = one or (1, "not-found")
    before = nothing_written(overlay)
    here = ("--overlay", overlay)
    layers = (*here, "--constitution", EXAMPLES / "constitution")
    said = {
        "test": ended(cli, "rule", "test", *layers)[0],
        "lint": ended(cli, "rule", "lint", *layers)[0],
        "list": ended(cli, "rule", "list", *here)[0],
        "fmt": ended(cli, "rule", "fmt", "--check", *here)[0],
    }
    assert said == dict.fromkeys(said, whole)
    named = {
        "test": ended(cli, "rule", "test", RULE, *layers)[0],
        "show": ended(cli, "rule", "show", RULE, *here)[0],
        "fmt": ended(cli, "rule", "fmt", "--check", RULE, *here)[0],
    }
    assert named == dict.fromkeys(named, one)
    # one rule is linted against the others, so these must be readable too
    linted, done = ended(cli, "rule", "lint", RULE, *layers)
    assert linted == (whole if one == OK else one)
    assert str(overlay) in done.err
    assert nothing_written(overlay) == before


def test_two_folders_with_one_id_are_both_refused(cli, overlay):
    another("rules/acme.other/acme.other.rego")(overlay)
    layers = ("--overlay", overlay, "--constitution", EXAMPLES / "constitution")
    said, done = ended(cli, "rule", "lint", *layers, "--json")
    assert said == (1, "rule-lint-failed")
    for rule in done.value["rules"]:
        codes = {finding["code"] for finding in rule["findings"]}
        assert {"rule-id-duplicate", "package-duplicate"} <= codes


def test_a_file_that_goes_away_meanwhile_is_not_found(cli, overlay, monkeypatch):
    def late(path, *, max_bytes):
        if path.name == f"{RULE}.rego":
            path.unlink(missing_ok=True)
        return read_file(path, max_bytes=max_bytes)

    monkeypatch.setattr("bundle.overlay.read_file", late)
    for command in (("test",), ("lint",), ("list",), ("show", RULE)):
        rule_file(overlay).write_text(SOURCE)
        assert ended(cli, "rule", *command, "--overlay", overlay)[0] in (
            (1, "not-found"),
            (2, "not-logged-in"),
        )


def without_privileges():
    """Take from root what lets it read everything; an exec makes it so."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


@pytest.mark.parametrize("command", ["test", "lint", "list", "fmt"])
def test_a_file_that_may_not_be_read_is_the_environments_fault(cli, overlay, command):
    path = rule_file(overlay)
    path.chmod(0)
    words = ("rule", command, "--overlay", overlay)
    layer = ("--constitution", EXAMPLES / "constitution")
    words = (*words, *layer) if command in ("test", "lint") else words
    done = subprocess.run(
        [sys.executable, "-m", "trustacks", *map(str, words)],
        env=cli.variables | {"PYTHONPATH": str(ROOT)},
        preexec_fn=without_privileges if os.geteuid() == 0 else None,
        capture_output=True,
        text=True,
        check=False,
        timeout=_HANGS,
    )
    assert done.returncode == 3
    assert f"cannot read {path}: Permission denied [storage-unavailable]" in done.stderr


# ---------------------------------------------------------------- profile and layers


def test_a_broken_profile_is_a_finding_with_its_line(cli, overlay):
    path = overlay / "overlay" / PROFILE
    path.write_text('schema_version: "1"\ntelemetry: []\n')
    layers = ("--overlay", overlay, "--constitution", EXAMPLES / "constitution")
    said, done = ended(cli, "rule", "lint", *layers, "--json")
    assert said == (1, "rule-lint-failed")
    (rule,) = done.value["rules"]
    found = [f for f in rule["findings"] if f["severity"] == "error"]
    places = [(f["code"], f["path"], f["line"]) for f in found]
    assert places == [("profile-invalid", str(path), 2)]
    assert done.value["profile"] is None


def test_a_missing_profile_is_a_hint_and_a_gap_a_warning(cli, overlay):
    layers = ("--overlay", overlay, "--constitution", EXAMPLES / "constitution")
    words = ("rule", "lint", RULE, *layers, "--json")

    def said():
        value = cli.must(*words).value
        (rule,) = value["rules"]
        found = [f for f in rule["findings"] if f["code"].startswith("profile-")]
        return [(f["code"], f["severity"]) for f in found], value["profile"]

    assert said() == ([("profile-missing", "hint")], None)
    path = overlay / "overlay" / PROFILE
    path.write_text('schema_version: "1"\nname: acme\n')
    empty = {"name": "acme", "tooling": {}, "practices": []}
    assert said() == ([("profile-gap", "warning")], empty)
    path.write_text(
        'schema_version: "1"\nticketing_change_mgmt: [{provider: jira}]\n',
    )
    assert said()[0] == []


def emptied(folder):
    shutil.rmtree(folder)
    folder.mkdir()


def no_folder(folder):
    shutil.rmtree(folder)
    folder.write_text("x")


def file_in(name, data):
    def act(folder):
        (folder / name).write_bytes(data)

    return act


LAYER = (1, "layer-format")
LAYERS = {
    "none": (shutil.rmtree, (2, "file-missing")),
    "a file": (no_folder, (2, "file-missing")),
    "empty": (emptied, (1, "not-found")),
    "no description": (lambda f: (f / "layer.json").unlink(), (1, "not-found")),
    "a broken description": (file_in("layer.json", b"{"), (1, "json-format")),
    "a description twice": (
        file_in("layer.json", b'{"kind": "pack", "kind": "pack"}'),
        (1, "json-format"),
    ),
    "a pack": (
        file_in("layer.json", b'{"kind":"pack","name":"x","version":"1.0.0"}'),
        LAYER,
    ),
    "no Rego": (lambda f: [p.unlink() for p in f.rglob("*.rego")], LAYER),
    "not Rego": (file_in("x.rego", b"hello\n"), (1, "confinement")),
    "not Rego, later": (
        file_in("x.rego", b"package proposal\n\nhello world\n"),
        (1, None),
    ),
    "UTF-16": (
        file_in("x.rego", "package proposal".encode("utf-16")),
        (1, "rego-parse"),
    ),
    "NUL": (file_in("x.rego", b"package proposal\n\0"), (1, "rego-parse")),
    "an overlay's package": (
        file_in("x.rego", b"# a\n\npackage overlay.x\n\nx := 1\n"),
        (1, "confinement"),
    ),
    "a pack's package": (
        file_in("x.rego", b"package pack.other\n\nx := 1\n"),
        (1, "confinement"),
    ),
    "a quoted package": (
        file_in("x.rego", b'package proposal["x"]\n\nx := 1\n'),
        (1, "confinement"),
    ),
    "data": (file_in("data.json", b"{}"), LAYER),
    "a link": (lambda f: (f / "x.rego").symlink_to("/etc/passwd"), LAYER),
    "a link to a folder": (lambda f: (f / "sub").symlink_to("/etc"), LAYER),
    "a link to itself": (lambda f: (f / "sub").symlink_to(f), LAYER),
    "a pipe": (lambda f: os.mkfifo(f / "x.rego"), LAYER),
    "a folder as file": (lambda f: (f / "x.rego").mkdir(), LAYER),
    "a huge file": (lambda f: large(f / "x.rego"), LIMIT),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_broken_constitution_is_said(cli, overlay, constitution, name):
    act, wanted = LAYERS[name]
    act(constitution)
    before = nothing_written(overlay)
    for command in ("test", "lint"):
        failed = {"test": "rule-tests-failed", "lint": "rule-lint-failed"}
        expected = (wanted[0], wanted[1] or failed[command])
        words = ("rule", command, RULE, "--overlay", overlay)
        said, done = ended(cli, *words, "--constitution", constitution)
        assert said == expected, done.err
        if wanted[1] in (None, "confinement"):
            assert "constitution/x.rego:" in done.out + done.err
    assert nothing_written(overlay) == before


def test_findings_are_one_json_document_each(cli, overlay):
    rule_file(overlay).write_bytes(b"\0")
    done = cli("rule", "lint", "--overlay", overlay, "--json")
    assert json.loads(done.out)["code"] == "not-logged-in"
