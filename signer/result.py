# SPDX-License-Identifier: Apache-2.0
"""The evidence of a verification: what was checked, in order, and what it said.

A result is a value: printable, JSON, equal on replay, and falsy unless every check of
its plan passed. A check that was not run never counts as passed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, Self

from keys.clock import format_instant
from keys.errors import TrustacksError
from keys.fields import Fields
from keys.strict import loads_json
from signer.errors import NotVerifiedError
from signer.limits import MAX_RESULT_BYTES

FORMAT: Final = "https://trustacks.com/formats/verification-result/v1"


class Status(StrEnum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not_run"


_MARKS: Final = MappingProxyType(
    {Status.PASSED: ("✓", "32"), Status.FAILED: ("✗", "31"), Status.NOT_RUN: ("·", "2")}
)


@dataclass(frozen=True, slots=True)
class Check:
    """One step and its outcome.

    Attributes:
        id: Stable, for programs.
        title: What is asked, for people.
        status: What became of it.
        code: Of the refusal, when it failed.
        detail: What was found, or what was expected and what came instead.
        children: The checks that this one is made of.
        error: The refusal itself; not part of the value.
    """

    id: str
    title: str
    status: Status
    code: str | None = None
    detail: str | None = None
    children: tuple["Check", ...] = ()
    error: TrustacksError | None = field(default=None, compare=False, repr=False)

    @property
    def passed(self) -> bool:
        """Whether it, and everything that it is made of, passed."""
        if self.status is not Status.PASSED:
            return False
        return not self.children or all(c.passed for c in self.children)

    @property
    def first_failure(self) -> "Check | None":
        """The deepest first check that failed."""
        if self.passed or self.status is Status.NOT_RUN:
            return None
        return next(
            (found for c in self.children if (found := c.first_failure)),
            self if self.status is Status.FAILED else None,
        )

    def require(self) -> None:
        """Return if it passed, with everything that it is made of.

        Raises:
            TrustacksError: The refusal of the first failed check.
        """
        if self.passed:
            return
        failure = self.first_failure
        if failure and failure.error:
            raise failure.error
        raise NotVerifiedError(f"expected {self.title} to pass, got {self.code}")

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Read what ``to_json`` wrote; the error itself does not travel.

        Raises:
            FieldFormatError: Not a check.
        """
        check = cls(
            id=fields.text("id"),
            title=fields.text("title"),
            status=Status(fields.one_of("status", tuple(Status))),
            code=None if fields.is_null("code") else fields.text("code"),
            detail=None if fields.is_null("detail") else fields.text("detail"),
            children=tuple(cls.parse(c) for c in fields.objects("children")),
        )
        fields.done()
        return check

    def to_json(self) -> dict[str, Any]:
        """Return the check as a document."""
        return {
            "id": self.id,
            "title": self.title,
            "status": self.status.value,
            "code": self.code,
            "detail": self.detail,
            "children": [c.to_json() for c in self.children],
        }


@dataclass(frozen=True)
class VerificationResult:
    """What was verified, for which instant, and every check in order.

    Attributes:
        subject: What it is about: a digest, or what the caller called it.
        at: The instant that was decided for; none if time decides nothing.
        checks: In the order of the plan.
        facts: What the evidence established; JSON-serialisable.
    """

    subject: str
    at: datetime | None
    checks: tuple[Check, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def accepted(self) -> bool:
        """Whether there are checks and all of them passed."""
        for one in self.checks:
            if one.status is not Status.PASSED or (one.children and not one.passed):
                return False
        return bool(self.checks)

    def __bool__(self) -> bool:
        return self.accepted

    @property
    def first_failure(self) -> Check | None:
        """The first check that failed, or none."""
        return next((found for c in self.checks if (found := c.first_failure)), None)

    @property
    def code(self) -> str | None:
        """The code of the refusal; none when accepted."""
        if self.accepted:
            return None
        failure = self.first_failure
        return (failure.code if failure else None) or NotVerifiedError.code

    def require(self) -> Self:
        """Return the result if it is accepted.

        Raises:
            TrustacksError: The refusal of the first failed check.
        """
        if self.accepted:
            return self
        failure = self.first_failure
        if failure and failure.error:
            raise failure.error
        raise NotVerifiedError(
            f"expected every check of {self.subject} to pass, got {self.code}",
            refusal=self.code,
        )

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse a verification result.

        Raises:
            FormatError: Not one, or one whose verdict its checks do not bear out.
        """
        value = loads_json(data, max_bytes=MAX_RESULT_BYTES, what="verification result")
        fields = Fields(value, "verification result")
        fields.constant("format", FORMAT)
        result = cls(
            subject=fields.text("subject"),
            at=None if fields.is_null("at") else fields.instant("at"),
            checks=tuple(Check.parse(c) for c in fields.objects("checks")),
            facts=dict(fields.mapping("facts")),
        )
        said = fields.boolean("accepted"), fields.any("code")
        fields.done()
        if said != (result.accepted, result.code):
            raise NotVerifiedError(
                f"expected the verdict that the checks give, got {said[0]}"
            )
        return result

    def to_json(self) -> dict[str, Any]:
        """Return the result as a document (docs/formats/verification-result.md)."""
        return {
            "format": FORMAT,
            "subject": self.subject,
            "at": None if self.at is None else format_instant(self.at),
            "accepted": self.accepted,
            "code": self.code,
            "checks": [c.to_json() for c in self.checks],
            "facts": dict(self.facts),
        }

    def text(self, *, color: bool = False) -> str:
        """Return the result as a tree for people."""
        verdict = "accepted" if self.accepted else f"refused [{self.code}]"
        at = "" if self.at is None else f"  at {format_instant(self.at)}"
        lines = [f"{verdict}  {self.subject}{at}"]
        for check in self.checks:
            lines += _lines(check, "  ", color=color)
        return "\n".join(lines)


def _lines(check: Check, indent: str, *, color: bool) -> list[str]:
    mark, style = _MARKS[check.status]
    shown = f"\x1b[{style}m{mark}\x1b[0m" if color else mark
    code = f" [{check.code}]" if check.code else ""
    # What others wrote must not begin a line that people take for one of ours.
    detail = f": {' '.join(check.detail.split())}" if check.detail else ""
    lines = [f"{indent}{shown} {check.title}{code}{detail}"]
    for child in check.children:
        lines += _lines(child, indent + "  ", color=color)
    return lines
