# SPDX-License-Identifier: Apache-2.0
"""METADATA comments are read as the part of YAML that nobody reads in two ways."""

import pytest
import yaml

from bundle.rego.annotations import read_annotations
from bundle.rego.engine import Module
from bundle.rego.errors import RegoParseError

BODIES = {
    "texts": 'title: A title\nnote: the change\'s "own" text & more {x} [y]\ndescription: It says. And more, too',
    "a nested mapping": "custom:\n  a: b\n  c:\n    d: e\nx: z",
    "a list in brackets": "custom:\n  a: [b, c]\n  d: []",
    "a list behind dashes": "custom:\n  a:\n    - b\n    - 'c: d'\n  e: f",
    "a list at the indent of its key": "a:\n- b\n- c\nd: e",
    "quotes": "a: 'x: y'\nb: \"# no comment\"\nc: ''",
    "a link": "related: https://example.com/a?b=c",
    "a blank line": "a: b\n\nc: d",
}
REFUSED = {
    "a number": "a: 1",
    "a version": "a: 1.2",
    "a yes": "a: yes",
    "a truth": "a: true",
    "nothing": "a:",
    "a null": "a: ~",
    "an anchor": "a: &x b",
    "an alias": "a: *x",
    "a tag": "a: !x b",
    "a block text": "a: |\n  b",
    "a folded text": "a: >\n  b",
    "a mapping in braces": "a: {b: c}",
    "a comment behind": "a: b # c",
    "an escape": 'a: "\\n"',
    "a colon inside": "a: b: c",
    "a key twice": "a: b\na: c",
    "a deeper key for no reason": "a: b\n  c: d",
    "a key in quotes": "'a': b",
    "a list in a list": "a:\n- - b",
    "a sentence": "hello there",
}


def read(body):
    comment = "\n".join(f"# {line}".rstrip() for line in body.split("\n"))
    return read_annotations(Module("a.rego", f"# METADATA\n{comment}\npackage a\n"))


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_what_is_read_is_what_yaml_says(body):
    (annotation,) = read(body)
    assert annotation.value == yaml.safe_load(body)


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_what_needs_more_of_yaml_is_refused(body):
    with pytest.raises(RegoParseError, match="METADATA"):
        read(body)


def test_an_annotation_stands_over_the_next_line_of_text():
    source = "# METADATA\n# title: a\n\npackage a\n\n# other\n\n# METADATA\n# title: b\np := 1\n"
    found = read_annotations(Module("a.rego", source))
    assert [(a.line, a.value["title"]) for a in found] == [(4, "a"), (10, "b")]


def test_a_refusal_names_the_line():
    with pytest.raises(RegoParseError) as caught:
        read_annotations(
            Module("a.rego", "package a\n# METADATA\n# a: b\n# c: 1\np := 1\n")
        )
    assert (caught.value.line, caught.value.path) == (4, "a.rego")
