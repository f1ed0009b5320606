# SPDX-License-Identifier: Apache-2.0
"""Prove an attestation in the tree that admins signed, so that it outlives its signer.

Admins may keep, of an identity that they ended, what was in the log by some checkpoint
(DESIGN T3). An attestation carries a proof to the tree of the day when it was logged;
whoever releases asks the log's tiles for the one to the admins' tree, and puts it in
its place. Statement, signature and time stay: it is the same attestation.

The tiles are anybody's: what they give is checked against the root in the checkpoint.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from bundle.overlay import RuleFiles
from keys.errors import NotFoundError, UnavailableError, VerificationError
from signer.attestation import Attestation, parse_attestation, with_entry
from signer.signers import find_signer
from signer.tlog.checkpoint import Checkpoint
from signer.tlog.entry import LogEntry
from signer.tlog.merkle import inclusion_proof, leaf_hash, verify_inclusion
from signer.tlog.tiles import MAX_BUNDLE_BYTES, TileReader
from signer.trust import Trust
from trustacks.client import WorkspaceApi, segment
from trustacks.errors import ControlPlaneRefusalError
from trustacks.pinned import Head, Pinned

# Returns an object of the log by its path, or raises NotFoundError.
GetTile = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Reprover:
    """Proves again what admins kept under a checkpoint.

    Attributes:
        trust: Who ended, and what of theirs is kept.
        tiles: The log's.
    """

    trust: Trust
    tiles: GetTile

    def files(self, files: RuleFiles) -> RuleFiles:
        """Return a rule's files, with proofs that outlive their signers."""
        return replace(
            files,
            attestation=files.attestation and self(files.attestation),
            approvals=tuple((path, self(raw)) for path, raw in files.approvals),
            cosignatures=tuple((path, self(raw)) for path, raw in files.cosignatures),
        )

    def __call__(self, raw: bytes) -> bytes:
        """Return an attestation with the proof that keeps it; unchanged if none would.

        Raises:
            FormatError: Not an attestation.
            NotIncludedError: The tiles are of another tree.
            UnavailableError: A tile cannot be had.
        """
        attestation = parse_attestation(raw)
        kept = self._kept(attestation)
        if kept is None:
            return raw
        tree, note = kept
        (entry,) = attestation.entries
        proved = _prove(entry, tree, note, self.tiles)
        bare = replace(attestation, entries=())
        return with_entry(bare, proved)

    def _kept(self, attestation: Attestation) -> tuple[Checkpoint, str] | None:
        """Return the tree that would keep it, if it is in need of one."""
        policy = self.trust.policy
        if not any(one.survivors.checkpoint for one in policy.revocations):
            return None
        try:
            identity = find_signer(attestation, self.trust).identity
        except VerificationError:
            return None
        revocation = policy.revocation(identity.id)
        if revocation is None or self.trust.survives(identity, attestation):
            return None
        tree, note = revocation.survivors.tree, revocation.survivors.checkpoint
        indexes = [entry.index for entry in attestation.entries]
        if tree is None or note is None or len(indexes) != 1:
            return None
        return (tree, note) if indexes[0] < tree.size else None


def reproved(
    rules: Iterable[RuleFiles], head: Head | None, pinned: Pinned, api: WorkspaceApi
) -> tuple[tuple[RuleFiles, ...], Head | None]:
    """Return rules, and what the newest release published, with proofs that last.

    Raises:
        TrustacksError: As ``Reprover``.
    """
    prove = Reprover(pinned.trust, tiles_of(api))
    if head is not None:
        head = replace(
            head,
            attestations={name: prove(raw) for name, raw in head.attestations.items()},
            cosigned={
                name: tuple(map(prove, further))
                for name, further in head.cosigned.items()
            },
        )
    return tuple(map(prove.files, rules)), head


def tiles_of(api: WorkspaceApi) -> GetTile:
    """Return a reader of a workspace's published tiles."""

    def get(path: str) -> bytes:
        place = f"/w/{segment(api.name)}/log/{path}"
        try:
            return api.client.fetch(place, max_bytes=MAX_BUNDLE_BYTES)
        except ControlPlaneRefusalError as error:
            if error.passed_code != NotFoundError.code:
                raise
            raise NotFoundError(f"expected {path} of the log, got none") from error

    return get


def _prove(entry: LogEntry, tree: Checkpoint, note: str, tiles: GetTile) -> LogEntry:
    try:
        hashes = TileReader(tiles, tree.size)
        proof = inclusion_proof(entry.index, tree.size, hashes)
    except NotFoundError as error:
        raise UnavailableError(
            f"expected the log's tiles of {tree.size} entries: {error.message}"
        ) from error
    verify_inclusion(
        leaf=leaf_hash(entry.body),
        index=entry.index,
        size=tree.size,
        proof=proof,
        root=tree.root,
    )
    return replace(
        entry, proof=proof, tree_size=tree.size, root=tree.root, checkpoint=note
    )
