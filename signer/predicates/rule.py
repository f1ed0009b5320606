# SPDX-License-Identifier: Apache-2.0
"""``rule/v1``: an author vouches for one rule, its tests and its lint.

The subjects are the rule and its test file. A run that did not pass cannot be put in
this predicate, nor read from it.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from signer.predicates.base import RULE
from signer.predicates.evidence import LintResult, SuiteResult
from signer.predicates.parts import (
    Parents,
    Source,
    digest_or_null,
    must,
    namespace_of,
    optional_digest,
)

_PACKAGE: Final = re.compile(r"overlay\.[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """The authority that a rule enforces.

    Attributes:
        id: The human handle, such as CM-TICKET-REQUIRED-001.
        description: What it asks for.
        category: Of what kind it is.
        source: A link to it.
    """

    id: str
    description: str
    category: str
    source: str

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse a citation."""
        citation = cls(
            id=fields.text("id"),
            description=fields.text("description"),
            category=fields.text("category"),
            source=fields.text("source"),
        )
        fields.done()
        return citation

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "id": self.id,
            "description": self.description,
            "category": self.category,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePredicate:
    """An author's word for one rule.

    Attributes:
        workspace: SHA-256 of the genesis root.
        rule_id: Which rule.
        package: Its Rego package.
        supersedes: SHA-256 of the PAE that this replaces; none if the id is new.
        identity: Who signs.
        signed_at: When, as the signer says; not a trusted time.
        source: Where the bytes came from.
        citation: The authority that the rule enforces.
        test: The run that passed.
        lint: The lint that passed.
        parents: The layers that it was tested and linted against.
    """

    type: ClassVar[str] = RULE
    workspace: Digest
    rule_id: str
    package: str
    supersedes: Digest | None
    identity: str
    signed_at: datetime
    source: Source
    citation: Citation
    test: SuiteResult
    lint: LintResult
    parents: Parents

    def __post_init__(self) -> None:
        namespace_of(self.rule_id)
        must(bool(_PACKAGE.fullmatch(self.package)), "a package like overlay.acme_rule")

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
            FormatError: Another shape.
            SuiteNotPassedError: Tests that did not pass.
        """
        fields = Fields(predicate, "rule")
        parsed = cls(
            workspace=fields.digest("workspace"),
            rule_id=fields.text("rule_id"),
            package=fields.text("package"),
            supersedes=optional_digest(fields, "supersedes"),
            identity=fields.text("identity"),
            signed_at=fields.instant("signed_at"),
            source=Source.parse(fields.object("source")),
            citation=Citation.parse(fields.object("citation")),
            test=SuiteResult.parse(fields.object("test")),
            lint=LintResult.parse(fields.object("lint")),
            parents=Parents.parse(fields.object("parents")),
        )
        fields.done()
        return parsed

    def to_json(self) -> dict[str, Any]:
        """Return the predicate as a document."""
        return {
            "workspace": str(self.workspace),
            "rule_id": self.rule_id,
            "package": self.package,
            "supersedes": digest_or_null(self.supersedes),
            "identity": self.identity,
            "signed_at": format_instant(self.signed_at),
            "source": self.source.to_json(),
            "citation": self.citation.to_json(),
            "test": self.test.to_json(),
            "lint": self.lint.to_json(),
            "parents": self.parents.to_json(),
        }
