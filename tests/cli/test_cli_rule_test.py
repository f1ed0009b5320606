# SPDX-License-Identifier: Apache-2.0
"""``trustacks rule test`` as a person or a CI sees it."""

import io
import json
import os
import select
import signal
import time
from pathlib import Path

import pytest

from tests.simulators.plane import EXAMPLES
from tests.simulators.rego import write_rule
from trustacks._cli.environment import Environment
from trustacks._cli.output import Output
from trustacks._cli.rule_test import _folders
from trustacks._cli.session import Session
from trustacks._cli.watch import _clear, look, watch

ONE, TWO = "acme.calendar", "acme.window"
LAYERS = (
    *("--constitution", EXAMPLES / "constitution"),
    *("--pack", EXAMPLES / "packs/change-control"),
)
PATIENCE_S = 30


@pytest.fixture
def overlay(tmp_path):
    """An overlay with two rules."""
    root = tmp_path / "policy/overlay"
    write_rule(root, ONE)
    write_rule(root, TWO, "deploy-window")
    return root


def rule_path(overlay, rule_id=ONE):
    return overlay / "rules" / rule_id / f"{rule_id}.rego"


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def ids_of(ended):
    return [rule["rule_id"] for rule in ended.value["rules"]]


def test_every_rule_is_tested_and_counted(cli, overlay):
    ended = cli.must("rule", "test", "--overlay", overlay)
    assert ended.out == (
        f"{ONE}: passed, 12 of 12 cases, 100 % of 7 lines\n"
        f"{TWO}: passed, 15 of 15 cases, 100 % of 16 lines\n"
        "2 rules: 2 passed, 0 failed, 27 cases\n"
    )
    assert ended.err == ""


def test_several_are_named_by_id_or_path_and_tested_once_in_this_order(cli, overlay):
    words = (rule_path(overlay, TWO), ONE, TWO)
    ended = cli.must("rule", "test", *words, "--overlay", overlay, "--json")
    assert ids_of(ended) == [TWO, ONE]


def test_one_unknown_name_of_several_refuses_before_any_is_tested(cli, overlay):
    ended = cli("rule", "test", ONE, "acme.nothing", "--overlay", overlay)
    assert (ended.exit_code, ended.code, ended.out) == (1, "not-found", "")


def test_a_failure_shows_why_and_names_the_rule(cli, overlay):
    edit(rule_path(overlay), 'target_tier == "prod"', 'target_tier == "prd"')
    ended = cli("rule", "test", "--overlay", overlay)
    assert (ended.exit_code, ended.code) == (1, "rule-tests-failed")
    shown = ended.out.split("\n\n")[0].splitlines()
    assert shown[0].startswith("FAIL test_denies_no_ticket (")
    assert shown[1:9] == [
        "  expected verdict: deny",
        "  actual verdict:   allow",
        "  deny: none",
        f"  deny did not fire ({ONE}.rego:22)",
        '  >   23  did not hold  target_tier == "prd"',
        '                        target_tier is "prod"',
        "      24  not reached   not has_ticket",
        '      25  not reached   message := "expected a change ticket like CM-1234 in ...',
    ]
    assert ended.out.endswith("2 rules: 1 passed, 1 failed, 27 cases\n")
    assert ONE in ended.err
    assert TWO not in ended.err


def test_json_holds_everything(cli, overlay):
    edit(rule_path(overlay), 'target_tier == "prod"', 'target_tier == "prd"')
    value = cli("rule", "test", "--overlay", overlay, "--json", *LAYERS).value
    assert [layer["kind"] for layer in value["parents"]] == ["constitution", "pack"]
    one, two = value["rules"]
    assert (one["passed"], two["passed"]) == (False, True)
    assert set(one) == {
        *("rule_id", "passed", "test", "failed", "findings"),
        *("cases", "kill", "coverage"),
    }
    assert one["failed"][0] == "test_denies_no_ticket"
    failed = next(case for case in one["cases"] if not case["passed"])
    assert failed["conditions"][0]["statements"][0]["values"] == [
        {"name": "target_tier", "value": "prod"}
    ]
    assert one["coverage"]["missed"][0]["line"] == 22
    assert one["kill"] is None
    assert two["kill"]["strictness_witness"] == "test_denies_second_before"
    assert [deny["killed_by"] for deny in two["kill"]["denies"]] == [
        "test_denies_second_before"
    ]


