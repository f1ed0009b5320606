# SPDX-License-Identifier: Apache-2.0
"""The bytes of attestations, beside the log: stored before their leaves.

A body without a leaf is what a crash left, or what was verified under trust that was
replaced before it was logged. It grants nothing, and the next who logs that statement
with that key uses it.
"""

from bundle.audit.source import attestation_name
from control_plane.workspaces import Workspace
from keys.digest import Digest
from keys.errors import WriteConflictError
from keys.public import PublicKey
from signer.attestation import Attestation, parse_attestation
from signer.limits import MAX_ATTESTATION_BYTES


def store_body(workspace: Workspace, attestation: Attestation) -> Attestation:
    """Store a verified attestation's bytes, or return those that a crash left.

    ECDSA signs the same statement differently each time; what was stored was verified
    before it was stored, and only its leaf is missing. Who signs a statement that
    another key signed before has a file of their own.
    """
    names = (
        attestation_name(attestation.digest.hex),
        attestation_name(attestation.digest.hex, attestation.key_id),
    )
    for name in names:
        try:
            workspace.storage.put_immutable(name, attestation.raw)
        except WriteConflictError:
            stored = parse_attestation(_get(workspace, name))
            if stored.hint == attestation.hint:
                return stored
        else:
            return attestation
    raise WriteConflictError(f"expected {names[-1]} of one key, got another's")


def read_body(
    workspace: Workspace, digest: Digest, key: PublicKey | None = None
) -> bytes:
    """Return the bytes of a logged attestation, without its log entry.

    Args:
        workspace: Whose log.
        digest: Of the statement.
        key: Whose signature of it; the first that was stored, without it.

    Raises:
        NotFoundError: They are missing.
    """
    raw = _get(workspace, attestation_name(digest.hex))
    if key is None or parse_attestation(raw).hint == key.hint:
        return raw
    return _get(workspace, attestation_name(digest.hex, key.key_id))


def _get(workspace: Workspace, name: str) -> bytes:
    return workspace.storage.get(name, max_bytes=MAX_ATTESTATION_BYTES)
