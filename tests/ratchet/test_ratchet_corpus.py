# SPDX-License-Identifier: Apache-2.0
"""Real OPA confirms that what the gate accepts never loosens the combined decision.

For each accepted file (the careful author's rules, the templates, all of them at once):
on every proposal there is each deny of constitution and pack that there was without it.
``TRUSTACKS_PROPOSALS`` says on how many; the counts are printed.
"""

import sys
from collections import Counter

import pytest

from bundle.confine import check_confined
from bundle.rego.engine import Module
from tests.attacks.test_overlay_escape_careful_author import RULES
from tests.ratchet.stacks import (
    VERDICT,
    pairs,
    parents,
    proposals,
    templates,
)
from tests.simulators.opa_oracle import opa_oracle  # noqa: F401 - a fixture
from tests.simulators.rego import BUNDLE_PATH, RULE_ID, shared_engine

ACCEPTED = {name: (Module(BUNDLE_PATH, text),) for name, text in RULES.items()}
ACCEPTED |= {f"the template {m.path}": (m,) for m in templates().values()}
ACCEPTED["every template and a rule"] = (
    *templates().values(),
    Module(BUNDLE_PATH, next(iter(RULES.values()))),
)
COUNT = Counter()


@pytest.fixture(scope="module")
def documents():
    return proposals(*(m for modules in ACCEPTED.values() for m in modules))


@pytest.fixture(scope="module")
def before(documents, opa_oracle):  # noqa: F811
    """Return the denies of constitution and pack alone, for each document."""
    (said,) = opa_oracle.answers(pairs(parents()), [VERDICT], documents)
    return [denies(answer) for answer in said]


@pytest.fixture(scope="module", autouse=True)
def _counts(documents, request):
    yield
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        sys.stdout.write(
            f"\ncorpus: {COUNT['files']} accepted files on {len(documents)} proposals "
            f"each, {COUNT['loosened']} loosened, {COUNT['stricter']} made stricter\n"
        )


def denies(answer):
    assert "value" in answer, answer
    return {(deny["rule_id"], deny["message"]) for deny in answer["value"]}


def lost(oracle, modules, documents, before):
    """Return the documents with a deny that the modules take away, and count."""
    stack = pairs([*parents(), *modules])
    (said,) = oracle.answers(stack, [VERDICT], documents)
    after = [denies(answer) for answer in said]
    COUNT["stricter"] += sum(a > b for a, b in zip(after, before, strict=True))
    return [
        document
        for document, a, b in zip(documents, after, before, strict=True)
        if not b <= a
    ]


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_accepted_file_never_loosens(opa_oracle, documents, before, name):  # noqa: F811
    modules = ACCEPTED[name]
    for module in modules:
        (rule,) = check_confined(
            {_path(module): module.source.encode()}, parse=shared_engine().parse
        )
        assert rule.deny_path.startswith("data.overlay.")
    loosened = lost(opa_oracle, modules, documents, before)
    COUNT["files"] += len(modules) == 1
    COUNT["loosened"] += len(loosened)
    assert loosened == []


def _path(module):
    """Return where a module lies in a bundle."""
    if module.path == BUNDLE_PATH:
        return module.path
    rule_id = module.path.removesuffix(".rego").replace("_", ".", 1)
    return f"rules/{rule_id}/{rule_id}.rego"


def test_the_parents_deny_enough_to_lose_something(before):
    assert len(before) / 10 < sum(bool(denied) for denied in before) < len(before)
    assert RULE_ID not in {rule for denied in before for rule, _ in denied}


@pytest.mark.parametrize(
    "source",
    [
        "package proposal\n\nimport rego.v1\n\nis_allowed_path(path) if path\n",
        "package proposal\n\nimport rego.v1\n\nnames_user(content) if content\n",
    ],
    ids=["it allows every path", "it knows a user in every file"],
)
def test_a_file_that_loosens_would_be_seen(opa_oracle, documents, before, source):  # noqa: F811
    """What the gate refuses is refused for a reason: OPA shows what would be lost."""
    found = opa_oracle.answers(
        pairs([*parents(), Module("x.rego", source)]), [VERDICT], documents
    )
    after = [denies(answer) for answer in found[0]]
    assert any(not b <= a for a, b in zip(after, before, strict=True))
