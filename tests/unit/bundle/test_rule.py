# SPDX-License-Identifier: Apache-2.0
"""A rule says in the file what it is, completely, once."""

import pytest

from bundle.finding import ConfinementError
from bundle.rego.engine import Module
from bundle.rule import (
    MAX_RULE_ID_CHARS,
    RESERVED_NAMESPACES,
    read_rule,
    rule_id_problem,
)
from tests.simulators.rego import DENY, LEAF, METADATA, RULE, RULE_ID, shared_engine


def read(source):
    module = Module("a.rego", source)
    return read_rule(module, shared_engine().parse(module))


def refused(source):
    with pytest.raises(ConfinementError) as caught:
        read(source)
    (finding,) = caught.value.findings
    return finding


def test_a_rule_is_read_with_all_it_says():
    rule = read(RULE)
    assert rule.rule_id == RULE_ID
    assert rule.package == f"overlay.{LEAF}"
    assert rule.deny_path == f"data.overlay.{LEAF}.deny"
    assert rule.source == RULE.encode()
    metadata = rule.metadata
    assert metadata.description == "A production change names a ticket."
    assert metadata.required_tooling_categories == ("ticketing_change_mgmt",)
    assert metadata.tier_scope == ("prod",)
    assert metadata.citation.to_json() == {
        "id": "CM-TICKET-REQUIRED-001",
        "description": "Changes are recorded.",
        "category": "change-management",
        "source": "https://example.com/change-management#4",
    }
    assert (metadata.enforcement, metadata.refines, metadata.target_kinds) == (
        None,
        None,
        (),
    )


def test_the_optional_fields_are_read():
    extra = '\t"enforcement": "posture",\n\t"target_kinds": ["ecs-fargate"],\n\t"refines": "proposal.allowed_paths",\n'
    rule = read(RULE.replace('\t"tier_scope"', f'{extra}\t"tier_scope"'))
    assert rule.metadata.enforcement == "posture"
    assert rule.metadata.target_kinds == ("ecs-fargate",)
    assert rule.metadata.refines == "proposal.allowed_paths"


IDS = {
    "no dot": ("acme", "rule-id-grammar"),
    "two dots": ("acme.a.b", "rule-id-grammar"),
    "upper case": ("acme.A", "rule-id-grammar"),
    "a hyphen": ("acme.a-b", "rule-id-grammar"),
    "a digit first": ("acme.1a", "rule-id-grammar"),
    "nothing before the dot": (".a", "rule-id-grammar"),
    "a line end": ("acme.a\n", "rule-id-grammar"),
    "one character too many": ("a." + "b" * (MAX_RULE_ID_CHARS - 1), "rule-id-length"),
    **{name: (f"{name}.a", "rule-id-reserved") for name in RESERVED_NAMESPACES},
}


@pytest.mark.parametrize(("text", "code"), IDS.values(), ids=IDS.keys())
def test_an_id_that_no_rule_may_have_is_refused(text, code):
    problem = rule_id_problem(text)
    assert problem is not None
    assert problem[0] == code


@pytest.mark.parametrize(
    "text", ["a.b", "acme.requires_ticket", "a." + "b" * (MAX_RULE_ID_CHARS - 2)]
)
def test_an_id_within_the_grammar_is_accepted(text):
    assert rule_id_problem(text) is None


def test_the_id_of_a_file_is_held_to_the_grammar():
    assert refused(RULE.replace(RULE_ID, "proposal.x")).code == "rule-id-reserved"


FIELDS = {
    "no description": (
        '"description": "A production change names a ticket.",',
        "",
        "metadata-field",
    ),
    "an empty description": (
        "A production change names a ticket.",
        "",
        "metadata-field",
    ),
    "no tier": ('"tier_scope": ["prod"],', "", "metadata-field"),
    "an unknown field": ('"tier_scope"', '"tiers": [], "tier_scope"', "metadata-field"),
    "an unknown tool": ("ticketing_change_mgmt", "tickets", "metadata-field"),
    "an unknown practice": (
        '"practice_dimensions": []',
        '"practice_dimensions": ["x"]',
        "metadata-field",
    ),
    "a text for a list": ('["prod"]', '"prod"', "metadata-field"),
    "a computed value": ('["prod"]', "[input.tier]", "metadata-field"),
    "a call": ('["prod"]', 'split("prod", ",")', "metadata-field"),
    "a key twice": (
        '"tier_scope"',
        '"tier_scope": ["dev"], "tier_scope"',
        "metadata-field",
    ),
    "another enforcement": (
        '"tier_scope"',
        '"enforcement": "off", "tier_scope"',
        "metadata-field",
    ),
    "no citation": ('"citation": {', '"quotation": {', "citation-field"),
    "a citation that is a text": (
        '"citation": {',
        '"citation": "CM-1", "x": {',
        "citation-field",
    ),
    "a citation without id": ('"id": "CM-TICKET-REQUIRED-001",', "", "citation-field"),
    "a citation id in lower case": (
        "CM-TICKET-REQUIRED-001",
        "cm-ticket",
        "citation-field",
    ),
    "a citation id of one word": ("CM-TICKET-REQUIRED-001", "CM", "citation-field"),
    "a citation without category": (
        '"category": "change-management",',
        "",
        "citation-field",
    ),
    "a citation without source": (
        '"source": "https://example.com/change-management#4",',
        "",
        "citation-field",
    ),
    "a source without https": (
        "https://example.com",
        "http://example.com",
        "citation-field",
    ),
    "a source with a blank": (
        "https://example.com/",
        "https://example.com/ /",
        "citation-field",
    ),
    "a source that is a script": (
        "https://example.com",
        "javascript:alert(1)",
        "citation-field",
    ),
    "an unknown field of the citation": (
        '"category"',
        '"page": 4, "category"',
        "citation-field",
    ),
}


@pytest.mark.parametrize(("old", "new", "code"), FIELDS.values(), ids=FIELDS.keys())
def test_metadata_that_is_not_complete_is_refused(old, new, code):
    assert old in RULE
    finding = refused(RULE.replace(old, new, 1))
    assert (finding.code, finding.path) == (code, "a.rego")


def test_a_rule_without_metadata_is_refused():
    assert (
        refused(f"package overlay.a\nimport rego.v1\n{DENY}").code == "metadata-missing"
    )


def test_metadata_twice_is_refused():
    assert refused(f"{RULE}\n{METADATA}").code == "metadata-missing"


ANNOTATED = f"""# METADATA
# description: A production change names a ticket.
# custom:
#   rule_id: {RULE_ID}
#   required_tooling_categories: [ticketing_change_mgmt]
#   practice_dimensions: []
#   tier_scope:
#     - prod
#   citation:
#     id: CM-TICKET-REQUIRED-001
#     description: Changes are recorded.
#     category: change-management
#     source: "https://example.com/change-management#4"
"""


def test_a_comment_over_the_package_is_another_form_of_the_same():
    bare = RULE.replace(METADATA, "")
    assert read(ANNOTATED + bare).metadata == read(RULE).metadata


def test_both_forms_that_agree_are_one():
    assert read(ANNOTATED + RULE).metadata == read(RULE).metadata


def test_both_forms_that_differ_are_refused():
    assert refused(ANNOTATED.replace("prod", "dev") + RULE).code == "metadata-form"
    other = ANNOTATED.replace(RULE_ID, "acme.other")
    assert refused(other + RULE).code == "metadata-missing"
