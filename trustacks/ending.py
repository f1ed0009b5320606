# SPDX-License-Identifier: Apache-2.0
"""Which rules a release lists as retired: those that were, and those that leave now.

A rule that is released and gone from the overlay leaves by the retirement that lies in
its folder, or the release is refused here, before anything is signed. What was retired
stays listed with what was published of it, unless a newer retirement takes its place.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bundle.overlay_retired import RetiredFiles
from keys.digest import Digest
from signer.attestation import parse_attestation
from signer.predicates.release import InventoryItem, RetiredItem
from trustacks.approved import Approvals
from trustacks.pinned import Head, Pinned
from trustacks.release_errors import RetirementMissingError
from trustacks.retiring import item_of, verify_retirement


@dataclass(frozen=True, slots=True)
class Ends:
    """The retired rules of a release.

    Attributes:
        items: As the release lists them, by id.
        new: Those that no release listed before.
        attestations: Of retirements and their approvals, by digest.
    """

    items: tuple[RetiredItem, ...]
    new: tuple[RetiredItem, ...]
    attestations: Mapping[Digest, bytes]


@dataclass(frozen=True, slots=True)
class Ending:
    """Finds the retired rules of a release.

    Attributes:
        pinned: The workspace.
        head: Its newest release.
        at: The time.
        approvals: Finds and checks approvals.
    """

    pinned: Pinned
    head: Head | None
    at: datetime
    approvals: Approvals

    def of(self, files: Iterable[RetiredFiles], in_force: Collection[str]) -> Ends:
        """Return what the release lists as retired.

        Args:
            files: What lies in the overlay.
            in_force: Ids of the rules in it.

        Raises:
            RetirementMissingError: A released rule is gone, and no retirement is there.
            RetirementStaleError: It is of another version than the one released.
            VerificationError: It does not hold.
        """
        beside = {one.rule_id: one for one in files}
        items: list[RetiredItem] = []
        new: list[RetiredItem] = []
        found: dict[Digest, bytes] = {}
        for before in self.head.release.listed if self.head else ():
            if before.rule_id in in_force:
                continue
            item, raws = self._end(before, beside.get(before.rule_id))
            items.append(item)
            found |= raws
            if item != before:
                new.append(item)
        items.sort(key=lambda item: item.rule_id)
        return Ends(tuple(items), tuple(new), found)

    def _end(
        self, before: InventoryItem | RetiredItem, files: RetiredFiles | None
    ) -> tuple[RetiredItem, dict[Digest, bytes]]:
        if isinstance(before, RetiredItem) and not _replaced(before, files):
            listed = (before.head, *before.approvals)
            return before, {one: self.approvals.carried(one) for one in listed}
        if files is None:
            raise RetirementMissingError(
                f"expected {before.rule_id}, which is released, or its retirement, "
                "got neither",
                hint=f"trustacks rule retire {before.rule_id}, or bring it back",
                rule_id=before.rule_id,
            )
        verify_retirement(files, before, self.pinned, at=self.at)
        bare = item_of(before, files.attestation)
        said = {bare.head: files.attestation}
        behind = self.approvals.among(files.approvals, bare, said)
        return item_of(before, files.attestation, *behind), {**said, **behind}


def _replaced(before: RetiredItem, files: RetiredFiles | None) -> bool:
    """Return whether another retirement lies there than the one that is published."""
    if files is None:
        return False
    return parse_attestation(files.attestation).digest != before.head
