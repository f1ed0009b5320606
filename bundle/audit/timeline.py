# SPDX-License-Identifier: Apache-2.0
"""What happened, in the order of the log, one plain sentence for each entry."""

from collections.abc import Iterable
from datetime import datetime
from types import MappingProxyType
from typing import Final

from bundle.audit.anchors import Coverage
from bundle.audit.records import TimelineItem, counted
from bundle.audit.statements import Said
from signer.predicates.identity_proof import IdentityProofPredicate
from signer.predicates.release import ReleasePredicate
from signer.predicates.root_change import RootChangePredicate
from signer.predicates.rule import RulePredicate
from signer.predicates.runner_report import RunnerReportPredicate
from signer.predicates.trust_change import (
    IDENTITY_REGISTERED,
    IDENTITY_RESUMED,
    IDENTITY_REVOKED,
    IDENTITY_ROTATED,
    IDENTITY_SUSPENDED,
    INSTANCES_CHANGED,
    LAYERS_CHANGED,
    MADE_SOVEREIGN,
    RELEASE_KEY_CHANGED,
    RULES_CHANGED,
    SURVIVORS_CHANGED,
    TRUST_RENEWED,
    WORKSPACE_CREATED,
    TrustChangePredicate,
)

CHANGES: Final = MappingProxyType(
    {
        WORKSPACE_CREATED: "created the workspace",
        IDENTITY_REGISTERED: "registered",
        IDENTITY_ROTATED: "rotated to",
        IDENTITY_REVOKED: "revoked",
        IDENTITY_SUSPENDED: "suspended",
        IDENTITY_RESUMED: "resumed",
        SURVIVORS_CHANGED: "changed what survives of",
        LAYERS_CHANGED: "changed the layers",
        INSTANCES_CHANGED: "changed the Sigstore instances or timestamp authorities",
        RULES_CHANGED: "changed the rules of trust",
        MADE_SOVEREIGN: "made the workspace sovereign",
        TRUST_RENEWED: "renewed the trust",
        RELEASE_KEY_CHANGED: "changed the release role's key",
    }
)


def build_timeline(
    said: Iterable[Said], coverage: Coverage, *, until: datetime | None
) -> tuple[TimelineItem, ...]:
    """Return what happened, up to and including the instant ``until``."""
    return tuple(
        TimelineItem(
            entry=one.index,
            at=one.time,
            kind=_kind(one),
            text=_text(one),
            anchored=one.index < coverage.size,
        )
        for one in said
        if until is None or one.time <= until
    )


def _kind(said: Said) -> str:
    """Return the name in the predicate type, such as ``trust-change``."""
    return said.predicate.type.split("/")[-2]


def _text(said: Said) -> str:
    if isinstance(said.predicate, IdentityProofPredicate):
        terms = said.predicate.identity
        return f"{terms.id} ({terms.principal}) proved to have key {said.key_id[:16]}"
    who = f"{said.signer.id} ({said.signer.principal})" if said.signer else "nobody"
    return f"{who} {_did(said)}"


def _did(said: Said) -> str:
    match said.predicate:
        case TrustChangePredicate(change=change, targets_version=version):
            about = f" {change.identity}" if change.identity else ""
            return f"{CHANGES[change.kind]}{about}, as targets {version}"
        case RootChangePredicate(root_version=version):
            return f"changed the admins, as root {version}"
        case RulePredicate(rule_id=rule_id, supersedes=older):
            return f"{'signed' if older is None else 'signed anew'} rule {rule_id}"
        case ReleasePredicate(revision=revision, inventory=inventory):
            rules = counted(len(inventory), "rule")
            return f"released revision {revision} with {rules}"
        case RunnerReportPredicate(outcome=outcome, revision=revision, code=code):
            why = f" [{code}]" if code else ""
            what = "nothing" if revision is None else f"revision {revision}"
            return f"{outcome}{why}, with {what} active"
        case _:
            return f"vouched for {said.subjects[0]}"
