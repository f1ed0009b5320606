# SPDX-License-Identifier: Apache-2.0
"""The records of an audit: releases, rules, Runner reports, and what happened when.

Values that were computed again from evidence. Nothing is taken from what the Control
Plane wrote about itself.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bundle.audit.people import Registration
from keys.clock import format_instant
from keys.digest import Digest
from signer.result import VerificationResult


class Outcome(StrEnum):
    """How a recorded outcome compares with the one computed again."""

    SAME = "same"
    DIFFERENT = "different"
    NOT_RUN = "not_run"


def counted(number: int, what: str) -> str:
    """Return, say, ``1 rule`` or ``2 rules``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """Something that happened.

    Attributes:
        entry: Its place in the log.
        at: When the timestamp authority saw it.
        kind: Such as ``trust-change`` or ``release``.
        text: In plain words.
        anchored: Whether the log's word for its place is not the only one.
    """

    entry: int
    at: datetime
    kind: str
    text: str
    anchored: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "entry": self.entry,
            "at": format_instant(self.at),
            "kind": self.kind,
            "text": self.text,
            "anchored": self.anchored,
        }


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """One rule of a release, and who made it so.

    Attributes:
        rule_id: Which rule.
        citation: The authority that it enforces.
        head: SHA-256 of the PAE of its attestation.
        entry: The leaf of that attestation.
        signed_at: When the timestamp authority saw its signature.
        author: How its author came to be trusted; none if that did not hold.
        tested: What was tested, by what.
        linted: What linted it.
        change: ``added``, ``changed`` or ``kept`` in this release.
        approvals: Who stands behind its Rego beside its author; none if it never
            changed, or changed with nobody else.
        cosigners: Who else signed the author's very statement.
    """

    rule_id: str
    citation: str
    head: Digest
    entry: int
    signed_at: datetime
    author: Registration | None
    tested: str
    linted: str
    change: str
    approvals: tuple[str, ...]
    cosigners: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "rule_id": self.rule_id,
            "citation": self.citation,
            "attestation": str(self.head),
            "entry": self.entry,
            "signed_at": format_instant(self.signed_at),
            "author": self.author and self.author.to_json(),
            "tested": self.tested,
            "linted": self.linted,
            "change": self.change,
            "approvals": list(self.approvals),
            "cosigners": list(self.cosigners),
        }


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """One published release, judged again at its own time.

    Attributes:
        revision: Which one.
        outcome: Published means accepted: is it so?
        code: Of the refusal, if it is not.
        at: Its own time.
        expires: Until when its signer vouches.
        digest: SHA-256 of the PAE of its attestation.
        content: SHA-256 of the tar in its bundle.
        entry: The leaf of its attestation.
        signer: How its signer came to be trusted.
        cosigners: The same of each further signer of the very statement.
        rules: Every rule in it.
        result: Every check of the gate.
        activated_by: The Runners that reported it active.
    """

    revision: int
    outcome: Outcome
    code: str | None
    at: datetime | None = None
    expires: datetime | None = None
    digest: Digest | None = None
    content: Digest | None = None
    entry: int | None = None
    signer: Registration | None = None
    cosigners: tuple[Registration, ...] = ()
    rules: tuple[RuleRecord, ...] = ()
    result: VerificationResult | None = field(default=None, repr=False)
    activated_by: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "revision": self.revision,
            "outcome": self.outcome.value,
            "code": self.code,
            "at": self.at and format_instant(self.at),
            "expires": self.expires and format_instant(self.expires),
            "attestation": self.digest and str(self.digest),
            "content": self.content and str(self.content),
            "entry": self.entry,
            "signer": self.signer and self.signer.to_json(),
            "cosigners": [one.to_json() for one in self.cosigners],
            "rules": [rule.to_json() for rule in self.rules],
            "activated_by": list(self.activated_by),
            # A refused result is falsy, and is the one that must not be lost.
            "result": None if self.result is None else self.result.to_json(),
        }


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """One Runner report, compared with what the evidence gives.

    Attributes:
        runner: Who reports.
        sequence: Its number.
        entry: Its leaf.
        at: The Runner's own time.
        said: ``activated``, ``unchanged`` or ``held``, with the code.
        revision: What the Runner says is active.
        outcome: How that compares.
        detail: Why, if it is not the same; or what cannot be known.
    """

    runner: str
    sequence: int
    entry: int
    at: datetime
    said: str
    revision: int | None
    outcome: Outcome
    detail: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "runner": self.runner,
            "sequence": self.sequence,
            "entry": self.entry,
            "at": format_instant(self.at),
            "said": self.said,
            "revision": self.revision,
            "outcome": self.outcome.value,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class InForce:
    """What a Runner that had everything would have decided by, at one instant.

    Attributes:
        at: The instant.
        revision: The highest release until then; none before the first.
        code: Why it could not be used any more, if so: then the answer was deny.
    """

    at: datetime
    revision: int | None
    code: str | None

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "at": format_instant(self.at),
            "revision": self.revision,
            "code": self.code,
        }

    def text(self) -> str:
        """Return it as one line."""
        if self.revision is None:
            return f"at {format_instant(self.at)}: no release, so everything was denied"
        if self.code:
            return (
                f"at {format_instant(self.at)}: revision {self.revision} could not be "
                f"used [{self.code}], so everything was denied"
            )
        return f"at {format_instant(self.at)}: revision {self.revision} was in force"


@dataclass(frozen=True, slots=True)
class LogSummary:
    """The log of the pack.

    Attributes:
        origin: Its name.
        size: How many leaves.
        tree_hash: Their root.
        anchored: Leaves before this index are anchored.
        anchored_by: By what.
        witnessed: Whether an anchor came from outside the pack.
    """

    origin: str
    size: int
    tree_hash: Digest
    anchored: int
    anchored_by: str
    witnessed: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "origin": self.origin,
            "size": self.size,
            "tree_hash": str(self.tree_hash),
            "anchored": self.anchored,
            "anchored_by": self.anchored_by,
            "witnessed": self.witnessed,
        }
