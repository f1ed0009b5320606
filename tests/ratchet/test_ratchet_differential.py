# SPDX-License-Identifier: Apache-2.0
"""Every rule of ``examples/`` and of the templates: regorus and OPA say the same.

``TRUSTACKS_PROPOSALS`` says on how many proposals; the counts are printed.
"""

import sys
from collections import Counter

import pytest

from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import Module
from bundle.rego.schema import check_input
from tests.ratchet.stacks import (
    PACK,
    PROPOSALS,
    VERDICT,
    pairs,
    parents,
    proposals,
    templates,
)
from tests.simulators.opa_oracle import opa_oracle  # noqa: F401 - a fixture

RULES = (
    "proposal.allowed_paths",
    "proposal.no_path_traversal",
    "practice.dockerfile_runs_as_nonroot",
    "practice.workflow_pins_action_versions",
    "change_control.hotfix_by_a_person",
    "change_control.no_skipped_controls",
    "acme.approver",
    "acme.change_calendar",
    "acme.deploy_window",
)


@pytest.fixture(scope="module")
def documents():
    return proposals(*templates().values())


@pytest.fixture(scope="module")
def modules():
    return [*parents(), *templates().values()]


def canonical(answer):
    """Return denies in one order: that of a set is nobody's promise."""
    return sorted((d["rule_id"], d["message"]) for d in answer)


def test_every_rule_denies_the_same_in_both_engines(
    modules,
    documents,
    opa_oracle,  # noqa: F811
    capsys,
):
    paths = [VERDICT, PACK, *templates()]
    said = opa_oracle.answers(pairs(modules), paths, documents)
    with EmbeddedEngine() as engine:
        policy = engine.load(modules)
        found = [policy.evaluate_many(paths, document) for document in documents]
    denied, wrong = Counter(), []
    for number, document in enumerate(documents):
        for at, path in enumerate(paths):
            ours, theirs = found[number][at], said[at][number]
            if "value" not in theirs or canonical(ours) != canonical(theirs["value"]):
                wrong.append((path, document, ours, theirs))
        denied.update({deny["rule_id"] for deny in found[number][0]})
    counts = ", ".join(f"{rule} {denied[rule]}" for rule in RULES)
    with capsys.disabled():
        sys.stdout.write(
            f"\ndifferential: {len(documents)} proposals, "
            f"{len(wrong)} disagreements; denied by {counts}\n"
        )
    assert wrong == []
    # Each rule denies some and allows some, or nothing was compared.
    assert set(denied) == set(RULES)
    least = PROPOSALS // 100
    assert all(least <= denied[rule] <= PROPOSALS - least for rule in RULES), denied


def test_the_proposals_are_what_the_schema_says():
    for document in proposals(*templates().values(), count=200):
        check_input(document)


def test_a_rule_that_the_engines_read_differently_would_be_found(documents, opa_oracle):  # noqa: F811
    """The comparison can fail: this rule is not portable, and it shows."""
    source = (
        "package overlay.acme_x\n\nimport rego.v1\n\n"
        'deny contains {"rule_id": "acme.x", "message": "m"} if {\n'
        '\tnot startswith(input.context.pull_request.branch, "CM-")\n}\n'
    )
    path = "data.overlay.acme_x.deny"
    (said,) = opa_oracle.answers([["x.rego", source]], [path], documents)
    with EmbeddedEngine() as engine:
        policy = engine.load([Module("x.rego", source)])
        found = [policy.evaluate(path, document) for document in documents]
    differ = [
        d for d, f, s in zip(documents, found, said, strict=True) if f != s["value"]
    ]
    assert differ
    assert all("branch" not in d["context"].get("pull_request", {}) for d in differ)
