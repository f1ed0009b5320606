# SPDX-License-Identifier: Apache-2.0
"""Parts that several predicates share, and the grammar of their names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from keys.digest import Digest
from keys.errors import FormatError
from keys.fields import Fields
from signer.errors import PredicateFormatError
from signer.limits import MAX_PACKS, MAX_RULE_ID_CHARS

_RULE_ID: Final = re.compile(r"([a-z][a-z0-9_]*)\.[a-z][a-z0-9_]*")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PACK: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}")


def must(
    holds: bool,  # noqa: FBT001 (an assertion)
    expected: str,
    got: str = "another",
) -> None:
    """Refuse a predicate that contradicts itself.

    Raises:
        PredicateFormatError: ``holds`` is false.
    """
    if not holds:
        raise PredicateFormatError(f"predicate: expected {expected}, got {got}")


def namespace_of(rule_id: str) -> str:
    """Return the namespace of a rule id.

    Raises:
        PredicateFormatError: It is not a rule id.
    """
    match = _RULE_ID.fullmatch(rule_id)
    if match is None or len(rule_id) > MAX_RULE_ID_CHARS:
        raise PredicateFormatError(
            f"predicate: expected a rule id like acme.needs_ticket, got {rule_id!r}"
        )
    return match[1]


def optional_digest(fields: Fields, name: str) -> Digest | None:
    """Read a digest or null."""
    return None if fields.is_null(name) else fields.digest(name)


def optional_text(fields: Fields, name: str) -> str | None:
    """Read a text or null."""
    return None if fields.is_null(name) else fields.text(name)


def optional_instant(fields: Fields, name: str) -> datetime | None:
    """Read an instant or null."""
    return None if fields.is_null(name) else fields.instant(name)


def version_text(fields: Fields, name: str) -> str:
    """Read a version of a program or layer.

    Raises:
        FormatError: It is not one.
    """
    text = fields.text(name)
    must(bool(_VERSION.fullmatch(text)), f"a version like 1.2.3 in {name}")
    return text


def optional_version(fields: Fields, name: str) -> str | None:
    """Read a version or null."""
    return None if fields.is_null(name) else version_text(fields, name)


def digest_or_null(digest: Digest | None) -> str | None:
    """Write a digest or null."""
    return None if digest is None else str(digest)


def require_pack_name(name: str) -> str:
    """Return the name of a pack.

    Raises:
        PredicateFormatError: It is not one.
    """
    must(bool(_PACK.fullmatch(name)), "a pack name like change-control")
    return name


@dataclass(frozen=True, slots=True)
class Source:
    """Where in version control the bytes came from, as the signer saw it.

    Attributes:
        commit: 40 or 64 hex digits, or none outside version control.
        branch: Its branch, if any.
    """

    commit: str | None = None
    branch: str | None = None

    def __post_init__(self) -> None:
        commit = self.commit
        must(commit is None or bool(_COMMIT.fullmatch(commit)), "a commit in hex")

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse a source."""
        source = cls(optional_text(fields, "commit"), optional_text(fields, "branch"))
        fields.done()
        return source

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {"commit": self.commit, "branch": self.branch}


@dataclass(frozen=True, slots=True)
class Parents:
    """The layers below the overlay, by the digest of their archives.

    Attributes:
        constitution: The constitution's.
        packs: Name to digest.
    """

    constitution: Digest
    packs: Mapping[str, Digest]

    def __post_init__(self) -> None:
        for name in self.packs:
            require_pack_name(name)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read the two fields; the caller says when ``fields`` are done."""
        packs = fields.mapping("packs", max_items=MAX_PACKS)
        if not all(isinstance(value, str) for value in packs.values()):
            raise FormatError(f"{fields.where}.packs: expected digests, got another")
        return cls(
            fields.digest("constitution"),
            {name: Digest.parse(value) for name, value in packs.items()},
        )

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse parents."""
        parents = cls.read(fields)
        fields.done()
        return parents

    def to_json(self) -> dict[str, Any]:
        """Return them as a document."""
        return {
            "constitution": str(self.constitution),
            "packs": {name: str(digest) for name, digest in self.packs.items()},
        }
