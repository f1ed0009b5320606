# SPDX-License-Identifier: Apache-2.0
"""The gate's steps on the archive and on each rule in it; see ``check``."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from bundle.decide import Stack
from bundle.gate import content, history
from bundle.gate import rules as rule_checks
from bundle.gate.candidate import Candidate
from bundle.gate.errors import RuleChangeUnapprovedError
from bundle.gate.standing import verify_rules
from bundle.gate.steps_release import Word
from bundle.gate.steps_trust import Layers
from bundle.rego.engine import Engine
from bundle.rule import RuleModule
from keys.digest import Digest
from signer.predicates.release import ReleasePredicate
from signer.predicates.rule import RulePredicate
from signer.result import Check, Status
from signer.steps import StepRecorder


def check_bundle(
    steps: StepRecorder, candidate: Candidate, word: Word, engine: Engine
) -> tuple[RuleModule, ...]:
    """Steps on the archive: strict, confined, and what was released."""
    with steps("archive"):
        files = content.open_archive(candidate.bundle)
        content.check_manifest(files, candidate.revision)
    with steps("confinement") as note:
        rules = content.open_rules(files, engine)
        note(f"{len(rules)} rules, checked here")
    with steps("inventory"):
        content.check_released(rules, word.head.release)
        content.check_inventory(files, rules)
    return rules


def check_rules(
    steps: StepRecorder, word: Word, rules: Sequence[RuleModule], *, at: datetime
) -> None:
    """Steps on who answers for each rule, and on what it replaces."""
    release = word.head.release
    with steps("rules") as note:
        rule_checks.check_attestation_set(release, word.others)
        rule_checks.check_thresholds(word.trust.policy)
        claims, checks = verify_rules(release, word.others, trust=word.trust, at=at)
        note.add(*checks)
        for rule, claim in _pairs(release, rules, claims):
            rule_checks.check_rule_named(claim, rule)
            rule_checks.check_linted_for(claim, release)
        note("tests and lint as claimed by the authors")
    with steps("rule-chain") as note:
        note.add(*_check_history(word, claims))


def check_together(
    steps: StepRecorder, engine: Engine, layers: Layers, rules: Sequence[RuleModule]
) -> None:
    """The step on everything together."""
    with steps("compile"):
        Stack(
            engine, constitution=layers.constitution, packs=layers.packs, rules=rules
        ).close()


def _pairs(
    release: ReleasePredicate,
    rules: Sequence[RuleModule],
    claims: Mapping[Digest, RulePredicate],
) -> Iterator[tuple[RuleModule, RulePredicate]]:
    """Pair each rule with the claim that the release lists for it."""
    by_id = {rule.rule_id: rule for rule in rules}
    for item in release.inventory:
        if item.head in claims:
            yield by_id[item.rule_id], claims[item.head]


def _check_history(word: Word, claims: Mapping[Digest, RulePredicate]) -> list[Check]:
    """Check every step along the chain; return the warnings."""
    warnings = []
    for newer, older in history.steps_of(word.head, word.links):
        history.check_nothing_dropped(newer.release, older)
        history.check_heads_forward(newer.release, older, claims)
        history.check_said(newer.release, older)
        history.check_approved(newer.release, older, word.trust.form)
        for rule_id in history.changed(newer.release, older):
            detail = f"warning: changed in revision {newer.release.revision} without "
            warnings.append(
                Check(
                    id=f"rule-change:{newer.release.revision}:{rule_id}",
                    title=rule_id,
                    status=Status.PASSED,
                    code=RuleChangeUnapprovedError.code,
                    detail=detail + "a second principal's approval",
                )
            )
    return warnings
