# SPDX-License-Identifier: Apache-2.0
"""``runner-report/v1``: what a Runner did at one step, chained to its report before.

The subject is the archive that is active, or the genesis root when there is none.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from signer.form import Form
from signer.limits import MAX_CHECKPOINT_CHARS, MAX_REPORTED_CHECKS
from signer.predicates.base import RUNNER_REPORT
from signer.predicates.parts import (
    digest_or_null,
    must,
    optional_digest,
    optional_text,
    version_text,
)
from signer.result import Status

ACTIVATED: Final = "activated"
UNCHANGED: Final = "unchanged"
HELD: Final = "held"

# A stable code (``keys.errors``). Readers show it and index it: never another text.
_CODE: Final = re.compile(r"(?=.{1,128}$)[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedCheck:
    """One check of the gate.

    Attributes:
        id: Which check.
        status: What became of it.
        code: Of the refusal, if it failed.
    """

    id: str
    status: Status
    code: str | None = None

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse a check."""
        check = cls(
            id=fields.text("id"),
            status=Status(fields.one_of("status", tuple(Status))),
            code=optional_text(fields, "code"),
        )
        fields.done()
        return check

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {"id": self.id, "status": self.status.value, "code": self.code}


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRef:
    """The policy engine that a Runner decides with.

    Attributes:
        name: Which engine.
        version: Of which version.
    """

    name: str
    version: str

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse the reference."""
        engine = cls(name=fields.text("name"), version=version_text(fields, "version"))
        fields.done()
        return engine

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {"name": self.name, "version": self.version}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerReportPredicate:
    """A Runner's word for one of its steps.

    Attributes:
        workspace: SHA-256 of the genesis root.
        runner: The id of the Runner's own identity, which signs.
        sequence: From 1, without a gap.
        previous: SHA-256 of the PAE of the report before; none for the first.
        at: When, by the Runner's clock.
        outcome: ``activated``, ``unchanged`` or ``held``.
        code: Of the refusal, when held.
        revision: The one that is active, if any.
        release: SHA-256 of the PAE of its release attestation.
        content: Its content digest.
        form: Of the root that the Runner is pinned to.
        engine: What decides.
        checks: Of the gate.
        checkpoint: The newest of the log's that the Runner saw, if any.
    """

    type: ClassVar[str] = RUNNER_REPORT
    workspace: Digest
    runner: str
    sequence: int
    previous: Digest | None
    at: datetime
    outcome: str
    code: str | None
    revision: int | None
    release: Digest | None
    content: Digest | None
    form: Form
    engine: EngineRef
    checks: tuple[ReportedCheck, ...]
    checkpoint: str | None

    def __post_init__(self) -> None:
        first = self.sequence == 1
        must(first == (self.previous is None), "no previous in report 1, else one")
        must((self.outcome == HELD) == (self.code is not None), "a code when held")
        must(self.code is None or bool(_CODE.fullmatch(self.code)), "a stable code")
        active = {v is None for v in (self.revision, self.release, self.content)}
        must(len(active) == 1, "revision, release and content together or not at all")

    @property
    def signer(self) -> str:
        """The id that signs."""
        return self.runner

    @property
    def namespaces(self) -> frozenset[str]:
        """None: it decides about no rule."""
        return frozenset()

    @classmethod
    def parse(cls, predicate: dict[str, Any]) -> Self:
        """Parse the predicate.

        Raises:
            FormatError: Another shape, or fields that contradict each other.
        """
        fields = Fields(predicate, "runner-report")
        checks = fields.objects("checks", max_items=MAX_REPORTED_CHECKS)
        parsed = cls(
            workspace=fields.digest("workspace"),
            runner=fields.text("runner"),
            sequence=fields.integer("sequence", minimum=1),
            previous=optional_digest(fields, "previous"),
            at=fields.instant("at"),
            outcome=fields.one_of("outcome", (ACTIVATED, UNCHANGED, HELD)),
            code=optional_text(fields, "code"),
            revision=_revision(fields),
            release=optional_digest(fields, "release"),
            content=optional_digest(fields, "content"),
            form=Form(fields.one_of("form", tuple(Form))),
            engine=EngineRef.parse(fields.object("engine")),
            checks=tuple(map(ReportedCheck.parse, checks)),
            checkpoint=_checkpoint(fields),
        )
        fields.done()
        return parsed

    def to_json(self) -> dict[str, Any]:
        """Return the predicate as a document."""
        return {
            "workspace": str(self.workspace),
            "runner": self.runner,
            "sequence": self.sequence,
            "previous": digest_or_null(self.previous),
            "at": format_instant(self.at),
            "outcome": self.outcome,
            "code": self.code,
            "revision": self.revision,
            "release": digest_or_null(self.release),
            "content": digest_or_null(self.content),
            "form": self.form.value,
            "engine": self.engine.to_json(),
            "checks": [check.to_json() for check in self.checks],
            "checkpoint": self.checkpoint,
        }


def _revision(fields: Fields) -> int | None:
    name = "revision"
    return None if fields.is_null(name) else fields.integer(name, minimum=1)


def _checkpoint(fields: Fields) -> str | None:
    if fields.is_null("checkpoint"):
        return None
    return fields.text("checkpoint", max_chars=MAX_CHECKPOINT_CHARS)
