# SPDX-License-Identifier: Apache-2.0
"""in-toto Statement v1: which bytes, and what is said about them.

``parse_statement`` is given bytes whose signature held, and parses exactly those. The
name of a subject is for people; its digest decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from keys.digest import Digest
from keys.errors import TrustacksError
from keys.fields import Fields
from keys.strict import dumps_json, loads_json
from signer.errors import StatementFormatError
from signer.limits import (
    MAX_DIGESTS,
    MAX_FOREIGN_SUBJECTS,
    MAX_STATEMENT_BYTES,
    MAX_SUBJECTS,
)

TYPE: Final = "https://in-toto.io/Statement/v1"
# in-toto attestation v1 resource_descriptor.md, besides the digests.
_DESCRIPTOR: Final = (
    "annotations",
    "content",
    "downloadLocation",
    "mediaType",
    "name",
    "uri",
)


class Sayable(Protocol):
    """A predicate that can be put in a statement."""

    @property
    def type(self) -> str:
        """Its predicate type."""

    def to_json(self) -> dict[str, Any]:
        """Its fields."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Bytes that a statement is about.

    Attributes:
        name: For people.
        digest: SHA-256 of the bytes.
    """

    name: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement about subjects.

    Attributes:
        subjects: At least one, distinct by name.
        predicate_type: What kind of statement it is.
        predicate: What it says, as parsed JSON.
    """

    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: dict[str, Any]

    @property
    def digests(self) -> tuple[Digest, ...]:
        """The digests of the subjects, in order."""
        return tuple(subject.digest for subject in self.subjects)

    def to_bytes(self) -> bytes:
        """Return the statement as the bytes to sign."""
        subjects = [
            {"name": s.name, "digest": {"sha256": s.digest.hex}} for s in self.subjects
        ]
        return dumps_json(
            {
                "_type": TYPE,
                "subject": subjects,
                "predicateType": self.predicate_type,
                "predicate": self.predicate,
            }
        )


def build_statement(subjects: Sequence[Subject], predicate: Sayable) -> bytes:
    """Build the bytes to sign; what cannot be parsed again is refused.

    Raises:
        StatementFormatError: No subject, or too many.
        LimitExceededError: More bytes than a statement may have.
    """
    statement = Statement(tuple(subjects), predicate.type, predicate.to_json())
    data = statement.to_bytes()
    parse_statement(data)
    return data


def parse_statement(data: bytes) -> Statement:
    """Parse a statement.

    Raises:
        FormatError: Not JSON, or too large.
        StatementFormatError: Another ``_type``, an unknown field (in-toto statement.md
            lets a consumer ignore it; sigstore-go does not, and nor do we), no
            subject, or a digest that is not one SHA-256.
    """
    value = loads_json(data, max_bytes=MAX_STATEMENT_BYTES, what="statement")
    try:
        fields = Fields(value, "statement")
        fields.constant("_type", TYPE)
        found = fields.objects("subject", max_items=MAX_SUBJECTS)
        subjects = tuple(_subject(one) for one in found)
        predicate_type = fields.text("predicateType")
        predicate = fields.mapping("predicate")
        fields.done()
    except TrustacksError as error:
        raise StatementFormatError(error.message) from error
    if not subjects or len({s.name for s in subjects}) != len(subjects):
        raise StatementFormatError(
            f"statement: expected subjects with distinct names, got {len(subjects)}"
        )
    return Statement(subjects, predicate_type, predicate)


def read_digests(data: bytes) -> tuple[Digest, ...]:
    """Return the SHA-256 digests of the subjects of anybody's statement.

    Laxer than ``parse_statement`` in what others write: v0.1, other hashes beside
    SHA-256, fractions in the predicate. A field that no version has is refused, as
    sigstore-go does.

    Raises:
        FormatError: Not JSON, or too large.
        StatementFormatError: Another ``_type``, or out of form.

    Source: in-toto attestation v1 statement.md and resource_descriptor.md.
    """
    value = loads_json(
        data, max_bytes=MAX_STATEMENT_BYTES, what="statement", floats=True
    )
    try:
        fields = Fields(value, "statement")
        fields.one_of("_type", (TYPE, "https://in-toto.io/Statement/v0.1"))
        subjects = fields.objects("subject", max_items=MAX_FOREIGN_SUBJECTS)
        fields.text("predicateType")
        if fields.has("predicate"):
            fields.any("predicate")
        fields.done()
        return tuple(d for one in subjects if (d := _sha256(one)) is not None)
    except TrustacksError as error:
        raise StatementFormatError(error.message) from error


def _sha256(descriptor: Fields) -> Digest | None:
    digests = descriptor.mapping("digest", max_items=MAX_DIGESTS)
    for name in _DESCRIPTOR:
        if descriptor.has(name):
            descriptor.any(name)
    descriptor.done()
    found = digests.get("sha256")
    return Digest(found) if isinstance(found, str) else None


def _subject(fields: Fields) -> Subject:
    name = fields.text("name")
    digests = fields.object("digest")
    subject = Subject(name, Digest(digests.text("sha256")))
    digests.done()
    fields.done()
    return subject
