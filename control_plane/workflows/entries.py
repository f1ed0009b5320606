# SPDX-License-Identifier: Apache-2.0
"""Take entries by Rekor's door into a workspace's log; here no attestation comes along.

Order of writes: (1) the leaf, which is the commit, (2) its row in the registry. The
attestation may come later, by ``workflows.attestations``, and is then stored and its
row completed (``workflows.ledger``). What never comes, replay calls
``evidence-withheld`` (DESIGN T10): a leaf alone shows who signed what digest when, and
grants nothing.
"""

from control_plane.registry import repository as index
from control_plane.services import Services
from control_plane.sigstore.entries import Door, read_entry
from control_plane.sigstore.errors import EntryTakenError
from control_plane.workflows.bodies import read_body
from control_plane.workflows.leaf_rows import add_leaf
from control_plane.workflows.ledger import catch_up
from control_plane.workspaces import Workspace
from keys.digest import Digest
from keys.errors import NotFoundError
from signer.attestation import parse_attestation
from signer.tlog.entry import HashedRekord, LogEntry


def add(services: Services, name: str, request: bytes) -> LogEntry:
    """Log a signature; the same again gives the same entry, with a fresh proof.

    Args:
        services: The server.
        name: The workspace.
        request: The body of ``POST /api/v2/log/entries``, untrusted.

    Raises:
        NotFoundError: No such workspace.
        FormatError: Not a request, or of a key other than ECDSA P-256.
        EntrySignatureError: The signature does not verify.
        EntrySignerError: Of nobody who may.
        EntryTakenError: The log has another signature of the same key over the same.
        StorageError: It may or may not be in the log; repeat the call.
    """
    workspace = services.workspaces.open(name)
    entry = read_entry(request)
    door = _door(services, workspace)
    door.require_admitted(entry, at=services.clock())
    with workspace.lock:
        catch_up(services, workspace)
        found = _found(services, workspace, entry)
        if found is None:
            _require_not_stored(workspace, entry)
            found = _append(services, workspace, entry)
        return found


def _door(services: Services, workspace: Workspace) -> Door:
    trust, ours = workspace.published().trust, services.sigstore
    if ours is None:
        return Door(trust)
    authority = Digest.of(ours.fulcio.chain[0])
    return Door(trust, ours.url, authority, ours.domains(workspace.name))


def _found(
    services: Services, workspace: Workspace, entry: HashedRekord
) -> LogEntry | None:
    with services.registry.read() as session:
        row = index.find_leaf(
            session, workspace.name, entry.digest, key_id=entry.key.key_id
        )
        place = None if row is None else row.leaf_index
    if place is None:
        return None
    logged = workspace.log.entry(place)
    if logged.body != entry.to_body():
        raise _taken(entry)
    return logged


def _require_not_stored(workspace: Workspace, entry: HashedRekord) -> None:
    """Refuse a second signature where a crash left the first without its leaf."""
    try:
        stored = parse_attestation(read_body(workspace, entry.digest, entry.key))
    except NotFoundError:
        return
    if (stored.hint, stored.envelope.signature) != (entry.key.hint, entry.signature):
        raise _taken(entry)


def _taken(entry: HashedRekord) -> EntryTakenError:
    return EntryTakenError(
        f"expected the signature that the log has over {entry.digest}, got another",
        hint="one key signs one statement once",
    )


def _append(services: Services, workspace: Workspace, entry: HashedRekord) -> LogEntry:
    (logged,) = workspace.log.append([entry.to_body()])
    with services.registry.write() as session:
        add_leaf(
            session,
            workspace,
            place=logged.index,
            digest=entry.digest,
            key_id=entry.key.key_id,
            attestation=None,
        )
    return logged
