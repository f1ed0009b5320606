# SPDX-License-Identifier: Apache-2.0
"""Names are read from the text only where the parser would read the same."""

import dataclasses

import pytest

from bundle.confine import examine_rule
from bundle.lint.citations import plain_citation
from bundle.lint.siblings import Name, Siblings, plain_name, read_siblings
from bundle.rego.templates import NAMES, render
from tests.simulators.rego import LEAF, rule_files, shared_engine

RULE = "acme.requires_ticket"
PLAIN = rule_files().rule.decode()
PACKAGE = f"package overlay.{LEAF}\n"
METADATA = f'rule_metadata["{RULE}"]'


def never(_module):
    raise AssertionError("it was parsed")


@pytest.mark.parametrize("template", NAMES)
def test_the_names_of_a_template_are_read_without_parsing(template):
    source = render(template, RULE)[0].encode()
    files = dataclasses.replace(rule_files(), rule=source)
    known = examine_rule("x", source, parse=shared_engine().parse).rule
    assert known is not None
    assert plain_name("x", source) == Name("x", known.rule_id, known.package)
    read_siblings([files], parse=never)


DOUBTFUL = {
    "the id is escaped": PLAIN.replace(METADATA, METADATA.replace(".", "\\u002e")),
    "the metadata is indented": PLAIN.replace(METADATA, f" {METADATA}"),
    "there is a space": PLAIN.replace(METADATA, METADATA.replace("[", " [")),
    "a raw string says another": f"{PLAIN}x := `\n{METADATA} := {{}}\n`\n",
    "the package is quoted": PLAIN.replace(PACKAGE, f'package overlay["{LEAF}"]\n'),
    "the package is escaped": PLAIN.replace(
        PACKAGE, f'package overlay["\\u0061{LEAF[1:]}"]\n'
    ),
    "something is before the package": f"x := 1\n{PLAIN}",
    "the package is behind a raw string": f"`\n`\n{PLAIN}",
    "there are two": f"{PLAIN}{METADATA} := {{}}\n",
    "there is none": PLAIN.replace("rule_metadata", "rule_data"),
    "there is no package": PLAIN.replace(PACKAGE, ""),
    "it is not text": PLAIN.replace(PACKAGE, "\x00"),
}


@pytest.mark.parametrize("text", DOUBTFUL.values(), ids=DOUBTFUL)
def test_what_leaves_a_doubt_is_parsed(text):
    assert text != PLAIN
    assert plain_name("x", text.encode()) is None


def test_a_name_that_only_a_parser_sees_clashes_all_the_same():
    hidden = PLAIN.replace(METADATA, METADATA.replace(".", "\\u002e"))
    other = dataclasses.replace(
        rule_files(),
        rule=hidden.encode(),
        rule_path=rule_files().rule_path.parent / "b",
    )
    siblings = read_siblings([rule_files(), other], parse=shared_engine().parse)
    mine = plain_name(str(rule_files().rule_path), PLAIN.encode())
    found = list(siblings.clashes(mine))
    assert [f.code for f in found] == ["rule-id-duplicate", "package-duplicate"]
    assert all(str(other.rule_path) in f.message for f in found)


def test_a_file_that_is_no_rule_has_no_name():
    broken = dataclasses.replace(rule_files(), rule=b"package")
    siblings = read_siblings([broken], parse=shared_engine().parse)
    assert list(siblings.clashes(Name("y", RULE, f"overlay.{LEAF}"))) == []


def test_a_rule_does_not_clash_with_itself():
    mine = Name("x", RULE, f"overlay.{LEAF}")
    assert list(Siblings([mine, mine]).clashes(mine)) == []


@pytest.mark.parametrize("template", NAMES)
def test_a_citation_is_read_without_parsing_as_the_parser_reads_it(template):
    source = render(template, RULE)[0].encode()
    known = examine_rule("x", source, parse=shared_engine().parse).rule
    assert known is not None
    said = known.metadata.citation
    assert plain_citation(source) == (said.id, said.description)


CITED = '"id": "CM-TICKET-REQUIRED-001",'
UNSURE = {
    "another in a comment": PLAIN.replace("package", "# citation:\npackage", 1),
    "an escape": PLAIN.replace("Changes are", "Changes \\u0061re"),
    "another order": PLAIN.replace(CITED, "").replace(
        '"category"', f'{CITED} "category"'
    ),
    "none": PLAIN.replace("citation", "quotation"),
}


@pytest.mark.parametrize("text", UNSURE.values(), ids=UNSURE)
def test_a_citation_that_leaves_a_doubt_is_parsed(text):
    assert text != PLAIN
    assert plain_citation(text.encode()) is None
