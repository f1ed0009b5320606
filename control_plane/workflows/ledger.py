# SPDX-License-Identifier: Apache-2.0
"""Put an attestation into a workspace's log, once, and index it.

Order of writes: (1) the attestation's bytes, (2) its leaf, which is the commit, (3) its
rows in the registry. After a crash behind (1) the bytes are used by the next try, with
the signature that they have; behind (2) the next call indexes what it finds in the log
before it looks whether the attestation is there. So one attestation is one leaf.

Who may put what into the log is not decided here.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from control_plane.registry import repository as index
from control_plane.services import Services
from control_plane.workflows.bodies import read_body, store_body
from control_plane.workflows.deposits import complete, require_fits
from control_plane.workflows.leaf_rows import add_leaf
from control_plane.workspaces import Workspace
from keys.digest import Digest
from keys.errors import NotFoundError
from keys.public import PublicKey
from signer.attestation import Attestation, parse_attestation, with_entry
from signer.timestamp.request import build_request, parse_response
from signer.tlog.entry import hashedrekord_body, parse_hashedrekord

_NONCE_BITS: Final = 64
# An attestation, and the key that it was verified with.
Signed = tuple[Attestation, PublicKey]
# Leaves that one transaction indexes; a rebuild needs no memory for more.
_BATCH: Final = 256


@dataclass(frozen=True, slots=True)
class Recorded:
    """An attestation in the log.

    Attributes:
        raw: The completed attestation, with its log entry.
        digest: SHA-256 of its PAE.
        index: Its place in the log.
    """

    raw: bytes
    digest: Digest
    index: int


@dataclass(frozen=True, slots=True)
class LocalNotary:
    """The notary of this server's own statements (``signer.sign.Notary``).

    Attributes:
        services: For the timestamp.
        workspace: Whose log it is.
        key: The key that signs.
        indexed: Whether the registry knows the workspace already.
    """

    services: Services
    workspace: Workspace
    key: PublicKey
    indexed: bool = True

    def timestamp(self, signature: bytes) -> bytes:
        """Return a TimeStampResp over a signature."""
        nonce = secrets.randbits(_NONCE_BITS)
        request = build_request(signature, nonce=nonce)
        response = self.services.timestamping.respond(request, self.services.clock())
        return parse_response(response, nonce=nonce)

    def log(self, attestation: bytes) -> bytes:
        """Return the attestation with its log entry."""
        if self.indexed:
            return record(self.services, self.workspace, attestation, self.key).raw
        return log_unindexed(self.workspace, attestation, self.key).raw


def record(
    services: Services, workspace: Workspace, raw: bytes, key: PublicKey
) -> Recorded:
    """Log an attestation; one that is there already is returned as it is there.

    Args:
        services: The server.
        workspace: Whose log.
        raw: The attestation, verified, without a log entry.
        key: The key that it was verified with.

    Raises:
        EntryTakenError: The log has another signature of the key over the statement.
        StorageError: It may or may not be in the log; repeat the call.
    """
    attestation = parse_attestation(raw)
    with workspace.lock:
        catch_up(services, workspace)
        require_fits(services, workspace, attestation, key)
        stored = store_body(workspace, attestation)
        (recorded,) = _record(services, workspace, [(stored, key)])
        return recorded


def record_all(
    services: Services, workspace: Workspace, given: Sequence[Signed]
) -> list[Recorded]:
    """Log attestations in one commit, each as ``record`` does.

    Args:
        services: The server.
        workspace: Whose log.
        given: Verified, their bytes stored, without log entries, each with its key.

    Raises:
        StorageError: They may or may not be in the log; repeat the call.
    """
    with workspace.lock:
        catch_up(services, workspace)
        return _record(services, workspace, given)


def _record(
    services: Services, workspace: Workspace, given: Sequence[Signed]
) -> list[Recorded]:
    wanted = {_name(one): one for one in given}
    done = _found(services, workspace, wanted.keys())
    new = [one for name, one in wanted.items() if name not in done]
    if new:
        logged = _log_new(services, workspace, new)
        done |= zip(map(_name, new), logged, strict=True)
    return [done[_name(one)] for one in given]


def _name(signed: Signed) -> tuple[Digest, str]:
    attestation, key = signed
    return attestation.digest, key.key_id


def _found(
    services: Services, workspace: Workspace, names: Iterable[tuple[Digest, str]]
) -> dict[tuple[Digest, str], Recorded]:
    wanted = set(names)
    with services.registry.read() as session:
        digests = [digest for digest, _ in wanted]
        rows = {
            (Digest.parse(row.digest), row.key_id): row
            for row in index.find_leaves(session, workspace.name, digests)
        }
    ours = {name: row for name, row in rows.items() if name in wanted}
    complete(services, workspace, ours.values())
    return {name: at_index(workspace, row.leaf_index) for name, row in ours.items()}


def find(
    services: Services,
    workspace: Workspace,
    digest: Digest,
    *,
    key_id: str | None = None,
) -> Recorded | None:
    """Return a logged attestation by the digest of its PAE, with a fresh proof.

    None: it is not in the log, or nobody has handed in what was signed.

    Args:
        services: The server.
        workspace: Whose log.
        digest: Of the statement.
        key_id: Of the key that signed; the first that did, without it.
    """
    with services.registry.read() as session:
        row = index.find_leaf(session, workspace.name, digest, key_id=key_id)
        place = None if row is None else row.leaf_index
    try:
        return None if place is None else at_index(workspace, place)
    except NotFoundError:
        return None  # it came by Rekor's door, and nobody has handed it in yet


def at_index(workspace: Workspace, place: int) -> Recorded:
    """Return the attestation of a leaf, with a fresh proof.

    Raises:
        NotFoundError: No such leaf, or its attestation is missing.
    """
    entry = workspace.log.entry(place)
    leaf = parse_hashedrekord(entry.body)
    stored = parse_attestation(read_body(workspace, leaf.digest, leaf.key))
    return Recorded(with_entry(stored, entry), leaf.digest, place)


def catch_up(services: Services, workspace: Workspace) -> int:
    """Index the leaves that the registry does not have; return how many.

    Raises:
        StorageError: The log or the registry cannot be used.
    """
    with workspace.lock:
        size = workspace.log.recover().size
        with services.registry.read() as session:
            start = index.count_leaves(session, workspace.name)
        for first in range(start, size, _BATCH):
            last = min(first + _BATCH, size)
            bodies = workspace.log.bodies(first, last)
            with services.registry.write() as session:
                for place, body in enumerate(bodies, first):
                    _index(session, workspace, place, body)
        return max(size - start, 0)


def log_unindexed(workspace: Workspace, raw: bytes, key: PublicKey) -> Recorded:
    """Log a verified attestation of a workspace that the registry does not know yet."""
    stored = store_body(workspace, parse_attestation(raw))
    (recorded,) = _append(workspace, [(stored, key)])
    return recorded


def _append(workspace: Workspace, stored: Sequence[Signed]) -> list[Recorded]:
    bodies = [
        hashedrekord_body(
            digest=attestation.digest,
            signature=attestation.envelope.signature,
            key=key,
            certificate=attestation.leaf.der if attestation.leaf else None,
        )
        for attestation, key in stored
    ]
    entries = workspace.log.append(bodies)
    return [
        Recorded(with_entry(one, entry), one.digest, entry.index)
        for (one, _), entry in zip(stored, entries, strict=True)
    ]


def _log_new(
    services: Services, workspace: Workspace, stored: Sequence[Signed]
) -> list[Recorded]:
    """Append, and index our own leaves if they are the next, without reading back."""
    logged = _append(workspace, stored)
    with services.registry.write() as session:
        if index.count_leaves(session, workspace.name) == logged[0].index:
            for recorded, (attestation, key) in zip(logged, stored, strict=True):
                add_leaf(
                    session,
                    workspace,
                    place=recorded.index,
                    digest=recorded.digest,
                    key_id=key.key_id,
                    attestation=attestation,
                )
            return logged
    catch_up(services, workspace)
    return logged


def _index(session: Session, workspace: Workspace, place: int, body: bytes) -> None:
    leaf = parse_hashedrekord(body)
    key_id = leaf.key.key_id
    found = index.find_leaf(session, workspace.name, leaf.digest, key_id=key_id)
    if found is not None:
        return  # a leaf twice grants nothing; replay reports it
    add_leaf(
        session,
        workspace,
        place=place,
        digest=leaf.digest,
        key_id=key_id,
        attestation=_stored(workspace, leaf.digest, leaf.key),
    )


def _stored(workspace: Workspace, digest: Digest, key: PublicKey) -> Attestation | None:
    try:
        return parse_attestation(read_body(workspace, digest, key))
    except NotFoundError:
        return None  # replay calls it evidence-withheld
