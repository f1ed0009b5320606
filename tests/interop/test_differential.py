# SPDX-License-Identifier: Apache-2.0
"""Mutated bundles and roots: where three verifiers disagree, the reason is written down.

``docs/formats/sigstore-differential.md`` has a row for each class of disagreement; one
that is not there fails, and nothing makes up for accepting what both others refuse.
``TRUSTACKS_DIFFERENTIAL`` says how many mutations; CI tries more than a person does.
"""

import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note, settings

from keys.strict import dumps_json
from tests.interop import judges
from tests.interop.mutations import originals, public_originals, questions

TRIES = int(os.environ.get("TRUSTACKS_DIFFERENTIAL", "40"))
PAGE = Path(__file__).parents[2] / "docs/formats/sigstore-differential.md"
ORIGINALS = [*originals(), *public_originals()]
ROW = re.compile(
    r"^\| (accepts|refuses) \| `([^`]+)` \| (Python|npm|Python, npm) \|", re.MULTILINE
)
# What a client says, by the beginning of its words: a reason in the page.
REASONS = {
    "Python": {
        "InvalidBundle: failed to load bundle": "model",
        "ValidationError": "root-model",
        "InvalidBundle: expected certificate chain": "certificate-chain",
        "InvalidBundle: expected exactly one log entry": "one-entry",
        "VerificationError: not enough sources of verified time": "time",
        "ValueError: error parsing asn1": "certificate-der",
    },
    "npm": {
        "Error: invalid bundle": "bundle",
        "Error: invalid v0.": "bundle",
        "TIMESTAMP_ERROR": "timestamp",
        "Error: invalid length": "der",
        "Error: unsupported tag": "der",
        "TypeError: ": "root-model",
    },
}


@pytest.fixture(scope="module")
def npm():
    with judges.npm() as judge:
        yield judge


def explained() -> set[tuple[str, str, str]]:
    return set(ROW.findall(PAGE.read_text()))


def reason(who: str, said: str) -> str:
    found = (r for begin, r in REASONS[who].items() if said.startswith(begin))
    return next(found, said[:60])


def classes(
    ours: judges.Answer, python: judges.Answer, npm: judges.Answer
) -> set[tuple[str, str, str]]:
    """Return why the three disagree: as rows of the page."""
    others = {"Python": python, "npm": npm}
    if ours:
        return {
            ("accepts", reason(who, answer.refused), who)
            for who, answer in others.items()
            if answer.refused is not None
        }
    accepting = ", ".join(who for who, answer in others.items() if answer)
    return {("refuses", str(ours.refused), accepting)} if accepting else set()


@pytest.mark.integration
def test_what_is_not_mutated_is_accepted_by_all(npm):
    python = judges.Python()
    for one in ORIGINALS:
        asked = judges.Question(
            dumps_json(one.bundle), one.root, one.policy, one.artifact
        )
        assert [judge(asked).refused for judge in (judges.ours, python, npm)] == [
            None
        ] * 3


@pytest.mark.integration
def test_every_disagreement_is_explained_and_none_is_ours_alone(npm):
    python, known, seen = judges.Python(), explained(), set()

    @settings(
        max_examples=TRIES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(questions(ORIGINALS))
    def ask(asked):
        with judges.quietly():
            answers = [judge(asked) for judge in (judges.ours, python, npm)]
        note(f"{answers}")
        assert not answers[0] or answers[1] or answers[2], "accepted by us alone"
        found = classes(*answers)
        seen.update(found)
        assert found <= known, f"not in {PAGE.name}: {sorted(found - known)}"

    ask()
    if TRIES >= 500:
        assert seen, "the mutations find no disagreement: they do not work any more"
