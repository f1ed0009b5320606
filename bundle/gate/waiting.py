# SPDX-License-Identifier: Apache-2.0
"""Judge a release that waits for further signatures: for those who are asked for one.

The same steps as ``check_release``, but two: no metadata lists it yet, and how many
signed it is not asked. The answer is a result and never a ``VerifiedRelease``: nothing
that came this way can be activated.
"""

from datetime import datetime
from typing import Final

from bundle.gate.candidate import Candidate
from bundle.gate.check import PLAN
from bundle.gate.steps_bundle import check_bundle, check_together
from bundle.gate.steps_release import check_word
from bundle.gate.steps_rules import check_rules, check_waivers
from bundle.gate.steps_trust import check_layers, check_trust
from bundle.marks import Known
from bundle.rego.engine import Engine
from signer.result import VerificationResult
from signer.steps import StepRecorder

_UNASKED: Final = frozenset(("listed",))
WAITING_PLAN: Final = tuple(step for step in PLAN if step[0] not in _UNASKED)


def check_waiting(
    candidate: Candidate, *, known: Known, at: datetime, engine: Engine
) -> VerificationResult:
    """Judge a release that is still to be signed by others.

    Args:
        candidate: Its bytes, and those that it stands on.
        known: The release before it; of the first release itself.
        at: The instant that is decided for.
        engine: Parses and compiles.
    """
    steps = StepRecorder(WAITING_PLAN)
    with steps:
        accepted = check_trust(steps, candidate, marks=None, at=at)
        layers = check_layers(steps, candidate, accepted)
        word = check_word(steps, candidate, accepted, marks=None, floor=known, at=at)
        rules = check_bundle(steps, candidate, word, layers, engine)
        check_rules(steps, candidate, word, rules, at=at, waiting=True)
        check_waivers(steps, word, layers, at=at)
        check_together(steps, engine, layers, rules, at=at)
    return steps.result(subject=f"release {candidate.revision}, waiting", at=at)
