# SPDX-License-Identifier: Apache-2.0
"""A finding's code is explained where the author is: in the terminal."""

import os
import pty
import re
import subprocess
import sys

import pytest

from bundle.lint.pages import read_pages
from tests.simulators.plane import ROOT
from trustacks._cli.page_text import page_text

PAGES = ROOT / "docs" / "rules"


def on_a_terminal(cli, *words, **variables):
    """Run a command with a terminal as its standard output; return what it shows."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "trustacks", *words],
        env={**cli.variables, "PYTHONPATH": str(ROOT), "COLUMNS": "80", **variables},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 4096):
            shown += data
    except OSError:  # Linux: the other end is closed
        pass
    os.close(ours)
    assert child.wait(60) == 0
    return shown.decode().replace("\r\n", "\n")


def test_a_pipe_gets_the_page_as_it_is_written(cli):
    for code in read_pages():
        said = cli.must("rule", "explain", code).out
        assert said == (PAGES / f"{code}.md").read_text()


def test_json_is_the_code_its_title_and_text(cli):
    value = cli.must("rule", "explain", "recursion", "--json").value
    assert value["code"] == "recursion"
    assert value["title"] == "A rule depends on itself"
    assert value["severity"] == "error"
    assert value["text"] == (PAGES / "recursion.md").read_text()


def test_without_a_code_every_code_is_listed(cli):
    value = cli.must("rule", "explain", "--json").value
    assert [one["code"] for one in value["codes"]] == list(read_pages())
    lines = cli.must("rule", "explain").out.splitlines()
    assert [line.split()[0] for line in lines] == list(read_pages())


@pytest.mark.parametrize(
    ("code", "near"),
    [("data-refrence", "data-reference"), ("Recursion", "recursion"), ("[]", "")],
)
def test_an_unknown_code_is_misuse_and_near_ones_are_named(cli, code, near):
    refused = cli("rule", "explain", code)
    assert (refused.exit_code, refused.code, refused.out) == (2, "unknown-code", "")
    assert near in refused.err.partition("hint: ")[2]


@pytest.mark.parametrize(
    "code", ["../rules/recursion", "index", "recursion.md", "\x1b[2J"]
)
def test_a_path_is_not_a_code(cli, code):
    refused = cli("rule", "explain", code)
    assert (refused.exit_code, refused.code) == (2, "unknown-code")
    assert "\x1b" not in refused.err


def test_a_terminal_gets_lines_of_eighty_columns_and_code_unbroken(cli):
    shown = on_a_terminal(cli, "rule", "explain", "regex-not-portable")
    assert shown.startswith("\x1b[1mregex-not-portable\x1b[0m\n\nSeverity: error.\n")
    assert "\n    `^[0-9]+$`\n" in shown
    assert "```" not in shown
    assert max(map(len, shown.splitlines())) <= 80
    listed = on_a_terminal(cli, "rule", "explain")
    bare = re.sub(r"\x1b\[\d+m", "", listed)
    assert max(map(len, bare.splitlines())) <= 80
    assert all(code in bare for code in read_pages())


def test_no_color_is_no_color_on_a_terminal_too(cli):
    shown = on_a_terminal(cli, "rule", "explain", "recursion", NO_COLOR="1")
    assert "\x1b" not in shown
    assert shown.startswith("recursion\n\nSeverity")


def test_what_is_laid_out_loses_nothing_but_its_marks():
    text = (
        "# a\n\nOne [two](b.md) `x y`.\n\n```rego\na\n\n  b\n```\n- three\n\n```\nend"
    )
    said = page_text(text, width=80, style=lambda text, _name: text)
    assert said == "a\n\nOne two `x y`.\n\n    a\n\n      b\n\n- three\n\n    end"
