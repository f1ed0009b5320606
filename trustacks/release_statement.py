# SPDX-License-Identifier: Apache-2.0
"""What a release says: everything that the gate compares, from the pinned state."""

from datetime import datetime, timedelta

from keys.digest import Digest
from signer.identity import Identity
from signer.predicates.parts import Source
from signer.predicates.release import (
    InventoryItem,
    ReleaseParents,
    ReleasePredicate,
    TargetsRef,
)
from trustacks.limits import RELEASE_DAYS
from trustacks.pinned import Head, Pinned


def build_predicate(
    inventory: tuple[InventoryItem, ...],
    pinned: Pinned,
    head: Head | None,
    *,
    identity: Identity,
    at: datetime,
    note: bytes,
    source: Source,
) -> ReleasePredicate:
    """Return what a release of these rules, by id, on top of ``head`` says."""
    before = {i.rule_id: i.head for i in head.release.inventory} if head else {}
    now = {item.rule_id: item.head for item in inventory}
    view, parents = pinned.view, pinned.trust.policy.layers
    return ReleasePredicate(
        workspace=view.workspace,
        revision=head.release.revision + 1 if head else 1,
        predecessor=head.digest if head else None,
        identity=identity.id,
        issued_at=at,
        expires=at + timedelta(days=RELEASE_DAYS),
        targets=TargetsRef(version=view.targets_version, digest=view.targets_digest),
        parents=ReleaseParents(
            constitution=parents.constitution.digest,
            packs={name: pin.digest for name, pin in parents.packs.items()},
            trust_policy=Digest.of(pinned.policy),
            trusted_root=Digest.of(pinned.trusted_root),
        ),
        inventory=inventory,
        retired=head.release.retired if head else (),
        added=tuple(sorted(now.keys() - before.keys())),
        changed=tuple(sorted(i for i, d in now.items() if before.get(i, d) != d)),
        checkpoint=note.decode("utf-8"),
        source=source,
    )
