# SPDX-License-Identifier: Apache-2.0
"""The gate's steps on the archive, and on everything together; see ``check``."""

import contextlib
from collections.abc import Sequence
from datetime import datetime

from bundle.decide import Stack
from bundle.gate import content
from bundle.gate.candidate import Candidate
from bundle.gate.steps_release import Word
from bundle.gate.steps_trust import Layers
from bundle.rego.engine import Engine
from bundle.rule import RuleModule
from signer.steps import StepRecorder


def check_bundle(
    steps: StepRecorder,
    candidate: Candidate,
    word: Word,
    layers: Layers,
    engine: Engine,
) -> tuple[RuleModule, ...]:
    """Steps on the archive: strict, confined, and what was released."""
    with steps("archive"):
        files = content.open_archive(candidate.bundle)
        content.check_manifest(files, candidate.revision)
    with steps("confinement") as note:
        rules = content.open_rules(files, engine, layers.modules)
        note(f"checked here: {len(rules)}")
    with steps("inventory"):
        content.check_released(rules, word.head.release)
        content.check_inventory(files, rules)
    return rules


def check_together(
    steps: StepRecorder,
    engine: Engine,
    layers: Layers,
    rules: Sequence[RuleModule],
    *,
    at: datetime,
) -> None:
    """The step on everything together."""
    with steps("compile"):
        stack = Stack(
            engine, constitution=layers.constitution, packs=layers.packs, rules=rules
        )
        with contextlib.closing(stack):
            stack.require_answers(at=at)
