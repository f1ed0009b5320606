# SPDX-License-Identifier: Apache-2.0
"""Renew the newest release before it expires, or for trust that has changed (T6).

Nothing comes from an overlay: rules, attestations and approvals are those that are
published. They are judged as the trust of now sees them before anything is signed; what
does not hold any more cannot be renewed, and is released from the overlay once it does.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from bundle.build import Contents
from bundle.gate.named import listed_by
from bundle.gate.rules import check_attestation_set, check_linted_for
from bundle.gate.second import verify_approvals
from bundle.gate.standing import verify_retirements, verify_rules
from bundle.gate.thresholds import check_rule_threshold, verify_cosigners
from bundle.gate.waivers import check_waivable, verify_waiver
from bundle.layers import read_layer
from bundle.parameter_paths import parameter_paths
from bundle.rego.engine import Engine
from keys.digest import Digest
from keys.errors import VerificationError
from signer.result import Check
from trustacks.keeping import released_rules
from trustacks.pin import Head, Pinned
from trustacks.release_errors import NothingReleasedError
from trustacks.release_statement import ReleaseDraft, parents_of


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule as it is published."""

    rule_id: str
    rule: bytes


def redraft(
    pinned: Pinned, head: Head | None, *, engine: Engine, at: datetime
) -> ReleaseDraft:
    """Return the newest release as the next one.

    Args:
        pinned: The workspace.
        head: Its newest release, with proofs that last.
        engine: Parses the rules.
        at: Now.

    Raises:
        NothingReleasedError: There is none.
        RuleParentsError: The layers changed: lint and sign the rules again.
        TrustacksError: What it rests on does not hold any more.
    """
    if head is None:
        raise NothingReleasedError(
            "expected a release to renew, got none", hint="trustacks bundle release"
        )
    _require_held(pinned, head, at)
    layers = (read_layer(archive) for archive in pinned.parents().archives)
    modules = [module for layer in layers for module in layer.modules]
    rules = released_rules(pinned, head).items()
    contents = Contents.of(
        [_Rule(rule_id, rule) for rule_id, rule in rules],
        parse=engine.parse,
        parameters=parameter_paths(modules, engine=engine),
    )
    waivers = _waivers(pinned, head, at)
    return ReleaseDraft(
        at=at,
        pinned=pinned,
        head=head,
        inventory=head.release.inventory,
        retired=head.release.retired,
        waivers=waivers,
        attestations=tuple(_published(head, waivers)),
        contents=contents,
        source=head.release.source,
    )


def _require_held(pinned: Pinned, head: Head, at: datetime) -> None:
    """Ask the gate's own functions about everything that stays.

    Raises:
        TrustacksError: The first refusal.
    """
    release, trust = head.release, pinned.trust
    check_attestation_set(release, head.attestations)
    claims, checks = verify_rules(release, head.attestations, trust=trust, at=at)
    _require(checks)
    check_linted_for(replace(release, parents=parents_of(pinned)), claims)
    _, checks = verify_retirements(release, head.attestations, trust=trust, at=at)
    _require(checks)
    items = release.inventory
    signers, checks = verify_cosigners(items, claims, head.cosigned, trust=trust, at=at)
    _require(checks)
    check_rule_threshold(items, signers, trust.policy)
    _, checks = verify_approvals(release.listed, head.attestations, trust=trust, at=at)
    _require(checks)


def _require(checks: Iterable[Check]) -> None:
    for check in checks:
        check.require()


def _waivers(pinned: Pinned, head: Head, at: datetime) -> tuple[Digest, ...]:
    """Return the waivers that still count; one that ended is not renewed."""
    kept = []
    packs = [read_layer(archive) for archive in pinned.parents().packs.values()]
    for digest in head.release.waivers:
        raw, further = head.attestations[digest], head.cosigned.get(digest, ())
        try:
            waiver, _ = verify_waiver(raw, further, trust=pinned.trust, at=at)
            check_waivable([waiver], packs, pinned.trust.policy)
        except VerificationError:
            continue
        if at < waiver.said.expires:
            kept.append(digest)
    return tuple(kept)


def _published(head: Head, waivers: Collection[Digest]) -> Iterator[bytes]:
    left = set(head.release.waivers).difference(waivers)
    for digest in listed_by(head.release):
        if digest in left:
            continue
        yield head.attestations[digest]
        yield from head.cosigned.get(digest, ())
