# SPDX-License-Identifier: Apache-2.0
"""Checks of what a verified signature is over: type, workspace, signer, subjects."""

from collections.abc import Sequence

from keys.digest import Digest
from signer.dsse import IN_TOTO, Envelope
from signer.errors import (
    NamespaceError,
    PayloadTypeError,
    PredicateTypeError,
    SignerMismatchError,
    SubjectMismatchError,
    WorkspaceMismatchError,
)
from signer.identity import Identity
from signer.predicates.base import Predicate
from signer.statement import Statement


def require_payload_type(envelope: Envelope) -> None:
    """Refuse a payload that is not declared to be an in-toto statement.

    Raises:
        PayloadTypeError: It is declared to be something else.
    """
    if envelope.payload_type != IN_TOTO:
        raise PayloadTypeError(
            f"expected payload type {IN_TOTO}, got {envelope.payload_type!r}"
        )


def require_predicate_type(statement: Statement, expected: str) -> None:
    """Refuse a statement of another type than was asked for.

    Raises:
        PredicateTypeError: It is of another.
    """
    if statement.predicate_type != expected:
        raise PredicateTypeError(
            f"expected predicate type {expected}, "
            f"got {statement.predicate_type[:100]!r}"
        )


def require_workspace(said: Digest, expected: Digest) -> None:
    """Refuse a statement for another workspace.

    Raises:
        WorkspaceMismatchError: It is for another.
    """
    if said != expected:
        raise WorkspaceMismatchError(
            f"expected a statement for workspace {expected}, got one for {said}"
        )


def require_signer(
    predicate: Predicate, identity: Identity, named: str | None = None
) -> None:
    """Refuse a statement that names another signer than its own.

    Args:
        predicate: What was said.
        identity: Who signed.
        named: Who signed it first, if this is a further signature.

    Raises:
        SignerMismatchError: It does.
    """
    wanted = named or identity.id
    if predicate.signer is not None and predicate.signer != wanted:
        raise SignerMismatchError(
            f"expected a statement that names {wanted}, "
            f"got one that names {predicate.signer!r}"
        )


def require_namespace(
    predicate: Predicate, identity: Identity, expected: str | None
) -> None:
    """Refuse rule namespaces that the signer does not have, or nobody asked for.

    Raises:
        NamespaceError: One of them is.
    """
    identity.require_namespaces(predicate.namespaces)
    if expected is not None and predicate.namespaces != {expected}:
        raise NamespaceError(
            f"expected a statement for namespace {expected}, "
            f"got one for {', '.join(sorted(predicate.namespaces)) or 'none'}"
        )


def require_subjects(statement: Statement, expected: Sequence[Digest]) -> None:
    """Refuse a statement that is not about every one of these bytes.

    Raises:
        SubjectMismatchError: One is not among its subjects.
    """
    for digest in expected:
        require_subject(statement.digests, digest)


def require_subject(digests: Sequence[Digest], expected: Digest) -> None:
    """Refuse a statement whose subjects are not these bytes among others.

    Raises:
        SubjectMismatchError: They are not.
    """
    if expected not in digests:
        raise SubjectMismatchError(
            f"expected a statement about {expected}, "
            f"got one about {', '.join(map(str, digests))[:400] or 'nothing'}",
            expected=str(expected),
        )
