# SPDX-License-Identifier: Apache-2.0
"""Statements of any predicate type but ours: built by people, about any files.

The predicate is carried as its bytes, not parsed and written again: a fraction, an
order of fields or a large number stays what its author wrote.
"""

from collections.abc import Sequence
from typing import Final

from keys.digest import Digest
from keys.errors import LimitExceededError, TrustacksError
from keys.fields import Fields
from keys.strict import dumps_json, loads_json
from signer.errors import OwnPredicateError, StatementFormatError
from signer.limits import MAX_FOREIGN_SUBJECTS, MAX_STATEMENT_BYTES
from signer.predicates.base import PREFIX
from signer.statement import TYPE, Subject, read_digests

# Characters. Types in the field have up to 70.
_MAX_TYPE_CHARS: Final = 512


def build_foreign_statement(
    subjects: Sequence[Subject], *, predicate_type: str, predicate: bytes
) -> bytes:
    """Build a statement about files, of somebody's own predicate type.

    Args:
        subjects: The files, distinct by name.
        predicate_type: A URI.
        predicate: A JSON object, as its author wrote it.

    Raises:
        OwnPredicateError: A predicate type of this project.
        StatementFormatError: No subject, one name twice, or no URI.
        FormatError: The predicate is not strict JSON, or too large.
    """
    _require_foreign(predicate_type)
    _require_subjects(subjects)
    what = "predicate"
    value = loads_json(predicate, max_bytes=MAX_STATEMENT_BYTES, what=what, floats=True)
    if not isinstance(value, dict):
        raise StatementFormatError("predicate: expected an object, got another value")
    about = [{"name": s.name, "digest": {"sha256": s.digest.hex}} for s in subjects]
    head = dumps_json(
        {"_type": TYPE, "subject": about, "predicateType": predicate_type}
    )
    # One object goes on where the other ends; no other text can stand between.
    statement = head[:-1] + b',"predicate":' + predicate.strip() + b"}"
    if read_digests(statement) != tuple(s.digest for s in subjects):
        raise StatementFormatError("statement: expected the subjects given, got others")
    return statement


def require_about(statement: bytes) -> Digest:
    """Return the first subject of anybody's statement.

    Raises:
        StatementFormatError: Not a statement, or about nothing with a SHA-256.
    """
    found = read_digests(statement)
    if not found:
        raise StatementFormatError("statement: expected a subject, got none")
    return found[0]


def read_predicate_type(statement: bytes) -> str:
    """Return the predicate type of anybody's statement, whose signature held.

    Raises:
        FormatError: Not a statement.
    """
    value = loads_json(
        statement, max_bytes=MAX_STATEMENT_BYTES, what="statement", floats=True
    )
    try:
        return Fields(value, "statement").text("predicateType")
    except TrustacksError as error:
        raise StatementFormatError(error.message) from error


def _require_foreign(predicate_type: str) -> None:
    """Source: DESIGN T9: what Runners go by is signed by the commands that show it."""
    if predicate_type.casefold().startswith(PREFIX.casefold()):
        raise OwnPredicateError(
            f"expected a predicate type of your own, got {predicate_type[:200]}",
            hint="rules, releases and trust are signed by the commands that show them",
        )
    scheme, found, rest = predicate_type.partition(":")
    plain = predicate_type.isascii() and predicate_type.isprintable()
    well = found and rest and scheme[:1].isalpha() and " " not in predicate_type
    if not (well and plain and len(predicate_type) <= _MAX_TYPE_CHARS):
        raise StatementFormatError(
            f"predicate type: expected a URI, got {predicate_type[:200]!r}"
        )


def _require_subjects(subjects: Sequence[Subject]) -> None:
    if len(subjects) > MAX_FOREIGN_SUBJECTS:
        raise LimitExceededError(
            f"statement: expected at most {MAX_FOREIGN_SUBJECTS} subjects, "
            f"got {len(subjects)}"
        )
    if not subjects or len({s.name for s in subjects}) != len(subjects):
        raise StatementFormatError(
            f"statement: expected files with distinct names, got {len(subjects)}",
            hint="give files of one name from folders, as paths that differ",
        )
