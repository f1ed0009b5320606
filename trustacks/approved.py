# SPDX-License-Identifier: Apache-2.0
"""Which attestations beside the rules stand behind what a release changes.

The gate accepts a change with exactly those that it lists, so what does not fit is left
out here and said: an approval of an earlier change, one by the author, one that was
revoked. A rule whose Rego stays keeps the approvals that it has in the newest release.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bundle.gate.approvals import (
    approval_threshold,
    check_about,
    check_approved,
    check_second,
)
from bundle.gate.changes import Change
from bundle.gate.errors import AttestationSetError
from bundle.gate.second import read_authors, verify_approvals
from bundle.overlay import RuleFiles
from keys.digest import Digest
from keys.errors import FormatError, TrustacksError
from signer.attestation import parse_attestation
from signer.limits import MAX_APPROVALS
from signer.predicates.parts import Parents
from signer.predicates.release import InventoryItem, RetiredItem
from trustacks.pinned import Head, Pinned


class Approvals:
    """Finds the approvals of rules.

    Args:
        pinned: The workspace.
        head: The newest release.
        at: The time.
        warn: Told of each file that is left out.
    """

    def __init__(
        self,
        pinned: Pinned,
        head: Head | None,
        at: datetime,
        warn: Callable[[str], None],
    ) -> None:
        self._trust = pinned.trust
        self._at, self._warn = at, warn
        release = head.release if head else None
        self._old = {i.rule_id: i for i in release.inventory} if release else {}
        self._gone = {i.rule_id for i in release.retired} if release else set()
        self._published = head.attestations if head else {}
        self._revision = release.revision + 1 if release else 1

    def of(self, files: RuleFiles, item: InventoryItem) -> dict[Digest, bytes]:
        """Return the approvals of a rule, by digest.

        Args:
            files: The rule, and what lies beside it.
            item: The rule as the release will list it, still without approvals.
        """
        if self._changes(item):
            said = {item.head: files.attestation or b""}
            return self.among(files.approvals, item, said)
        old = self._old.get(item.rule_id)
        carried = old.approvals if old else ()
        self._say_left_out(files, carried)
        return {digest: self.carried(digest) for digest in carried}

    def among(
        self,
        beside: Iterable[tuple[Path, bytes]],
        item: InventoryItem | RetiredItem,
        said: Mapping[Digest, bytes],
    ) -> dict[Digest, bytes]:
        """Return those approvals that stand behind what a release makes of a rule.

        Args:
            beside: The files.
            item: The rule or its retirement, still without approvals.
            said: The attestation at its head, by digest.
        """
        found: dict[Digest, bytes] = {}
        for path, raw in beside:
            try:
                found |= self._checked(raw, item, said)
            except TrustacksError as error:
                self._left_out(path, f"{error.code}: {error.message}")
        return dict(list(found.items())[:MAX_APPROVALS])

    def require(
        self,
        items: Iterable[InventoryItem | RetiredItem],
        said: Mapping[Digest, bytes],
        approvals: Mapping[Digest, bytes],
    ) -> None:
        """Refuse what the gate would, before anything is signed.

        Args:
            items: Rules as the release will list them, and new retirements.
            said: The attestations at their heads, by digest.
            approvals: What they rest on, by digest.

        Raises:
            RuleChangeUnapprovedError: A change behind which too few stand.
        """
        changed, trust = [one for one in items if self._changes(one)], self._trust
        behind, _ = verify_approvals(changed, approvals, trust=trust, at=self._at)
        check_approved(
            [self._change(item) for item in changed],
            behind,
            read_authors(changed, said, trust),
            threshold=approval_threshold(trust),
        )

    def _changes(self, item: InventoryItem | RetiredItem) -> bool:
        """Return whether the rule changes, leaves or comes back."""
        if isinstance(item, RetiredItem):
            return True
        old = self._old.get(item.rule_id)
        return old.rule != item.rule if old else item.rule_id in self._gone

    def _checked(
        self,
        raw: bytes,
        item: InventoryItem | RetiredItem,
        said: Mapping[Digest, bytes],
    ) -> dict[Digest, bytes]:
        """Ask the gate's own functions about one approval.

        Raises:
            TrustacksError: It does not stand behind this change.
        """
        digest, trust = parse_attestation(raw).digest, self._trust
        listed = replace(item, approvals=(digest,))
        here = {digest: raw, **said}
        approvals, failed = verify_approvals([listed], here, trust=trust, at=self._at)
        for check in failed:
            check.require()
        changes = [self._change(listed)]
        check_about(changes, approvals)
        check_second(changes, approvals, read_authors([listed], here, trust))
        return {digest: raw}

    def _change(self, item: InventoryItem | RetiredItem) -> Change:
        layers = self._trust.policy.layers
        packs = {name: pin.digest for name, pin in layers.packs.items()}
        parents = Parents(layers.constitution.digest, packs)
        if isinstance(item, RetiredItem):
            return Change(self._revision, parents, item, item.rule)
        old = self._old.get(item.rule_id)
        return Change(self._revision, parents, item, old.rule if old else None)

    def carried(self, digest: Digest) -> bytes:
        """Return an attestation as the newest release published it.

        Raises:
            AttestationSetError: It did not.
        """
        if digest not in self._published:
            raise AttestationSetError(f"expected attestation {digest}, got none")
        return self._published[digest]

    def _say_left_out(self, files: RuleFiles, carried: Collection[Digest]) -> None:
        for path, raw in files.approvals:
            try:
                kept = parse_attestation(raw).digest in carried
            except FormatError as error:
                self._left_out(path, f"{error.code}: {error.message}")
                continue
            if not kept:
                self._left_out(path, "the rule does not change in this release")

    def _left_out(self, path: Path, why: str) -> None:
        self._warn(f"left out {path}: {why}")
