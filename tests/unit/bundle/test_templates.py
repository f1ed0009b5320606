# SPDX-License-Identifier: Apache-2.0
"""The workshop's three rules, and the empty one, are complete as they are written."""

import pytest

from bundle.finding import ConfinementError
from bundle.layers import build_layer, read_layer
from bundle.lint import lint_rule
from bundle.lint.linter import Against
from bundle.overlay import find_rule
from bundle.rego.schema import check_input
from bundle.rego.templates import NAMES, render
from bundle.rego.testing import run_tests
from keys.errors import NotFoundError
from tests.simulators.rego import shared_engine, write_rule
from tests.unit.bundle.test_layers import EXAMPLES

RULE_ID = "acme.requires_change_ticket"


@pytest.fixture(scope="module")
def parents():
    layers = [
        read_layer(build_layer(EXAMPLES / name))
        for name in ("constitution", "packs/change-control")
    ]
    return [module for layer in layers for module in layer.modules]


@pytest.fixture(params=NAMES)
def files(request, tmp_path):
    root = tmp_path / "overlay"
    write_rule(root, RULE_ID, request.param)
    return find_rule(root, RULE_ID)


def test_a_template_passes_its_tests_with_and_without_parents(files, parents):
    for modules in ((), parents):
        report = run_tests(files, engine=shared_engine(), parents=modules)
        assert report.passed, report.text()


def test_a_template_passes_the_linter_without_a_warning(files, parents):
    against = Against(parents=parents)
    report = lint_rule(files, engine=shared_engine(), against=against)
    assert report.findings == (), report.text()


def test_a_template_says_what_holds_for_hotfix_rollback_and_bot(files):
    report = run_tests(files, engine=shared_engine())
    kinds = {case.input["context"].get("change_kind") for case in report.cases}
    assert kinds >= {"normal", "hotfix", "rollback", "bot"}


def test_the_cases_of_a_template_are_input_documents(files):
    report = run_tests(files, engine=shared_engine())
    for case in report.cases:
        if "evaluated_at" in case.input["context"]:
            check_input(case.input)


def test_the_negative_cases_of_a_template_are_allowed_by_the_parents(files, parents):
    report = run_tests(files, engine=shared_engine())
    policy = shared_engine().load(parents)
    paths = ["data.proposal.deny", "data.pack.change_control.deny"]
    for case in report.cases:
        assert policy.evaluate_many(paths, case.input) == [[], []], case.name


def test_a_template_has_a_citation_that_people_can_say(files):
    source = files.rule.decode()
    assert '"id": "' in source
    ids = {"CM-TICKET-REQUIRED-001", "DEPLOY-WINDOW-001", "SECRETS-APPROVAL-001"}
    ids |= {"OUR-HANDBOOK-001"}
    assert sum(name in source for name in ids) == 1


def test_nothing_of_the_template_is_left_unfilled():
    for name in NAMES:
        for text in render(name, RULE_ID):
            assert "__" not in text
            assert text.isascii()


def test_a_template_that_is_not_there_is_not_found():
    with pytest.raises(NotFoundError) as caught:
        render("../../etc/passwd", RULE_ID)
    assert "change-calendar" in caught.value.hint


@pytest.mark.parametrize("rule_id", ["acme", "proposal.x", 'a.b"', "a.B", "a.b\n"])
def test_an_id_that_no_rule_may_have_is_not_rendered(rule_id):
    with pytest.raises(ConfinementError) as caught:
        render(NAMES[0], rule_id)
    assert caught.value.findings[0].code.startswith("rule-id-")
