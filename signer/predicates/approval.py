# SPDX-License-Identifier: Apache-2.0
"""``approval/v1``: a second principal approves one change of one rule, or its end.

For exactly these two texts under exactly these parents (DESIGN T5), with the verdict
that the approver was shown and a reason in words. An approval of a retirement has that
statement as a subject too, beside the Rego that it ends: it is of no other retirement.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from signer.predicates.base import APPROVAL
from signer.predicates.evidence import VERDICTS
from signer.predicates.lint import PROVED
from signer.predicates.parts import (
    Parents,
    digest_or_null,
    must,
    namespace_of,
    optional_digest,
)

RETIRED: Final = "retired"
RETURNED: Final = "returned"
# What can be approved: a change of some kind, the end of a rule, or its return.
APPROVED: Final = (*VERDICTS, RETIRED, RETURNED)


def may_loosen(change: str) -> bool:
    """Return whether such a change may let through what was denied.

    Only a proof says that it may not: ``unknown`` may. A rule that returns adds denies
    to a stack that had none of its own.
    """
    return change not in (*PROVED, RETURNED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalPredicate:
    """An approver's word for one change of one rule.

    Attributes:
        workspace: SHA-256 of the genesis root.
        rule_id: Which rule.
        identity: Who signs.
        signed_at: When, as the signer says; not a trusted time.
        old: SHA-256 of the Rego before; none if the rule had been retired.
        new: SHA-256 of the Rego after; none if the rule is retired.
        change: The verdict that the approver was shown, ``retired`` or ``returned``.
        loosens: Whether that may let through what was denied; follows from ``change``,
            and is said so that nobody overlooks it.
        justification: Why, in words.
        parents: The layers that both were judged with.

    Raises:
        PredicateFormatError: What an approver may not say.
    """

    type: ClassVar[str] = APPROVAL
    workspace: Digest
    rule_id: str
    identity: str
    signed_at: datetime
    old: Digest | None
    new: Digest | None
    change: str
    loosens: bool
    justification: str
    parents: Parents

    def __post_init__(self) -> None:
        namespace_of(self.rule_id)
        must(self.old != self.new, "a change: another rule than before")
        must(self.change in APPROVED, f"a change out of {', '.join(APPROVED)}")
        retired, returned = self.change == RETIRED, self.change == RETURNED
        must((self.new is None) == retired, "a new rule, unless it is retired")
        must((self.old is None) == returned, "an old rule, unless it returns")
        must(self.loosens == may_loosen(self.change), "loosens as the change says")
        must(bool(self.justification.strip()), "a justification")

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
            FormatError: Another shape, or what an approver may not say.
        """
        fields = Fields(predicate, "approval")
        parsed = cls(
            workspace=fields.digest("workspace"),
            rule_id=fields.text("rule_id"),
            identity=fields.text("identity"),
            signed_at=fields.instant("signed_at"),
            old=optional_digest(fields, "old"),
            new=optional_digest(fields, "new"),
            change=fields.text("change"),
            loosens=fields.boolean("loosens"),
            justification=fields.text("justification"),
            parents=Parents.parse(fields.object("parents")),
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
            "old": digest_or_null(self.old),
            "new": digest_or_null(self.new),
            "change": self.change,
            "loosens": self.loosens,
            "justification": self.justification,
            "parents": self.parents.to_json(),
        }
