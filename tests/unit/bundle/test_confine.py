# SPDX-License-Identifier: Apache-2.0
"""The one function that says what an overlay may carry."""

import pytest

from bundle.confine import check_confined, examine_rule
from bundle.finding import ConfinementError
from bundle.limits import MAX_RULES
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.errors import EngineUnavailableError
from bundle.rego.limits import Limits
from keys.errors import LimitExceededError
from tests.simulators.rego import (
    BUNDLE_PATH,
    LEAF,
    RULE,
    RULE_ID,
    rule_with,
    shared_engine,
)

PARAMETER = ("data", "proposal", "params", "min_approvals")


def check(files, **options):
    encoded = {path: text.encode() for path, text in files.items()}
    return check_confined(encoded, parse=shared_engine().parse, **options)


def codes(files, **options):
    with pytest.raises(ConfinementError) as caught:
        check(files, **options)
    assert caught.value.code == "confinement"
    return [finding.code for finding in caught.value.findings]


def other(rule_id, leaf):
    path = f"rules/{rule_id}/{rule_id}.rego"
    return {path: RULE.replace(RULE_ID, rule_id).replace(LEAF, leaf)}


def test_an_overlay_of_ordinary_rules_is_returned_in_the_order_of_its_paths():
    files = {BUNDLE_PATH: RULE} | other("acme.another", "acme_another")
    assert [rule.rule_id for rule in check(files)] == ["acme.another", RULE_ID]


def test_an_overlay_without_rules_is_empty():
    assert check({}) == ()


PATHS = {
    "a data file": "rules/data.json",
    "a test": f"rules/{RULE_ID}/{RULE_ID}_test.rego",
    "a folder of another name": f"rules/acme.other/{RULE_ID}.rego",
    "the top": f"{RULE_ID}.rego",
    "a folder too deep": f"rules/x/{RULE_ID}/{RULE_ID}.rego",
    "another id": "rules/acme.other/acme.other.rego",
    "a parent segment": f"rules/../rules/{RULE_ID}/{RULE_ID}.rego",
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_a_file_that_is_not_where_a_rule_lies_is_refused(path):
    assert codes({path: RULE}) == ["rule-path"]


def test_two_rules_of_one_package_are_refused():
    files = {BUNDLE_PATH: RULE} | other("acme.another", LEAF)
    assert codes(files) == ["package-duplicate"]


def test_two_files_of_one_rule_are_refused():
    files = {BUNDLE_PATH: RULE} | {
        "rules/acme.another/acme.another.rego": RULE.replace(LEAF, "other")
    }
    assert codes(files) == ["rule-path", "rule-id-duplicate"]


def test_all_that_is_wrong_is_said_at_once():
    source = rule_with("default x := 1").replace(
        "package overlay.", "package proposal."
    )
    assert codes({BUNDLE_PATH: source, "data.json": "{}"}) == [
        "rule-path",
        "rego-parse",
        "package-escape",
        "default-not-allowed",
    ]


def test_a_finding_has_its_place_and_says_what_to_write():
    with pytest.raises(ConfinementError) as caught:
        check({BUNDLE_PATH: rule_with("\n\tdefault x := 1")})
    (finding,) = caught.value.findings
    last = RULE.count("\n") + 3
    assert (finding.path, finding.line, finding.column) == (BUNDLE_PATH, last, 2)
    assert finding.fix
    assert caught.value.hint == finding.fix
    assert caught.value.evidence["findings"][0]["code"] == "default-not-allowed"


def test_what_is_wrong_besides_a_missing_id_is_said_too():
    source = rule_with("default x := 1").replace("rule_metadata[", "metadata[")
    assert codes({BUNDLE_PATH: source}) == ["metadata-missing", "default-not-allowed"]


def test_a_parameter_counts_only_if_a_parent_declares_it():
    source = rule_with("enough if count(input.x) >= data.proposal.params.min_approvals")
    assert codes({BUNDLE_PATH: source}) == ["data-reference"]
    assert len(check({BUNDLE_PATH: source}, parameters=[PARAMETER])) == 1
    assert codes({BUNDLE_PATH: source}, parameters=[(*PARAMETER[:3], "max")]) == [
        "data-reference"
    ]


def test_the_number_of_rules_is_bounded_before_any_is_parsed():
    def never(module):
        raise AssertionError(module)

    with pytest.raises(LimitExceededError):
        check_confined({str(n): b"" for n in range(MAX_RULES + 1)}, parse=never)


def test_a_parser_that_gives_no_answer_refuses_the_file():
    with EmbeddedEngine(limits=Limits(parse_seconds=0.0)) as engine:
        examined = examine_rule("a.rego", RULE.encode(), parse=engine.parse)
    assert [finding.code for finding in examined.findings] == ["evaluation-timeout"]
    assert examined.rule is None


def test_a_parser_that_does_not_start_is_nobodys_fault():
    def parse(module):
        raise EngineUnavailableError("expected to start")

    with pytest.raises(EngineUnavailableError):
        examine_rule("a.rego", RULE.encode(), parse=parse)