def test_what_cannot_run_is_a_finding_and_the_others_are_tested(cli, overlay):
    rule_path(overlay).write_text("package x\n\n???\n")
    ended = cli("rule", "test", "--overlay", overlay)
    assert (ended.exit_code, ended.code) == (1, "rule-tests-failed")
    assert f"error: {rule_path(overlay)}:3:1: " in ended.out
    assert f"{TWO}: passed" in ended.out


def test_no_test_file_is_one_finding(cli, overlay):
    test = rule_path(overlay).with_name(f"{ONE}_test.rego")
    test.unlink()
    ended = cli("rule", "test", ONE, "--overlay", overlay)
    assert ended.out == (
        f"error: {test}:1:1: expected a test file, got none [test-missing]\n"
        "  fix: write test_allows_... and test_denies_... rules\n"
        f"{ONE}: failed, 0 of 0 cases\n"
    )


def test_a_case_file_that_is_not_one_has_the_line_of_its_case(cli, overlay):
    cases = rule_path(overlay).with_name(f"{ONE}.cases.yaml")
    cases.write_text(
        "cases:\n"
        "  - {name: a, polarity: positive, input: {}}\n"
        "  - name: b\n"
        "    polarity: sometimes\n"
        "    input: {}\n"
    )
    ended = cli("rule", "test", ONE, "--overlay", overlay)
    assert ended.exit_code == 1
    assert f"error: {cases}:3:1: " in ended.out
    assert "'sometimes'" in ended.out
    assert "[case-file-format]" in ended.out
    assert "fix: see docs/formats/rule.md" in ended.out


def test_a_failed_case_has_its_line_in_the_case_file(cli, overlay):
    cases = rule_path(overlay).with_name(f"{ONE}.cases.json")
    one = {"polarity": "positive", "input": {"a": ["{", {"b": 1}]}}
    named = [one | {"name": name} for name in ("a", "b")]
    failing = {"name": "c", "polarity": "negative", "input": {}}
    cases.write_text(json.dumps({"cases": [*named, failing]}, indent=1))
    lines = cases.read_text().splitlines()
    ended = cli("rule", "test", ONE, "--overlay", overlay)
    first = next(n for n, text in enumerate(lines, 1) if '"name": "c"' in text)
    opened = max(n for n in range(1, first) if lines[n - 1] == "  {")
    assert f"FAIL c ({cases}:{opened})" in ended.out


def test_coverage_refuses_only_below_what_was_asked_for(cli, overlay):
    dead = '\ndeny contains {"rule_id": "acme.calendar", "message": "m"} if {\n\tinput.never\n\tinput.ever\n}\n'
    rule_path(overlay).write_text(rule_path(overlay).read_text() + dead)
    here = ("rule", "test", "--overlay", overlay)
    ended = cli.must(*here)
    assert "\n      36  input.ever\n" in ended.out
    assert f"{ONE}: passed, 12 of 12 cases, 80 % of 10 lines" in ended.out
    cli.must(*here, "--min-coverage", "80")
    ended = cli(*here, "--min-coverage", "81")
    assert (ended.exit_code, ended.code) == (1, "rule-coverage-low")
    assert "got 80 % in acme.calendar [" in ended.err
    assert ended.out.startswith("warning: ")
    assert cli(*here, "--min-coverage", "101").exit_code == 2


def test_there_is_no_update(cli, overlay):
    for word in ("--update", "--fix", "--accept"):
        ended = cli("rule", "test", "--overlay", overlay, word)
        assert (ended.exit_code, ended.code) == (2, "usage")
    assert "update" not in cli.must("rule", "test", "--help").out.lower()


def test_a_test_run_writes_nothing(cli, overlay):
    before = {path: path.read_bytes() for path in overlay.rglob("*") if path.is_file()}
    edit(rule_path(overlay), 'target_tier == "prod"', 'target_tier == "prd"')
    before[rule_path(overlay)] = rule_path(overlay).read_bytes()
    cli("rule", "test", "--overlay", overlay)
    after = {path: path.read_bytes() for path in overlay.rglob("*") if path.is_file()}
    assert after == before


