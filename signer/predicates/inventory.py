# SPDX-License-Identifier: Apache-2.0
"""What a release lists of each rule id: in force, or retired."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from keys.digest import Digest
from keys.fields import Fields
from signer.limits import MAX_APPROVALS
from signer.predicates.parts import must


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryItem:
    """One rule of a release.

    Attributes:
        rule_id: Which rule.
        rule: SHA-256 of its Rego.
        test: SHA-256 of its test file.
        head: SHA-256 of the PAE of its rule attestation.
        approvals: SHA-256 of the PAE of each statement of another principal that let
            this Rego take the place of the one before it, sorted; none if there was
            none before. They stay for as long as the Rego does (DESIGN T5).
    """

    rule_id: str
    rule: Digest
    test: Digest
    head: Digest
    approvals: tuple[Digest, ...] = ()

    def __post_init__(self) -> None:
        must_be_sorted(self.approvals, "approvals")

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse an item."""
        item = cls(
            rule_id=fields.text("rule_id"),
            rule=fields.digest("rule"),
            test=fields.digest("test"),
            head=fields.digest("head"),
            approvals=_approvals(fields),
        )
        fields.done()
        return item

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "rule_id": self.rule_id,
            "rule": str(self.rule),
            "test": str(self.test),
            "head": str(self.head),
            "approvals": [str(digest) for digest in self.approvals],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RetiredItem:
    """A rule id that is no longer in force; kept for ever (DESIGN T5).

    Attributes:
        rule_id: Which rule.
        rule: SHA-256 of the Rego that was retired.
        head: SHA-256 of the PAE of its retirement.
        approvals: SHA-256 of the PAE of each approval of it, sorted.
    """

    rule_id: str
    rule: Digest
    head: Digest
    approvals: tuple[Digest, ...] = ()

    def __post_init__(self) -> None:
        must_be_sorted(self.approvals, "approvals")

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse an item."""
        item = cls(
            rule_id=fields.text("rule_id"),
            rule=fields.digest("rule"),
            head=fields.digest("head"),
            approvals=_approvals(fields),
        )
        fields.done()
        return item

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "rule_id": self.rule_id,
            "rule": str(self.rule),
            "head": str(self.head),
            "approvals": [str(digest) for digest in self.approvals],
        }


def _approvals(fields: Fields) -> tuple[Digest, ...]:
    texts = fields.texts("approvals", max_items=MAX_APPROVALS)
    return tuple(map(Digest.parse, texts))


def must_be_sorted(digests: Sequence[Digest], what: str) -> None:
    """Refuse digests out of order, or one twice: one content has one digest.

    Raises:
        PredicateFormatError: It is so.
    """
    texts = [str(digest) for digest in digests]
    must(texts == sorted(set(texts)), f"{what} in order, each once")
