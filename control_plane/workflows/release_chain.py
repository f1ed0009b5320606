# SPDX-License-Identifier: Apache-2.0
"""The chain of published releases, by digest below ``chain/``.

Beside each release attestation lie those of the rules that it changed, and the
approvals that they rest on: whoever was away walks through them (DESIGN T4, T5).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from control_plane.workspaces import Workspace
from keys.digest import Digest
from signer.attestation import Attestation, parse_attestation, parse_jsonl
from signer.limits import MAX_ATTESTATION_BYTES
from signer.predicates.release import ReleasePredicate
from signer.statement import Statement, parse_statement


@dataclass(frozen=True, slots=True)
class OpenRelease:
    """A release attestation, parsed once.

    Attributes:
        attestation: The attestation.
        statement: What was signed.
        said: The same, typed.
    """

    attestation: Attestation
    statement: Statement
    said: ReleasePredicate

    @property
    def raw(self) -> bytes:
        """The bytes as they came."""
        return self.attestation.raw

    @property
    def digest(self) -> Digest:
        """SHA-256 of its PAE."""
        return self.attestation.digest


def store_chain(
    workspace: Workspace, release: OpenRelease, attestations: bytes
) -> None:
    """Write a release attestation and those of what it changed, itself last.

    Raises:
        StorageError: Repeat the call.
    """
    for digest, raw in changed_by(release.said, attestations):
        workspace.storage.put_immutable(chain_name(digest), raw)
    workspace.storage.put_immutable(chain_name(release.digest), release.raw)


def read_chain(workspace: Workspace, digest: Digest) -> bytes:
    """Return a published release's attestation.

    Raises:
        NotFoundError: There is none of that digest.
    """
    return workspace.storage.get(chain_name(digest), max_bytes=MAX_ATTESTATION_BYTES)


def chain_name(digest: Digest) -> str:
    """Return where a published release's attestation lies."""
    return f"chain/{digest.hex}.sigstore.json"


def open_release(raw: bytes) -> OpenRelease:
    """Read what a release attestation says; its signature is not looked at.

    Raises:
        FormatError: Not a release attestation.
    """
    attestation = parse_attestation(raw)
    statement = parse_statement(attestation.envelope.payload)
    said = ReleasePredicate.parse(statement.predicate)
    return OpenRelease(attestation, statement, said)


def changed_by(
    said: ReleasePredicate, attestations: bytes
) -> Iterator[tuple[Digest, bytes]]:
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
        if not wanted:
            return
        digest = parse_attestation(raw).digest
        if digest in wanted:
            wanted.remove(digest)
            yield digest, raw


def earlier(workspace: Workspace, release: OpenRelease) -> Iterator[OpenRelease]:
    """Yield the published releases before one, its predecessor first."""
    while release.said.predecessor is not None:
        release = open_release(read_chain(workspace, release.said.predecessor))
        yield release
