# SPDX-License-Identifier: Apache-2.0
"""Every way a command can end is a line and an exit code, never a traceback."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from keys.errors import RuleError, StorageUnavailableError
from trustacks._cli import main as boundary
from trustacks._cli.lazy import LazyGroup, command
from trustacks._cli.output import Output, columns, printable
from trustacks._cli.table import COMMANDS
from trustacks.errors import ControlPlaneRefusalError

ENDINGS = {
    "our refusal": (RuleError("expected a, got b", hint="mend it"), 1, "rule"),
    "our storage": (
        StorageUnavailableError("cannot write x"),
        3,
        "storage-unavailable",
    ),
    "the disk": (OSError(28, "No space left on device", "f"), 3, "operating-system"),
    "a closed pipe": (BrokenPipeError(32, "Broken pipe"), 3, "operating-system"),
    "ctrl-c": (KeyboardInterrupt(), 3, "interrupted"),
    "ctrl-c at a prompt": (click.Abort(), 3, "interrupted"),
    "misuse": (click.UsageError("No such option: --x."), 2, "usage"),
    "a fault of ours": (ValueError("secret-value"), 3, "internal"),
    "the server refuses": (
        ControlPlaneRefusalError("no", passed_code="token-expired"),
        1,
        "token-expired",
    ),
    "the server fails": (
        ControlPlaneRefusalError("no", passed_code="internal", exit_code=3),
        3,
        "internal",
    ),
    "the server is busy": (
        ControlPlaneRefusalError("no", passed_code="rate-limited", exit_code=3),
        3,
        "rate-limited",
    ),
}


def end(error, *, debug=False, as_json=False):
    output = Output(io.StringIO(), io.StringIO(), as_json=as_json)
    code = boundary._end(boundary._translated(error), output, debug=debug)
    return code, output.stdout.getvalue(), output.stderr.getvalue()


@pytest.mark.parametrize(("error", "exit_code", "code"), ENDINGS.values(), ids=ENDINGS)
def test_every_ending_is_one_line_with_a_code(error, exit_code, code):
    ended, out, err = end(error)
    assert ended == exit_code
    assert out == ""
    lines = err.splitlines()
    assert lines[0].startswith("trustacks: ")
    assert lines[0].endswith(f"[{code}]")
    assert all(line.startswith("trustacks: hint: ") for line in lines[1:])
    assert "Traceback" not in err


def test_a_fault_of_ours_shows_no_detail_unless_asked():
    assert "secret-value" not in end(ValueError("secret-value"))[2]
    assert "secret-value" in end(ValueError("secret-value"), debug=True)[2]


def test_a_refusal_under_json_is_the_error_as_json():
    _, out, _ = end(RuleError("expected a, got b", hint="mend it", at=3), as_json=True)
    assert json.loads(out) == {
        "code": "rule",
        "message": "expected a, got b",
        "hint": "mend it",
        "evidence": {"at": 3},
    }


def test_a_result_that_was_printed_is_not_followed_by_a_second_document():
    output = Output(io.StringIO(), io.StringIO(), as_json=True)
    output.result({"accepted": False}, "")
    boundary._end(RuleError("no"), output, debug=False)
    assert output.stdout.getvalue() == '{"accepted":false}\n'


def test_an_escape_sequence_from_outside_stays_visible():
    assert end(RuleError("got \x1b[2Jx"))[2] == "trustacks: got \\x1b[2Jx [rule]\n"
    assert printable("a\u202eb\n") == "a\\x202eb\n"


def test_columns_are_as_wide_as_their_widest_cell():
    assert columns([("a", "bb"), ("ccc", "d")]) == "a    bb\nccc  d"
    assert columns([]) == ""


def walk(table, path=()):
    for name, (place, line) in table.items():
        if isinstance(place, str):
            yield (*path, name), line
        else:
            yield from walk(place, (*path, name))


@pytest.mark.parametrize(("path", "line"), list(walk(COMMANDS)), ids=str)
def test_every_command_of_the_table_is_there_with_json_and_help(path, line):
    found = boundary.program
    context = click.Context(found)
    for name in path:
        found = found.get_command(context, name)
    assert found.name == path[-1]
    assert found.help
    assert "--json" in {word for p in found.params for word in p.opts}
    assert line == line.rstrip(".")
    assert line[0].islower()


def test_an_unknown_command_names_itself_and_exits_2(capsys):
    assert boundary.run(["rule", "sing"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "'sing'" in said.err
    assert "hint: trustacks rule --help" in said.err


@pytest.mark.parametrize("words", [[], ["rule"]])
def test_no_command_is_misuse_and_shows_the_help_as_a_hint(words, capsys):
    assert boundary.run(words) == 2
    assert capsys.readouterr().err.endswith(
        f"hint: {' '.join(['trustacks', *words])} --help\n"
    )


MISUSE = {
    "a command": ["rule", "sing", "--json"],
    "an option": ["rule", "test", "--no", "--json"],
    "an argument": ["rule", "new", "--json"],
}


@pytest.mark.parametrize("words", MISUSE.values(), ids=MISUSE)
def test_misuse_under_json_is_one_document(words, capsys):
    assert boundary.run(words) == 2
    assert json.loads(capsys.readouterr().out)["code"] == "usage"


def test_a_word_after_the_options_does_not_ask_for_json(capsys):
    assert boundary.run(["rule", "new", "--", "--json"]) == 2
    assert capsys.readouterr().out == ""


def test_a_misspelled_command_names_the_nearest(capsys):
    assert boundary.run(["rule", "tset"]) == 2
    assert "no such command 'tset', the nearest is 'test' [usage]" in (
        capsys.readouterr().err
    )


def test_a_missing_choice_names_the_choices_in_the_line(capsys):
    words = ["workspace", "token", "create", "--subject", "s", "--out", "nothing"]
    assert boundary.run(words) == 2
    first = capsys.readouterr().err.splitlines()[0]
    assert "auditor" in first
    assert first.endswith("[usage]")


def test_help_is_a_result_and_imports_no_command(capsys):
    assert boundary.run(["rule", "--help"]) == 0
    said = capsys.readouterr()
    assert "sign" in said.out
    assert said.err == ""


def test_a_command_gets_its_session_and_flags():
    seen = []

    @command("probe")
    @click.argument("word")
    def probe(session, word):
        """Probe."""
        seen.append((session, session.output.as_json, word))

    class Fixed(LazyGroup):
        def get_command(self, ctx, cmd_name):
            return probe

    session = type("S", (), {"output": Output(io.StringIO(), io.StringIO())})()
    Fixed("x", {"probe": ("", "")}).main(
        ["probe", "--json", "w"], standalone_mode=False, obj=session
    )
    assert seen == [(session, True, "w")]


HEAVY = ("cryptography", "tuf", "httpx", "rich", "control_plane", "yaml", "regorus")


@pytest.mark.parametrize(
    "words", [["--help"], ["rule", "--help"], ["rule", "lint", "--help"]]
)
def test_help_imports_nothing_heavy(words):
    script = (
        "import sys\n"
        "from trustacks._cli.main import run\n"
        f"code = run({words!r})\n"
        f"loaded = [n for n in {HEAVY!r} if n in sys.modules]\n"
        "print(loaded, file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr == "[]\n"


def test_a_full_stdout_is_said_and_exits_3():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "trustacks", "--help"],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_reader_that_goes_away_is_no_traceback():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "trustacks", "--help"],
        check=False,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


def test_no_home_is_said():
    done = subprocess.run(
        [sys.executable, "-m", "trustacks", "version"],
        check=False,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "[configuration]" in done.stderr
