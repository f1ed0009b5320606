# SPDX-License-Identifier: Apache-2.0
"""``lint/v1``: a lint identity proved that a change of a rule lets nothing through.

For exactly these two texts under exactly these parents (DESIGN T5). It can say *equal*
or *stricter* and nothing else: whatever else a linter finds needs a person's approval.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from signer.predicates.base import LINT
from signer.predicates.evidence import EQUAL, STRICTER
from signer.predicates.parts import (
    Parents,
    must,
    namespace_of,
    optional_version,
    version_text,
)

# What a machine may vouch for.
PROVED: Final = (EQUAL, STRICTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class LintPredicate:
    """A lint identity's word for one change of one rule.

    Attributes:
        workspace: SHA-256 of the genesis root.
        rule_id: Which rule.
        identity: Who signs.
        signed_at: When, as the signer says; not a trusted time.
        old: SHA-256 of the Rego before.
        new: SHA-256 of the Rego after; the subject.
        verdict: ``equal`` or ``stricter``.
        engine: Which engine parsed, and replayed witnesses.
        engine_version: Of which version.
        linter_version: Of the linter.
        solver_version: Of the solver; none if none was needed.
        parents: The layers that both were judged with.

    Raises:
        PredicateFormatError: What a lint identity may not say.
    """

    type: ClassVar[str] = LINT
    workspace: Digest
    rule_id: str
    identity: str
    signed_at: datetime
    old: Digest
    new: Digest
    verdict: str
    engine: str
    engine_version: str
    linter_version: str
    solver_version: str | None
    parents: Parents

    def __post_init__(self) -> None:
        namespace_of(self.rule_id)
        must(self.old != self.new, "a change: another rule than before")
        must(self.verdict in PROVED, "the verdict equal or stricter")

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
            FormatError: Another shape, or what a lint identity may not say.
        """
        fields = Fields(predicate, "lint")
        parsed = cls(
            workspace=fields.digest("workspace"),
            rule_id=fields.text("rule_id"),
            identity=fields.text("identity"),
            signed_at=fields.instant("signed_at"),
            old=fields.digest("old"),
            new=fields.digest("new"),
            verdict=fields.text("verdict"),
            engine=fields.text("engine"),
            engine_version=version_text(fields, "engine_version"),
            linter_version=version_text(fields, "linter_version"),
            solver_version=optional_version(fields, "solver_version"),
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
            "old": str(self.old),
            "new": str(self.new),
            "verdict": self.verdict,
            "engine": self.engine,
            "engine_version": self.engine_version,
            "linter_version": self.linter_version,
            "solver_version": self.solver_version,
            "parents": self.parents.to_json(),
        }
