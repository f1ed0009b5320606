# SPDX-License-Identifier: Apache-2.0
"""The formatter lays out and does nothing else; stock ``opa fmt`` has nothing to add."""

import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.rego import format as formatter
from bundle.rego.engine import Module
from bundle.rego.format import format_file, format_source
from bundle.rego.format_same import shape, tokens_said
from bundle.rego.format_tokens import read_tokens
from bundle.rego.reader import read_syntax
from bundle.rego.templates import NAMES, library, render
from tests.attacks.test_overlay_escape_careful_author import RULES
from tests.simulators.rego import RULE, RULE_ID, TEST, shared_engine

ROOT = Path(__file__).parents[3]
TEXTS = {
    **{p.name: p.read_text() for p in (ROOT / "examples").rglob("*.rego")},
    **{f"{name} {i}": render(name, RULE_ID)[i] for name in NAMES for i in (0, 1)},
    **RULES,
    "the library": library().source,
    "a rule": RULE,
    "its tests": TEST,
}
COMMENTS = """# Above the package.

package   overlay.x # beside it
import rego.v1
import input.b   # why b
import   data.overlay_lib.target_tier


import input.a
# about a
a:=1
b  :=   2 # two
c := [1,   # one
  # on its own
    2,3 ]
default d:=false
d if a==1
deny contains m if { # opening
\t# first
\ta=="prod";  b>-1


\tsome i,f in input.fs  # loop
\t# in the middle

\tnot f["x"] in {"a","b"}
\tevery k,v in f { v>0; k!="" }
\tevery q in [
\t "a",
\t] { q }
\tw := {u |
\t  some u in input.us; u > 1
\t}
\tm := a # inside
\t  + b
\tcount(f) == 0 with input as {"a": 1}
\t   with data.q as 3
}
# at the end"""
LAID_OUT = """# Above the package.

package overlay.x # beside it

import data.overlay_lib.target_tier
import input.b # why b
import rego.v1

import input.a

# about a
a := 1
b := 2 # two
c := [
	1, # one
	# on its own
	2, 3,
]

default d := false

d if a == 1

deny contains m if { # opening
	# first
	a == "prod"
	b > -1

	some i, f in input.fs # loop

	# in the middle

	not f.x in {"a", "b"}
	every k, v in f {
		v > 0
		k != ""
	}
	every q in [
		"a",
	] {
		q
	}
	w := {u |
		some u in input.us
		u > 1
	}
	m := a # inside
		+ b
	count(f) == 0 with input as {"a": 1}
		with data.q as 3
}

# at the end
"""


def formatted(text):
    done = format_file("r.rego", text.encode(), engine=shared_engine())
    assert done.finding is None, done.finding
    return done.after.decode()


@pytest.mark.integration
@pytest.mark.skipif(shutil.which("opa") is None, reason="no opa on PATH")
def test_stock_opa_has_nothing_to_add(tmp_path):
    for number, text in enumerate(TEXTS.values()):
        (tmp_path / f"{number:03}.rego").write_text(formatted(text))
    done = subprocess.run(
        ["opa", "fmt", "--diff", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_formatted_file_is_the_same_rule_and_stays(text):
    once = formatted(text)
    assert formatted(once) == once
    before, after = Module("r.rego", text), Module("r.rego", once)
    parse = shared_engine().parse
    assert shape(read_syntax(before, parse(before))) == shape(
        read_syntax(after, parse(after))
    )
    assert tokens_said(before) == tokens_said(after)


def test_comments_and_paragraphs_stay_where_they_are():
    assert formatted(COMMENTS) == LAID_OUT
    assert formatted(LAID_OUT) == LAID_OUT


@pytest.mark.parametrize("name", NAMES)
def test_templates_are_formatted_as_they_are(name):
    for text in render(name, RULE_ID):
        assert formatted(text) == text


def test_line_ends_of_another_system_become_ours():
    assert formatted(RULE.replace("\n", "\r\n")) == formatted(RULE)
    assert formatted(RULE.rstrip("\n")) == formatted(f"{RULE}\n\n\n")


def mangled(text, seed):
    """Return a text with other blanks: whatever a formatter must not care for."""
    rng = random.Random(seed)
    module = Module("r.rego", text)
    out, end, row = [], 0, 1
    for token in read_tokens(module):
        start = text.index(token.text, end)
        between = text[end:start]
        lines = between.count("\n")
        if lines:
            gap = rng.choice(["", " ", "\t "]).join("\n" * lines)
            gap += rng.choice(["", "\n\n"]) if lines > 1 else ""
            out.append(gap + rng.choice(["", "\t", "    "]))
        elif between or (not token.tight and row == token.row):
            out.append(rng.choice([" ", "  ", "\t"]))
        elif token.kind == "operator" and token.text not in (".", "-"):
            out.append(rng.choice(["", " "]))
        out.append(token.text)
        end, row = start + len(token.text), token.row
    return "".join(out) + rng.choice(["", "\n", "\n\n"])


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(TEXTS)), st.integers(0, 2**32))
def test_blanks_do_not_matter(name, seed):
    expected = format_source(Module("r.rego", TEXTS[name]))
    text = mangled(expected, seed)
    assert format_source(Module("r.rego", text)) == expected
    ends = text.replace("\n", "\r\n")
    if "`" not in text:
        assert formatted(ends) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("package", "rego-parse"),
        ("package a\nx := [1", "rego-parse"),
        ("package a\nx := 1 ]", "rego-parse"),
        ("package a\nx := @", "rego-parse"),
        ("package a\nx := \x00", "rego-parse"),
        ("\ufeffpackage a\n", "rego-parse"),
        ("package a\n\nx := " + "[" * 9 + "]" * 9, "rego-parse"),
        ("package a\nx { 1 ", "rego-parse"),
        ("", "rego-parse"),
    ],
)
def test_what_is_no_rego_is_a_finding_and_stays(text, code):
    done = format_file("r.rego", text.encode(), engine=shared_engine())
    assert done.finding is not None
    assert (done.finding.code, done.changed) == (code, False)


