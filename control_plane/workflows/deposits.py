# SPDX-License-Identifier: Apache-2.0
"""What was signed, for leaves that came first by Rekor's door (``workflows.entries``).

Order of writes: (1) the bytes, as for any attestation, (2) what the leaf's row says of
them. After a crash in between the next call completes the row.
"""

from collections.abc import Iterable

from control_plane.registry import repository as index
from control_plane.registry.models import LeafRow
from control_plane.services import Services
from control_plane.sigstore.errors import EntryTakenError
from control_plane.workflows.bodies import read_body
from control_plane.workflows.leaf_rows import signed_by
from control_plane.workspaces import Workspace
from keys.digest import Digest
from keys.errors import NotFoundError
from keys.public import PublicKey
from signer.attestation import Attestation, parse_attestation, without_entries
from signer.statement import parse_statement
from signer.tlog.entry import parse_hashedrekord


def require_fits(
    services: Services, workspace: Workspace, attestation: Attestation, key: PublicKey
) -> None:
    """Refuse bytes that are not those of the leaf which waits for them.

    To be asked before they are stored, because what is stored stays.

    Raises:
        EntryTakenError: The leaf is of another signature, or another certificate.
    """
    place = _withheld(services, workspace, attestation.digest, key)
    if place is None:
        return
    leaf = parse_hashedrekord(workspace.log.entry(place).body)
    certificate = attestation.leaf.der if attestation.leaf else None
    ours = attestation.envelope.signature, certificate
    if ours != (leaf.signature, leaf.certificate):
        raise EntryTakenError(
            f"expected the signature of entry {place} over {leaf.digest}, got another",
            hint="hand in the attestation that was logged",
            index=place,
        )


def complete(services: Services, workspace: Workspace, rows: Iterable[LeafRow]) -> None:
    """Index what is known now of leaves that came without their bytes."""
    unknown = [
        (row.leaf_index, Digest.parse(row.digest))
        for row in rows
        if not row.predicate_type
    ]
    for place, digest in unknown:
        attestation = parse_attestation(read_body(workspace, digest))
        statement = parse_statement(attestation.envelope.payload)
        found = LeafRow(
            workspace=workspace.name,
            leaf_index=place,
            predicate_type=statement.predicate_type,
            identity=signed_by(workspace, attestation),
        )
        with services.registry.write() as session:
            index.complete_leaf(session, found, statement.digests)


def unlogged(workspace: Workspace, raw: bytes) -> bytes:
    """Return an attestation without its entry of this very log, if it has one.

    By Rekor's door the leaf comes first, and clients put its entry in. What counts is
    the leaf, which is looked up, and gets a fresh proof.
    """
    attestation = parse_attestation(raw)
    if [one.log_id for one in attestation.entries] == [workspace.log.log_id]:
        place, body = attestation.entries[0].index, attestation.entries[0].body
        if place < workspace.log.size and workspace.log.entry(place).body == body:
            return without_entries(attestation)
    return raw


def _withheld(
    services: Services, workspace: Workspace, digest: Digest, key: PublicKey
) -> int | None:
    with services.registry.read() as session:
        row = index.find_leaf(session, workspace.name, digest, key_id=key.key_id)
        place = None if row is None else row.leaf_index
    if place is None:
        return None
    try:
        read_body(workspace, digest, key)
    except NotFoundError:
        return place
    return None
