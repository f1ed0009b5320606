# SPDX-License-Identifier: Apache-2.0
"""The chain of published releases, by digest below ``chain/``.

Beside each release attestation lie those of the rules that it changed, and the
approvals that they rest on: whoever was away walks through them (DESIGN T4, T5).
"""

from collections.abc import Iterator

from control_plane.workspaces import Workspace
from keys.digest import Digest
from signer.attestation import parse_attestation, parse_jsonl
from signer.limits import MAX_ATTESTATION_BYTES
from signer.predicates.release import ReleasePredicate
from signer.statement import parse_statement


def store_chain(workspace: Workspace, release: bytes, attestations: bytes) -> None:
    """Write a release attestation and those of what it changed, itself last.

    Raises:
        StorageError: Repeat the call.
    """
    for raw in (*changed_by(open_release(release), attestations), release):
        name = chain_name(parse_attestation(raw).digest)
        workspace.storage.put_immutable(name, raw)


def read_chain(workspace: Workspace, digest: Digest) -> bytes:
    """Return a published release's attestation.

    Raises:
        NotFoundError: There is none of that digest.
    """
    return workspace.storage.get(chain_name(digest), max_bytes=MAX_ATTESTATION_BYTES)


def chain_name(digest: Digest) -> str:
    """Return where a published release's attestation lies."""
    return f"chain/{digest.hex}.sigstore.json"


def open_release(raw: bytes) -> ReleasePredicate:
    """Read what a release attestation says; its signature is not looked at.

    Raises:
        FormatError: Not a release attestation.
    """
    statement = parse_statement(parse_attestation(raw).envelope.payload)
    return ReleasePredicate.parse(statement.predicate)


def changed_by(said: ReleasePredicate, attestations: bytes) -> Iterator[bytes]:
    """Yield the attestations of the rules that a release changes, and approvals.

    Of several signatures of one statement the first, its author's: who else signed a
    rule that was superseded does not matter any more.
    """
    wanted = {
        digest
        for item in said.inventory
        if item.rule_id in said.changed
        for digest in (item.head, *item.approvals)
    }
    for raw in parse_jsonl(attestations):
        digest = parse_attestation(raw).digest
        if digest in wanted:
            wanted.remove(digest)
            yield raw


def earlier(workspace: Workspace, release: ReleasePredicate) -> Iterator[bytes]:
    """Yield the published releases before one, its predecessor first."""
    predecessor = release.predecessor
    while predecessor is not None:
        raw = read_chain(workspace, predecessor)
        yield raw
        predecessor = open_release(raw).predecessor
