# SPDX-License-Identifier: Apache-2.0
"""The gate's steps on who answers for each rule and what it replaces; see ``check``.

First what the release lists, each by itself; then how it came from the releases before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bundle.gate import approvals as seconds
from bundle.gate import changes as movement
from bundle.gate import history, thresholds
from bundle.gate import rules as rule_checks
from bundle.gate.candidate import Candidate
from bundle.gate.second import Approval, read_authors, verify_approvals
from bundle.gate.standing import verify_retirements, verify_rules
from bundle.gate.steps_release import Word
from bundle.gate.steps_trust import Layers
from bundle.gate.waivers import check_waivable, verify_waivers
from bundle.rule import RuleModule
from bundle.waivers import Waiver
from keys.digest import Digest
from signer.predicates.rule import RulePredicate
from signer.steps import StepRecorder


@dataclass(frozen=True, slots=True)
class _Said:
    """What was said of everything that a release lists, verified.

    Attributes:
        claims: Of rules and of their ends, by digest.
        approvals: Of those, by digest.
    """

    claims: Mapping[Digest, history.Claim]
    approvals: Mapping[Digest, Approval]


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
    said = _check_listed(steps, word, rules, at=at, waiting=waiting)
    _check_moves(steps, candidate, word, said, at=at)


def check_waivers(
    steps: StepRecorder, word: Word, layers: Layers, *, at: datetime
) -> tuple[Waiver, ...]:
    """The step on exceptions from packs' rules."""
    with steps("waivers") as note:
        waivers, checks = verify_waivers(
            word.head.release.waivers,
            word.others,
            word.cosigned,
            trust=word.trust,
            at=at,
        )
        note.add(*checks)
        check_waivable(waivers, layers.packs, word.trust.policy)
        note(f"listed: {len(waivers)}")
    return waivers


def _check_listed(
    steps: StepRecorder,
    word: Word,
    rules: Sequence[RuleModule],
    *,
    at: datetime,
    waiting: bool,
) -> _Said:
    release, trust = word.head.release, word.trust
    with steps("rules") as note:
        rule_checks.check_attestation_set(release, word.others)
        claims, checks = verify_rules(release, word.others, trust=trust, at=at)
        note.add(*checks)
        rule_checks.check_named(release, rules, claims)
        rule_checks.check_linted_for(release, claims)
        note("tests and lint as claimed by the authors")
    with steps("retirements") as note:
        ends, checks = verify_retirements(release, word.others, trust=trust, at=at)
        note.add(*checks)
        rule_checks.check_retired_named(release, ends)
        note(f"kept: {len(release.retired)}")
    _check_thresholds(steps, word, claims, at=at, waiting=waiting)
    with steps("approvals") as note:
        approvals, checks = verify_approvals(
            release.listed, word.others, trust=trust, at=at
        )
        note.add(*checks)
    return _Said({**claims, **ends}, approvals)


def _check_thresholds(
    steps: StepRecorder,
    word: Word,
    claims: Mapping[Digest, RulePredicate],
    *,
    at: datetime,
    waiting: bool,
) -> None:
    with steps("thresholds") as note:
        policy, items = word.trust.policy, word.head.release.inventory
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


def _check_moves(
    steps: StepRecorder,
    candidate: Candidate,
    word: Word,
    listed: _Said,
    *,
    at: datetime,
) -> None:
    moves = history.moves_of(word.head, word.links)
    unvouched = movement.unvouched(word.head, word.links, word.trust.policy)
    changes = movement.changes_of(unvouched)
    changed = [change.made for change in changes]
    with steps("moved") as note:
        moved = movement.sort_moved(candidate.moved, changes, word.head.release)
        published = {**word.others, **moved}
        authors = read_authors(changed, published, word.trust)
        earlier, checks = verify_approvals(changed, published, trust=word.trust, at=at)
        note.add(*checks)
        note(f"attestations of earlier changes: {len(moved)}")
    with steps("rule-chain"):
        said = {head: author.said for head, author in authors.items()}
        history.check_nothing_dropped(moves)
        history.check_retired_kept(moves)
        history.check_retired_was_there(moves)
        history.check_heads_forward(moves, {**said, **listed.claims})
        history.check_said(moves)
    with steps("changes") as note:
        approvals = {**listed.approvals, **earlier}
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
