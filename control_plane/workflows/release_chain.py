# SPDX-License-Identifier: Apache-2.0
"""The chain of published releases, by digest below ``chain/``.

Beside each release attestation lie those of the rules that it changed, and the
approvals that they rest on: whoever was away walks through them (DESIGN T4, T5).
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from bundle.chain_names import chain_name, cosigned_name
from control_plane import limits
from control_plane.workspaces import Workspace
from keys.digest import Digest
from keys.errors import NotFoundError, WriteConflictError
from signer.attestation import Attestation, join_jsonl, parse_attestation, parse_jsonl
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
    workspace: Workspace,
    release: OpenRelease,
    attestations: bytes,
    cosigned: Sequence[bytes],
) -> None:
    """Write a release attestation and those of what it changed, itself last.

    Args:
        workspace: Where.
        release: The release.
        attestations: Published with it, one per line.
        cosigned: Further signatures of it, which are among them.

    Raises:
        StorageError: Repeat the call.
    """
    before = None
    if release.said.predecessor is not None:
        before = open_release(read_chain(workspace, release.said.predecessor)).said
    for digest, raw in changed_by(release.said, before, attestations):
        _keep(workspace, chain_name(digest), raw)
    if cosigned:
        _keep(workspace, cosigned_name(release.digest), join_jsonl(cosigned))
    _keep(workspace, chain_name(release.digest), release.raw)


def read_chain(workspace: Workspace, digest: Digest) -> bytes:
    """Return a published release's attestation.

    Raises:
        NotFoundError: There is none of that digest.
    """
    return workspace.storage.get(chain_name(digest), max_bytes=MAX_ATTESTATION_BYTES)


def read_cosigned(workspace: Workspace, digest: Digest) -> tuple[bytes, ...]:
    """Return the further signatures of a published release; none if there are none."""
    try:
        lines = workspace.storage.get(
            cosigned_name(digest), max_bytes=limits.MAX_STATIC_BYTES
        )
    except NotFoundError:
        return ()
    return parse_jsonl(lines)


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
    said: ReleasePredicate, before: ReleasePredicate | None, attestations: bytes
) -> Iterator[tuple[Digest, bytes]]:
    """Yield the attestations of what a release changes or ends, and approvals.

    Of several signatures of one statement the first, its author's: who else signed a
    rule that was superseded does not matter any more.
    """
    heads = {item.rule_id: item.head for item in before.listed} if before else {}
    wanted = {
        digest
        for item in said.listed
        if heads.get(item.rule_id, item.head) != item.head
        for digest in (item.head, *item.approvals)
    }
    for raw in parse_jsonl(attestations):
        if not wanted:
            return
        digest = parse_attestation(raw).digest
        if digest in wanted:
            wanted.remove(digest)
            yield digest, raw


def _keep(workspace: Workspace, name: str, raw: bytes) -> None:
    """Store what a later chain leads through, unless it is there already.

    A publish that crashed before its commit may have left the same statements under
    other signatures, or with other proofs: they passed the gate as well, and stay.
    """
    with suppress(WriteConflictError):
        workspace.storage.put_immutable(name, raw)


def earlier(workspace: Workspace, release: OpenRelease) -> Iterator[OpenRelease]:
    """Yield the published releases before one, its predecessor first."""
    while release.said.predecessor is not None:
        release = open_release(read_chain(workspace, release.said.predecessor))
        yield release