def test_pinned_parents_are_used_by_who_is_logged_in(alice, drafted):
    value = alice.must("rule", "test", "--overlay", drafted, "--json").value
    assert [layer["kind"] for layer in value["parents"]] == ["constitution", "pack"]


def test_without_a_login_the_platforms_library_stands_in(cli, overlay):
    assert (
        cli.must("rule", "test", "--overlay", overlay, "--json").value["parents"] == []
    )
    ended = cli("rule", "test", "--overlay", overlay, "--workspace", "acme")
    assert ended.code == "not-logged-in"


def test_testing_loads_neither_yaml_nor_rich_nor_cryptography(cli, overlay):
    heavy = ["cryptography", "tuf", "httpx", "rich", "z3", "bundle.rego.trace"]
    script = (
        "import sys\n"
        "from trustacks._cli.main import run\n"
        f"assert run(['rule', 'test', {ONE!r}, '--overlay', {str(overlay)!r}]) == 0\n"
        f"print([n for n in [*{heavy!r}, 'yaml'] if n in sys.modules], file=sys.stderr)\n"
    )
    with cli.python(script, cwd=overlay) as process:
        assert process.communicate(timeout=PATIENCE_S)[1] == "[]\n"


# -- --watch


class Watching:
    """A ``rule test --watch`` in a child, read with a deadline."""

    def __init__(self, process):
        self.process = process
        self._said = b""

    def until(self, text: str) -> str:
        """Return what it said up to ``text``, which must come."""
        deadline = time.monotonic() + PATIENCE_S
        while text.encode() not in self._said:
            left = deadline - time.monotonic()
            # A result is written before what is said of it: read it first.
            streams = [self.process.stdout, self.process.stderr]
            ready = select.select(streams, [], [], max(left, 0))[0]
            assert ready, self._said
            for stream in ready:
                chunk = stream.buffer.raw.read(1 << 16)
                assert chunk, self._said
                self._said += chunk
        said, _, self._said = self._said.partition(text.encode())
        return said.decode()


@pytest.fixture
def watching(cli, overlay):
    with cli.start(
        "rule", "test", ONE, "--watch", "--overlay", overlay, cwd=overlay
    ) as process:
        try:
            yield Watching(process)
        finally:
            process.kill()
            process.stdout.close()
            process.stderr.close()


def test_watch_runs_again_on_every_change_and_ends_by_ctrl_c(watching, overlay):
    rule, again = rule_path(overlay), "watching 4 files, Ctrl-C ends\n"
    assert f"{ONE}: passed, 12 of 12" in watching.until(again)
    edit(rule, 'target_tier == "prod"', 'target_tier == "prd"')
    said = watching.until(again)
    assert "FAIL test_denies_no_ticket" in said
    assert "[rule-tests-failed]" in said
    assert "\x1b" not in said
    edit(rule, 'target_tier == "prd"', 'target_tier == "prod"')
    assert f"{ONE}: passed, 12 of 12" in watching.until(again)
    watching.process.send_signal(signal.SIGINT)
    assert "interrupted" in watching.until("[interrupted]")
    assert watching.process.wait(PATIENCE_S) == 3


