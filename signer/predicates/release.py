# SPDX-License-Identifier: Apache-2.0
"""``release/v1``: the complete content of one revision, chained to the one before.

The subjects are the archive and its content digest (the uncompressed tar). The release
names everything that the gate compares (DESIGN T4): nothing is implied by absence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from signer.limits import MAX_CHECKPOINT_CHARS, MAX_RELEASE_LIFE_S, MAX_WAIVERS
from signer.predicates.base import RELEASE
from signer.predicates.inventory import InventoryItem, RetiredItem, must_be_sorted
from signer.predicates.parts import (
    Parents,
    Source,
    digest_or_null,
    must,
    namespace_of,
    optional_digest,
)

__all__ = [
    "InventoryItem",
    "ReleaseParents",
    "ReleasePredicate",
    "RetiredItem",
    "TargetsRef",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetsRef:
    """The admins' targets metadata that a release was made under.

    Attributes:
        version: Its TUF version.
        digest: SHA-256 of its bytes.
    """

    version: int
    digest: Digest

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse the reference."""
        ref = cls(
            version=fields.integer("version", minimum=1), digest=fields.digest("digest")
        )
        fields.done()
        return ref

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {"version": self.version, "digest": str(self.digest)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseParents(Parents):
    """The layers and the trust that a release was made under.

    Attributes:
        trust_policy: SHA-256 of ``trust/policy.json``.
        trusted_root: SHA-256 of ``trust/trusted_root.json``.
    """

    trust_policy: Digest
    trusted_root: Digest

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse the parents."""
        layers = Parents.read(fields)
        parents = cls(
            constitution=layers.constitution,
            packs=layers.packs,
            trust_policy=fields.digest("trust_policy"),
            trusted_root=fields.digest("trusted_root"),
        )
        fields.done()
        return parents

    def to_json(self) -> dict[str, Any]:
        """Return them as a document."""
        return Parents.to_json(self) | {
            "trust_policy": str(self.trust_policy),
            "trusted_root": str(self.trusted_root),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePredicate:
    """A release identity's word for one revision.

    Attributes:
        workspace: SHA-256 of the genesis root.
        revision: From 1, without a gap.
        predecessor: SHA-256 of the PAE of the revision before; none for the first.
        identity: Who signs.
        issued_at: When, as the signer says; not a trusted time.
        expires: After this instant Runners deny (DESIGN T6).
        targets: The admins' targets metadata.
        parents: Layers, trust policy and trusted root.
        inventory: Every rule in force, sorted by id.
        retired: Every rule id that was retired, sorted by id.
        waivers: SHA-256 of the PAE of each waiver that counts, sorted.
        added: Rule ids that the predecessor does not have, sorted.
        changed: Rule ids with another head than in the predecessor, sorted.
        checkpoint: The log's signed note when the release was made (DESIGN T10).
        source: Where the overlay came from.

    Raises:
        PredicateFormatError: Fields that contradict each other.
    """

    type: ClassVar[str] = RELEASE
    workspace: Digest
    revision: int
    predecessor: Digest | None
    identity: str
    issued_at: datetime
    expires: datetime
    targets: TargetsRef
    parents: ReleaseParents
    inventory: tuple[InventoryItem, ...]
    retired: tuple[RetiredItem, ...]
    added: tuple[str, ...]
    changed: tuple[str, ...]
    checkpoint: str
    source: Source
    waivers: tuple[Digest, ...] = ()

    def __post_init__(self) -> None:
        must(self.revision >= 1, "a revision from 1")
        first = self.predecessor is None
        must((self.revision == 1) == first, "no predecessor at revision 1, else one")
        life = self.expires - self.issued_at
        longest = timedelta(seconds=MAX_RELEASE_LIFE_S)
        must(timedelta(0) < life <= longest, "to expire within 30 days of its issue")
        in_force = _sorted_ids([item.rule_id for item in self.inventory])
        retired = _sorted_ids([item.rule_id for item in self.retired])
        must(not in_force & retired, "no rule both in force and retired")
        added, changed = _sorted_ids(self.added), _sorted_ids(self.changed)
        must(added | changed <= in_force, "added and changed rules in the inventory")
        must(not added & changed, "no rule both added and changed")
        must_be_sorted(self.waivers, "waivers")

    @property
    def signer(self) -> str:
        """The id that signs."""
        return self.identity

    @property
    def listed(self) -> tuple[InventoryItem | RetiredItem, ...]:
        """Every rule id that there ever was: those in force, then those retired."""
        return (*self.inventory, *self.retired)

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespaces of every rule in force or retired."""
        return frozenset(namespace_of(item.rule_id) for item in self.listed)

    @classmethod
    def parse(cls, predicate: dict[str, Any]) -> Self:
        """Parse the predicate.

        Raises:
            FormatError: Another shape, or fields that contradict each other.
        """
        fields = Fields(predicate, "release")
        parsed = cls(
            workspace=fields.digest("workspace"),
            revision=fields.integer("revision", minimum=1),
            predecessor=optional_digest(fields, "predecessor"),
            identity=fields.text("identity"),
            issued_at=fields.instant("issued_at"),
            expires=fields.instant("expires"),
            targets=TargetsRef.parse(fields.object("targets")),
            parents=ReleaseParents.parse(fields.object("parents")),
            inventory=tuple(map(InventoryItem.parse, fields.objects("inventory"))),
            retired=tuple(map(RetiredItem.parse, fields.objects("retired"))),
            added=fields.texts("added"),
            changed=fields.texts("changed"),
            checkpoint=fields.text("checkpoint", max_chars=MAX_CHECKPOINT_CHARS),
            source=Source.parse(fields.object("source")),
            waivers=tuple(
                map(Digest.parse, fields.texts("waivers", max_items=MAX_WAIVERS))
            ),
        )
        fields.done()
        return parsed

    def to_json(self) -> dict[str, Any]:
        """Return the predicate as a document."""
        return {
            "workspace": str(self.workspace),
            "revision": self.revision,
            "predecessor": digest_or_null(self.predecessor),
            "identity": self.identity,
            "issued_at": format_instant(self.issued_at),
            "expires": format_instant(self.expires),
            "targets": self.targets.to_json(),
            "parents": self.parents.to_json(),
            "inventory": [item.to_json() for item in self.inventory],
            "retired": [item.to_json() for item in self.retired],
            "waivers": [str(digest) for digest in self.waivers],
            "added": list(self.added),
            "changed": list(self.changed),
            "checkpoint": self.checkpoint,
            "source": self.source.to_json(),
        }


def _sorted_ids(ids: Sequence[str]) -> frozenset[str]:
    """Return the rule ids as a set; one order, so that one content has one digest."""
    for rule_id in ids:
        namespace_of(rule_id)
    must(list(ids) == sorted(set(ids)), "rule ids in order, each once")
    return frozenset(ids)
