# SPDX-License-Identifier: Apache-2.0
"""``retirement/v1``: somebody takes a rule out of force, and says why.

The subject is the Rego that is retired. What it supersedes is the statement in force,
by its digest: a retirement ends that very version and no other (DESIGN T5).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from signer.predicates.base import RETIREMENT
from signer.predicates.parts import must, namespace_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RetirementPredicate:
    """The word that ends a rule.

    Attributes:
        workspace: SHA-256 of the genesis root.
        rule_id: Which rule.
        identity: Who signs.
        signed_at: When, as the signer says; not a trusted time.
        supersedes: SHA-256 of the PAE of the statement that it takes the place of.
        rule: SHA-256 of the Rego that is retired; the subject.
        reason: Why, in words.

    Raises:
        PredicateFormatError: No rule id, or no reason.
    """

    type: ClassVar[str] = RETIREMENT
    workspace: Digest
    rule_id: str
    identity: str
    signed_at: datetime
    supersedes: Digest
    rule: Digest
    reason: str

    def __post_init__(self) -> None:
        namespace_of(self.rule_id)
        must(bool(self.reason.strip()), "a reason")

    @property
    def signer(self) -> str:
        """The id that signs."""
        return self.identity

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespace of the rule."""
        return frozenset({namespace_of(self.rule_id)})

    @classmethod
    def parse(cls, predicate: dict[str, Any]) -> Self:
        """Parse the predicate.

        Raises:
            FormatError: Another shape, or no reason.
        """
        fields = Fields(predicate, "retirement")
        parsed = cls(
            workspace=fields.digest("workspace"),
            rule_id=fields.text("rule_id"),
            identity=fields.text("identity"),
            signed_at=fields.instant("signed_at"),
            supersedes=fields.digest("supersedes"),
            rule=fields.digest("rule"),
            reason=fields.text("reason"),
        )
        fields.done()
        return parsed

    def to_json(self) -> dict[str, Any]:
        """Return the predicate as a document."""
        return {
            "workspace": str(self.workspace),
            "rule_id": self.rule_id,
            "identity": self.identity,
            "signed_at": format_instant(self.signed_at),
            "supersedes": str(self.supersedes),
            "rule": str(self.rule),
            "reason": self.reason,
        }