def test_watch_outlives_files_that_vanish_or_are_half_written(watching, overlay):
    rule = rule_path(overlay)
    text = rule.read_text()
    watching.until("watching 4 files, Ctrl-C ends\n")
    rule.write_text(text[: len(text) // 2])
    assert "[rego-parse]" in watching.until("watching 4 files, Ctrl-C ends\n")
    rule.unlink()
    assert "[not-found]" in watching.until("watching 3 files, Ctrl-C ends\n")
    rule.write_bytes(b"\xff\x00")
    assert "expected UTF-8" in watching.until("watching 4 files, Ctrl-C ends\n")
    rule.write_text(text)
    assert f"{ONE}: passed, 12 of 12" in watching.until("Ctrl-C ends\n")


def test_watch_prints_one_document_a_run(cli, overlay):
    words = ("rule", "test", ONE, "--watch", "--json", "--overlay", overlay)
    with cli.start(*words, cwd=overlay) as process:
        said = Watching(process)
        first = said.until("trustacks: watching 4 files, Ctrl-C ends\n")
        rule_path(overlay).unlink()
        second = said.until("trustacks: watching 3 files, Ctrl-C ends\n")
        process.send_signal(signal.SIGINT)
        said.until("[interrupted]")
    assert [rule["passed"] for rule in json.loads(first)["rules"]] == [True]
    assert json.loads(second.splitlines()[0])["code"] == "not-found"


def session_of(stdout, *, as_json=False):
    output = Output(stdout=stdout, stderr=io.StringIO(), as_json=as_json)
    return Session(Environment(Path(), None, debug=False, no_color=True), output)


def test_watch_clears_a_terminal_and_nothing_else():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for stream, as_json, written in (
        (Terminal(), False, "\x1b[2J\x1b[H"),
        (Terminal(), True, ""),
        (io.StringIO(), False, ""),
    ):
        _clear(session_of(stream, as_json=as_json))
        assert stream.getvalue() == written


@pytest.mark.parametrize(("edits", "seen"), [(3, "2"), (1000, "7")])
def test_watch_waits_for_the_last_of_several_writes_but_not_for_ever(
    tmp_path, monkeypatch, edits, seen
):
    file, said, left = tmp_path / "x.rego", [], iter(range(edits))
    file.write_text("first")

    class Editor:
        def wait(self, _seconds):
            for number in left:
                file.write_text(f"{number}")
                os.utime(file, ns=(0, number))
                return

    def run():
        said.append(file.read_text())
        raise KeyboardInterrupt

    monkeypatch.setattr("trustacks._cli.watch.threading.Event", Editor)
    with pytest.raises(KeyboardInterrupt):
        watch(session_of(io.StringIO()), [tmp_path], run)
    assert said == [seen]


def test_watch_ends_when_nobody_reads_any_more(watching, overlay):
    watching.until("Ctrl-C ends\n")
    watching.process.stdout.close()
    edit(rule_path(overlay), 'target_tier == "prod"', 'target_tier == "prd"')
    assert watching.process.wait(PATIENCE_S) == 3


def test_watch_looks_at_the_overlay_the_layers_and_rules_that_lie_elsewhere(overlay):
    here, there = overlay.parent, overlay / "rules" / ONE
    layers = (EXAMPLES / "constitution", EXAMPLES / "packs/change-control")
    assert [*_folders((), here, *layers)] == [overlay, *layers]
    assert [*_folders((ONE,), here, None)] == [overlay]
    assert [*_folders((str(there / "x.rego"), "x.rego"), None)] == [there, Path()]


def test_watch_sees_a_change_of_time_size_or_file_and_nothing_of_git(overlay):
    path = rule_path(overlay)
    before = look([overlay])
    assert str(path) in before
    at = path.stat()
    os.utime(path, ns=(at.st_atime_ns, at.st_mtime_ns + 1))
    later = look([overlay])
    assert later != before
    (overlay / ".git").mkdir()
    (overlay / ".git/index").write_text("x")
    assert look([overlay]) == later
    assert look([overlay / "nothing"]) == {}


def test_watch_needs_an_overlay_to_begin_with(cli, tmp_path):
    ended = cli("rule", "test", "--watch", "--overlay", tmp_path / "no")
    assert (ended.exit_code, ended.code) == (1, "overlay-format")


def test_a_rule_whose_only_tests_are_a_case_file_is_signed_and_released(
    alice, ci, drafted
):
    folder = next(drafted.rglob("rules/*"))
    (folder / f"{folder.name}_test.rego").unlink()
    inputs = {"positive": {}, "negative": {"context": {"target": {"tier": "prod"}}}}
    cases = [{"name": p, "polarity": p, "input": given} for p, given in inputs.items()]
    (folder / f"{folder.name}.cases.json").write_text(json.dumps({"cases": cases}))
    here = ("--overlay", drafted)
    for words in (("test",), ("lint",), ("sign",)):
        alice.must("rule", *words, *here)
    listed = alice.must("rule", "list", *here, "--json").value["rules"]
    assert [rule["state"] for rule in listed] == ["signed"]
    shown = alice.must("rule", "show", folder.name, *here, "--json").value
    assert shown["verification"]["accepted"]
    ci.must("bundle", "release", *here)
    assert ci.must("bundle", "verify", "--json").value["accepted"]
