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
    Change,
    approval_threshold,
    check_about,
    check_approved,
    check_second,
)
from bundle.gate.errors import AttestationSetError
from bundle.gate.second import read_authors, verify_approvals
from bundle.overlay import RuleFiles
from keys.digest import Digest
from keys.errors import FormatError, TrustacksError
from signer.attestation import parse_attestation
from signer.limits import MAX_APPROVALS
from signer.predicates.parts import Parents
from signer.predicates.release import InventoryItem
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
        inventory = head.release.inventory if head else ()
        self._old = {item.rule_id: item for item in inventory}
        self._published = head.attestations if head else {}
        self._revision = head.release.revision + 1 if head else 1

    def of(self, files: RuleFiles, item: InventoryItem) -> dict[Digest, bytes]:
        """Return the approvals of a rule, by digest.

        Args:
            files: The rule, and what lies beside it.
            item: The rule as the release will list it, still without approvals.
        """
        old = self._old.get(item.rule_id)
        if old is None or old.rule == item.rule:
            carried = old.approvals if old else ()
            self._say_left_out(files, carried)
            return {digest: self._carried(digest) for digest in carried}
        found: dict[Digest, bytes] = {}
        for path, raw in files.approvals:
            try:
                found |= self._checked(raw, item, old, files)
            except TrustacksError as error:
                self._left_out(path, f"{error.code}: {error.message}")
        return dict(list(found.items())[:MAX_APPROVALS])

    def require(
        self,
        listed: Iterable[tuple[RuleFiles, InventoryItem]],
        approvals: Mapping[Digest, bytes],
    ) -> None:
        """Refuse what the gate would, before anything is signed.

        Args:
            listed: Each rule, as the release will list it.
            approvals: What it rests on, by digest.

        Raises:
            RuleChangeUnapprovedError: A change behind which too few stand.
        """
        changed = [
            (files, item, old)
            for files, item in listed
            if (old := self._old.get(item.rule_id)) and old.rule != item.rule
        ]
        items, trust = [item for _, item, _ in changed], self._trust
        signed = {item.head: files.attestation or b"" for files, item, _ in changed}
        behind, _ = verify_approvals(items, approvals, trust=trust, at=self._at)
        check_approved(
            [self._change(item, old) for _, item, old in changed],
            behind,
            read_authors(items, signed, trust),
            threshold=approval_threshold(trust),
        )

    def _checked(
        self, raw: bytes, item: InventoryItem, old: InventoryItem, files: RuleFiles
    ) -> dict[Digest, bytes]:
        """Ask the gate's own functions about one approval.

        Raises:
            TrustacksError: It does not stand behind this change.
        """
        digest, trust = parse_attestation(raw).digest, self._trust
        listed = replace(item, approvals=(digest,))
        here = {digest: raw, item.head: files.attestation or b""}
        approvals, failed = verify_approvals([listed], here, trust=trust, at=self._at)
        for check in failed:
            check.require()
        changes = [self._change(listed, old)]
        check_about(changes, approvals)
        check_second(changes, approvals, read_authors([listed], here, trust))
        return {digest: raw}

    def _change(self, item: InventoryItem, old: InventoryItem) -> Change:
        layers = self._trust.policy.layers
        packs = {name: pin.digest for name, pin in layers.packs.items()}
        parents = Parents(layers.constitution.digest, packs)
        return Change(self._revision, parents, item, old)

    def _carried(self, digest: Digest) -> bytes:
        """Return an approval as the newest release published it.

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