def test_bytes_that_are_no_text_are_a_finding():
    done = format_file("r.rego", b"package a\n\xff", engine=shared_engine())
    assert done.finding is not None
    assert (done.finding.code, done.finding.line) == ("rego-parse", 2)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('"prod"', '"dev"'),  # another token, another tree
        ("# A comment.\n", ""),  # the trees are equal, the tokens are not
        ("target_tier ==", '"prod" ==\n\t"prod"\n\ttarget_tier =='),
        ("has_ticket if", "has_ticket if if"),  # not Rego any more
    ],
)
def test_a_formatter_that_says_something_else_writes_nothing(monkeypatch, was, becomes):
    text = RULE.replace("deny contains", "# A comment.\ndeny contains")
    honest = format_source
    assert was in text

    def lying(module):
        return honest(module).replace(was, becomes)

    monkeypatch.setattr(formatter, "format_source", lying)
    done = format_file("r.rego", text.encode(), engine=shared_engine())
    assert done.finding is not None
    assert (done.finding.code, done.changed) == ("format-unsafe", False)


def test_equal_tokens_in_another_order_are_another_rule(monkeypatch):
    text = RULE.replace('target_tier == "prod"', '"prod" == target_tier')
    moved = RULE
    assert tokens_said(Module("r", text)) == tokens_said(Module("r", moved))
    monkeypatch.setattr(formatter, "format_source", lambda _: moved)
    done = format_file("r.rego", text.encode(), engine=shared_engine())
    assert done.finding is not None
    assert done.finding.code == "format-unsafe"


@pytest.mark.parametrize(
    "text",
    [
        "package a\n\nx if # why\n{\n1 == 1; 2 == 2 }\n",
        "package a\nimport rego.v1\nimport # why\ninput.b\n\nx := 1\n",
        "package a\n\nx := [ # one\n1 # two\n, 2\n# three\n]\n",
        'package a\n\nx := {# one\n"a" # two\n: # three\n1}\n',
        "package a\n\nx if {\n# one\n}\n",
        "package a\n\nx := f( # one\n)\n\nf() := 1 # two\n# three\n",
        "package a\n\nx if input.a # one\n\twith input as 1 # two\n",
        "package a # one\n# two\nimport rego.v1 # three\n# four\nx := 1 # five\n# six",
        "# only\npackage a\n\n# comments\n\n\n# here",
        "package a\n\nx := {y | # one\n some y in input.z # two\n}\n",
        "package a\n\nx if every y in input.z { # one\n y }\n",
        "package a\n\nx if {\n every y in [1] # one\n{ y > 0 }\n}\n",
        "package a\n\nx if {\n every y in input.z\n\n{ y > 0 }\n}\n",
        "package a\n\nx if {\n some y, # one\n z in input.z; y }\n",
    ],
)
def test_comments_in_odd_places_are_kept_and_stay(text):
    module = Module("r.rego", text)
    once = format_source(module)
    again = Module("r.rego", once)
    assert format_source(again) == once
    assert tokens_said(module) == tokens_said(again)
    done = format_file("r.rego", text.encode(), engine=shared_engine())
    assert done.finding is None or done.finding.code == "rego-parse"


@pytest.mark.parametrize("seed", range(40))
def test_line_ends_and_comments_anywhere_never_make_another_rule(seed):
    """Whatever an engine still reads is laid out once and for all, or stays."""
    rng = random.Random(seed)
    text, out, end = TEXTS[rng.choice(sorted(TEXTS))], [], 0
    for token in read_tokens(Module("r.rego", text)):
        start = text.index(token.text, end)
        gap = text[end:start]
        if rng.random() < 0.06 and not token.tight:
            gap = rng.choice(["\n", " # why\n", "\n\n# why\n"]) + gap
        out += [gap, token.text]
        end = start + len(token.text)
    data = "".join(out).encode()
    done = format_file("r.rego", data, engine=shared_engine())
    if done.finding is not None:
        assert not done.changed
        return
    again = format_file("r.rego", done.after, engine=shared_engine())
    assert (again.finding, again.changed) == (None, False)


def test_a_large_file_takes_no_time():
    many = "\n".join(f"x{i} := [1, # one\n2] # two" for i in range(5_000))
    commented = "package a\n\nx := [1\n" + "# c\n" * 20_000 + "]\n"
    for text in (f"package a\n{many}\n", commented, "package a\n" + "# c\n" * 50_000):
        assert format_source(Module("r.rego", text))
