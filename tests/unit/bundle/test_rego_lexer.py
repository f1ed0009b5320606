# SPDX-License-Identifier: Apache-2.0
"""What no parser should see is refused, with its place."""

import pytest

from bundle.rego.engine import Module
from bundle.rego.errors import RegoParseError
from bundle.rego.lexer import check_source, decode_module
from bundle.rego.limits import MAX_LINE_BYTES, MAX_MODULE_BYTES, MAX_NESTING

REFUSED = {
    "byte order mark": ("\ufeffpackage a", 1, 1),
    "NUL": ("package a\n\x00", 2, 1),
    "NUL in a string": ('package a\np := "\x00"', 2, 7),
    "escape character": ("package a # \x1b[2J", 1, 13),
    "CRLF": ("package a\r\np := 1\r\n", 1, 10),
    "lone CR that hides a line": ("package a # x\rp := 1", 1, 14),
    "right-to-left override in a comment": ("package a # \u202e", 1, 13),
    "zero-width space in a string": ('package a\np := "\u200b"', 2, 7),
    "line separator": ("package a # \u2028p := 1", 1, 13),
    "variation selector": ("package a # x\ufe0f", 1, 14),
    "tag character": ("package a # \U000e0041", 1, 13),
    "Cyrillic letter in a name": ("package a\nd\u0435ny := 1", 2, 2),
    "open string": ('package a\np := "x\n', 2, 6),
    "open raw string": ("package a\np := `x\ny", 2, 6),
    "template string": ('package a\np := $"{x}"', 2, 6),
    "closing bracket too many": ("package a\np := 1)", 2, 7),
    "brackets of two kinds": ("package a\np := [1)", 2, 8),
}


@pytest.mark.parametrize(
    ("source", "line", "column"), REFUSED.values(), ids=REFUSED.keys()
)
def test_text_that_no_parser_should_see_is_refused(source, line, column):
    with pytest.raises(RegoParseError) as caught:
        check_source(Module("a.rego", source))
    assert caught.value.code == "rego-parse"
    assert (caught.value.path, caught.value.line, caught.value.column) == (
        "a.rego",
        line,
        column,
    )


@pytest.mark.parametrize("opening", ["(", "[", "{"])
def test_nesting_is_allowed_up_to_its_limit(opening):
    closing = {"(": ")", "[": "]", "{": "}"}[opening]
    deepest = opening * MAX_NESTING + closing * MAX_NESTING
    check_source(Module("a.rego", f"package a\np := {deepest}"))
    with pytest.raises(RegoParseError, match="open brackets"):
        check_source(Module("a.rego", f"package a\np := {opening}{deepest}{closing}"))


def test_brackets_in_strings_and_comments_do_not_count():
    many = "[" * 50
    source = f'package a # {many}\np := "{many}"\nq := `{many}`\nr := "\\"{many}"'
    assert check_source(Module("a.rego", source)).source == source


def test_a_module_may_have_its_limit_of_bytes_and_no_more():
    head = b"package a\n"
    data = head + b"#\n" * ((MAX_MODULE_BYTES - len(head)) // 2)
    assert len(data) == MAX_MODULE_BYTES
    decode_module("a.rego", data)
    with pytest.raises(RegoParseError, match="bytes"):
        decode_module("a.rego", data + b"\n")
    with pytest.raises(RegoParseError, match="bytes"):
        check_source(Module("a.rego", data.decode() + "\n"))


def test_a_line_may_have_its_limit_of_bytes_and_no_more():
    check_source(Module("a.rego", "#" * MAX_LINE_BYTES))
    with pytest.raises(RegoParseError, match="lines of at most") as caught:
        check_source(Module("a.rego", "\n" + "#" * (MAX_LINE_BYTES + 1)))
    assert caught.value.line == 2
    with pytest.raises(RegoParseError, match="lines of at most"):
        check_source(Module("a.rego", "#" + "é" * (MAX_LINE_BYTES // 2)))


def test_bytes_that_are_not_utf8_are_refused_at_their_place():
    with pytest.raises(RegoParseError, match="0xff") as caught:
        decode_module("a.rego", b"package a\n# \xff")
    assert (caught.value.line, caught.value.column) == (2, 3)


def test_letters_of_any_script_may_stand_in_strings_and_comments():
    source = 'package a # Änderung, 変更\np := "é 変更 😀"'
    assert decode_module("a.rego", source.encode()).source == source
