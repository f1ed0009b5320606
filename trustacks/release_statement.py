# SPDX-License-Identifier: Apache-2.0
"""What a release says, before and after it is signed, from the pinned state."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bundle.build import Contents
from bundle.pending import PendingRelease
from keys.digest import Digest
from signer.identity import Identity
from signer.predicates.parts import Source
from signer.predicates.release import (
    InventoryItem,
    ReleaseParents,
    ReleasePredicate,
    RetiredItem,
    TargetsRef,
)
from trustacks.limits import RELEASE_DAYS
from trustacks.pin import Head, Pinned


@dataclass(frozen=True, slots=True)
class ReleaseDraft:
    """What is to be released next, verified and not yet signed.

    Attributes:
        at: When it was made.
        pinned: The workspace then.
        head: Its newest release.
        inventory: Every rule, by id, with the approvals that it rests on.
        retired: Every rule id that is out of force, by id, in the same way.
        waivers: Exceptions that count, by digest, in order.
        attestations: Of all those, each author's before further signers'.
        contents: The bundle but for its revision.
        source: Where the overlay came from.
    """

    at: datetime
    pinned: Pinned = field(repr=False)
    head: Head | None
    inventory: tuple[InventoryItem, ...]
    retired: tuple[RetiredItem, ...]
    waivers: tuple[Digest, ...]
    attestations: tuple[bytes, ...] = field(repr=False)
    contents: Contents = field(repr=False)
    source: Source

    @property
    def revision(self) -> int:
        """The one after the newest."""
        return self.head.release.revision + 1 if self.head else 1


@dataclass(frozen=True, slots=True)
class Released:
    """A release that was published, or waits for further signatures.

    Attributes:
        revision: Its revision.
        digest: SHA-256 of the PAE of its attestation.
        archive: SHA-256 of the archive.
        content: SHA-256 of the tar inside.
        predicate: What was signed.
        tries: How many tries it took.
        threshold: How many principals must sign it; above 1 it waits for others.
        pending: The release with its first signature, if it waits.
    """

    revision: int
    digest: Digest
    archive: Digest
    content: Digest
    predicate: ReleasePredicate
    tries: int
    threshold: int = 1
    pending: PendingRelease | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the release as ``--json`` shows it."""
        return {
            "revision": self.revision,
            "release": str(self.digest),
            "archive": str(self.archive),
            "content": str(self.content),
            "published": self.pending is None,
            "threshold": self.threshold,
            "tries": self.tries,
            "statement": self.predicate.to_json(),
        }


def build_predicate(
    draft: ReleaseDraft, *, identity: Identity, note: bytes
) -> ReleasePredicate:
    """Return what a release says.

    Args:
        draft: What is released.
        identity: Who signs it.
        note: The log's newest checkpoint.
    """
    head, inventory, view = draft.head, draft.inventory, draft.pinned.view
    before = {i.rule_id: i.head for i in head.release.inventory} if head else {}
    now = {item.rule_id: item.head for item in inventory}
    return ReleasePredicate(
        workspace=view.workspace,
        revision=draft.revision,
        predecessor=head.digest if head else None,
        identity=identity.id,
        issued_at=draft.at,
        expires=draft.at + _life(draft.pinned),
        targets=TargetsRef(version=view.targets_version, digest=view.targets_digest),
        parents=parents_of(draft.pinned),
        inventory=inventory,
        retired=draft.retired,
        waivers=draft.waivers,
        added=tuple(sorted(now.keys() - before.keys())),
        changed=tuple(sorted(i for i, d in now.items() if before.get(i, d) != d)),
        checkpoint=note.decode("utf-8"),
        source=draft.source,
    )


def _life(pinned: Pinned) -> timedelta:
    """Return how long a release is vouched for: seven days, or what admins allow."""
    longest = pinned.trust.policy.freshness.release_max_seconds
    return min(timedelta(days=RELEASE_DAYS), timedelta(seconds=longest))


def parents_of(pinned: Pinned) -> ReleaseParents:
    """Return the layers and the trust that a release of now is made under."""
    parents = pinned.trust.policy.layers
    return ReleaseParents(
        constitution=parents.constitution.digest,
        packs={name: pin.digest for name, pin in parents.packs.items()},
        trust_policy=Digest.of(pinned.policy),
        trusted_root=Digest.of(pinned.trusted_root),
    )
