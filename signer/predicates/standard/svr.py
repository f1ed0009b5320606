# SPDX-License-Identifier: Apache-2.0
"""in-toto's ``svr/v0.1``: which properties of one rule the linter verified.

A Simple Verification Result, with the record of the run in an extension field.

Source: in-toto svr v0.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from keys.clock import format_instant
from keys.fields import Fields
from signer.predicates.base import PREFIX, SVR
from signer.predicates.evidence import LintResult
from signer.predicates.parts import must
from signer.predicates.standard.said import (
    Resource,
    Said,
    Told,
    read_resources,
    write_resources,
)

LINT_RECORD: Final = f"{PREFIX}lint-record/v1"
POLICIES: Final = f"{PREFIX}policies/v1"
LINTER: Final = "https://trustacks.com/linter/"

RATCHET_PROVEN: Final = "TRUSTACKS_RATCHET_PROVEN"
CITATION_COMPLETE: Final = "TRUSTACKS_CITATION_COMPLETE"
TESTS_POS_NEG: Final = "TRUSTACKS_TESTS_POS_NEG"
SHAPE_OK: Final = "TRUSTACKS_SHAPE_OK"
PORTABLE: Final = "TRUSTACKS_PORTABLE"
CHANGE_EQUAL: Final = "TRUSTACKS_CHANGE_EQUAL"
CHANGE_STRICTER: Final = "TRUSTACKS_CHANGE_STRICTER"
PROPERTIES: Final = (
    RATCHET_PROVEN,
    CITATION_COMPLETE,
    TESTS_POS_NEG,
    SHAPE_OK,
    PORTABLE,
    CHANGE_EQUAL,
    CHANGE_STRICTER,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SvrPredicate(Told):
    """What was verified of a rule.

    Attributes:
        created_at: When.
        properties: Some of ``PROPERTIES``, in order.
        policies: What it was verified against: constitution and packs.
        lint: The record of the run: the extension field that other tools skip.
    """

    type: ClassVar[str] = SVR
    created_at: datetime
    properties: tuple[str, ...]
    policies: tuple[Resource, ...]
    lint: LintResult

    def __post_init__(self) -> None:
        known = [name for name in PROPERTIES if name in self.properties]
        must(list(self.properties) == known, "known properties, in order")

    @classmethod
    def parse(cls, predicate: dict[str, Any]) -> Self:
        """Parse the predicate as it is written here.

        Raises:
            FormatError: Another shape.
        """
        fields = Fields(predicate, "svr")
        verifier = fields.object("verifier")
        lint = LintResult.parse(fields.object(LINT_RECORD))
        verifier.constant("id", _verifier(lint))
        parsed = cls(
            said=Said.read(fields),
            created_at=fields.instant("timeCreated"),
            properties=fields.texts("properties"),
            policies=read_resources(verifier, POLICIES),
            lint=lint,
        )
        verifier.done()
        fields.done()
        return parsed

    def to_json(self) -> dict[str, Any]:
        """Return the predicate as a document."""
        policies = write_resources(self.policies)
        return {
            "verifier": {"id": _verifier(self.lint), POLICIES: policies},
            "timeCreated": format_instant(self.created_at),
            "properties": list(self.properties),
            LINT_RECORD: self.lint.to_json(),
            **self.said.to_json(),
        }


def _verifier(lint: LintResult) -> str:
    return f"{LINTER}{lint.linter_version}"
