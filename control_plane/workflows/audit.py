# SPDX-License-Identifier: Apache-2.0
"""What an auditor takes away: entries, proofs, and the evidence pack. Reads only."""

from dataclasses import dataclass

from bundle.audit.pack import export_pack
from control_plane.services import Services
from control_plane.workflows.attestations import signer_of
from control_plane.workflows.bodies import read_body
from keys.digest import Digest
from keys.errors import NotFoundError
from signer.attestation import parse_attestation
from signer.statement import parse_statement
from signer.tlog.entry import LogEntry, parse_hashedrekord


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf of the log.

    Attributes:
        index: Its place.
        body: The leaf's bytes.
        digest: SHA-256 of the PAE that was signed.
        predicate_type: What the statement says; none if its bytes are missing.
        identity: Who signed, if they are registered.
    """

    index: int
    body: bytes
    digest: Digest
    predicate_type: str | None
    identity: str | None


def entries(services: Services, name: str, *, start: int, limit: int) -> list[Leaf]:
    """Return leaves of the log in order; none from its end on.

    Raises:
        NotFoundError: No such workspace.
    """
    workspace = services.workspaces.open(name)
    policy = workspace.published().trust.policy
    size = workspace.log.size
    found = []
    for place, body in enumerate(
        workspace.log.bodies(min(start, size), min(start + limit, size)), start
    ):
        leaf = parse_hashedrekord(body)
        try:
            attestation = parse_attestation(read_body(workspace, leaf.digest, leaf.key))
            kind = parse_statement(attestation.envelope.payload).predicate_type
        except NotFoundError:
            kind = None
        signer = signer_of(policy, leaf.key.key_id)
        found.append(Leaf(place, body, leaf.digest, kind, signer))
    return found


def proof(services: Services, name: str, place: int) -> LogEntry:
    """Return a leaf with its proof to the newest checkpoint.

    Raises:
        NotFoundError: No such workspace or leaf.
    """
    return services.workspaces.open(name).log.entry(place)


def pack(services: Services, name: str) -> bytes:
    """Return the evidence pack, a tar; the same function as everywhere.

    Raises:
        NotFoundError: No such workspace.
        StorageError: Its storage cannot be read.
    """
    workspace = services.workspaces.open(name)
    return export_pack(workspace.storage, name=name, at=services.clock())
