# SPDX-License-Identifier: Apache-2.0
"""The gate's steps on the archive and on each rule in it; see ``check``."""

import contextlib
from collections.abc import Sequence
from datetime import datetime

from bundle.decide import Stack
from bundle.gate import approvals as seconds
from bundle.gate import content, history, thresholds
from bundle.gate import rules as rule_checks
from bundle.gate.candidate import Candidate
from bundle.gate.second import read_authors, verify_approvals
from bundle.gate.standing import verify_rules
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


def check_rules(
    steps: StepRecorder,
    candidate: Candidate,
    word: Word,
    rules: Sequence[RuleModule],
    *,
    at: datetime,
    waiting: bool = False,
) -> None:
    """Steps on who answers for each rule, and on what it replaces.

    Args:
        steps: Where they are recorded.
        candidate: What is judged.
        word: What the release identities said.
        rules: The overlay's.
        at: The instant that is decided for.
        waiting: Whether further signatures of the release are still to come; those
            that there are must hold all the same.
    """
    release = word.head.release
    moves = history.moves_of(word.head, word.links)
    unvouched = seconds.unvouched(word.head, word.links, word.trust.policy)
    changes = seconds.changes_of(unvouched)
    changed = [change.new for change in changes]
    with steps("rules") as note:
        rule_checks.check_attestation_set(release, word.others)
        claims, checks = verify_rules(release, word.others, trust=word.trust, at=at)
        note.add(*checks)
        rule_checks.check_named(release, rules, claims)
        rule_checks.check_linted_for(release, claims)
        note("tests and lint as claimed by the authors")
    with steps("thresholds") as note:
        policy, items = word.trust.policy, release.inventory
        further = word.cosigned.get(word.head.digest, ())
        releasers, checks = thresholds.verify_release_cosigners(
            word.said, further, trust=word.trust, at=at
        )
        note.add(*checks)
        if not waiting:
            thresholds.check_release_threshold(word.head, releasers, policy)
        signers, checks = thresholds.verify_cosigners(
            items, claims, word.cosigned, trust=word.trust, at=at
        )
        note.add(*checks)
        thresholds.check_rule_threshold(items, signers, policy)
    with steps("approvals") as note:
        approvals, checks = verify_approvals(
            release.inventory, word.others, trust=word.trust, at=at
        )
        note.add(*checks)
    with steps("moved") as note:
        moved = seconds.sort_moved(candidate.moved, changes, release)
        published = {**word.others, **moved}
        authors = read_authors(changed, published, word.trust)
        earlier, checks = verify_approvals(changed, published, trust=word.trust, at=at)
        note.add(*checks)
        note(f"attestations of earlier changes: {len(moved)}")
    with steps("rule-chain"):
        said = {head: author.said for head, author in authors.items()}
        history.check_nothing_dropped(moves)
        history.check_retired_kept(moves)
        history.check_no_retirement(moves)
        history.check_heads_forward(moves, said | claims)
        history.check_said(moves)
    with steps("changes") as note:
        approvals |= earlier
        seconds.check_listed(unvouched)
        seconds.check_about(changes, approvals)
        seconds.check_second(changes, approvals, authors)
        seconds.check_approved(
            changes,
            approvals,
            authors,
            threshold=seconds.approval_threshold(word.trust),
        )
        note.add(*seconds.say_changes(changes, approvals))


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
