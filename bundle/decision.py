# SPDX-License-Identifier: Apache-2.0
"""A decision and the record of it (docs/formats/decision-record.md).

A record binds what a verdict depends on, by digest, so that an auditor who has the
input's bytes gets the same verdict from the same release, and one who has not says
``not_run`` (DESIGN 9, Input). Records of one Runner are a chain: ``sequence`` and the
digest of the record before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from bundle.limits import MAX_RECORD_BYTES
from keys.clock import format_instant
from keys.digest import Digest
from keys.errors import FieldFormatError
from keys.fields import Fields
from keys.strict import dumps_json, loads_json

FORMAT: Final = "https://trustacks.com/formats/decision-record/v1"
CALLER: Final = "caller"
RUNNER: Final = "runner"
# Where a deny comes from: a layer, or the Runner, which denies when it cannot decide.
LAYERS: Final = ("constitution", "pack", "overlay", "runner")


@dataclass(frozen=True, slots=True)
class Deny:
    """One reason why a proposal is denied.

    Attributes:
        layer: Who says so, one of ``LAYERS``.
        rule_id: The rule; never taken from the rule's own output in the overlay.
        message: For the person who proposed.
        citation: ``{id, description, category, source}``, if the rule has one.
        code: ``None`` for a rule that said deny, else why the Runner had to.
    """

    layer: str
    rule_id: str
    message: str
    citation: Mapping[str, str] | None = None
    code: str | None = None

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Read a deny as ``to_json`` writes it."""
        citation = fields.any("citation")
        deny = cls(
            layer=fields.one_of("layer", LAYERS),
            rule_id=fields.text("rule_id"),
            message=fields.text("message", empty=True),
            citation=None if citation is None else _texts(fields.object("citation")),
            code=None if fields.is_null("code") else fields.text("code"),
        )
        fields.done()
        return deny

    def to_json(self) -> dict[str, Any]:
        """Return the value as the record holds it."""
        return {
            "layer": self.layer,
            "rule_id": self.rule_id,
            "message": self.message,
            "citation": None if self.citation is None else dict(self.citation),
            "code": self.code,
        }


@dataclass(frozen=True, slots=True)
class DecidedBundle:
    """Which release a decision was made by.

    Attributes:
        revision: Its revision.
        release: SHA-256 of the release attestation's PAE.
        archive: SHA-256 of ``bundle.tar.gz``.
        content: SHA-256 of the tar inside.
        parents: Digests of the constitution and, by name, the packs.
    """

    revision: int
    release: Digest
    archive: Digest
    content: Digest
    parents: Mapping[str, Any]

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Read the bundle as ``to_json`` writes it."""
        parents = fields.object("parents")
        bundle = cls(
            revision=fields.integer("revision", minimum=1),
            release=fields.digest("release"),
            archive=fields.digest("archive"),
            content=fields.digest("content"),
            parents={
                "constitution": str(parents.digest("constitution")),
                "packs": _texts(parents.object("packs")),
            },
        )
        parents.done()
        fields.done()
        return bundle

    def to_json(self) -> dict[str, Any]:
        """Return the value as the record holds it."""
        return {
            "revision": self.revision,
            "release": str(self.release),
            "archive": str(self.archive),
            "content": str(self.content),
            "parents": dict(self.parents),
        }


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """What was decided, by what, on what, when, and for how long.

    Attributes:
        workspace: SHA-256 of the genesis root.
        runner: The Runner's id.
        sequence: From 1, without a gap; 0 is a deny whose place could not be kept.
        previous: SHA-256 of the record before, ``None`` for the first.
        at: The Runner's clock; also the input's ``evaluated_at``.
        expires: The verdict is good for nothing after it.
        head_commit: The commit that was judged, if the caller named one.
        input_digest: SHA-256 of the input, canonical JSON, ``evaluated_at`` included.
        sources: Who filled each field of the input's context: caller or runner.
        bundle: The release, ``None`` when there was none (then it is a deny).
        waivers: Digests of the waivers that were applied.
        engine: ``{name, version}``.
        stale: Decided past the release's expiry, under an admin-signed end.
        denies: Empty is allow.
    """

    workspace: Digest
    runner: str
    sequence: int
    previous: Digest | None
    at: datetime
    expires: datetime
    head_commit: str | None
    input_digest: Digest
    sources: Mapping[str, str]
    bundle: DecidedBundle | None
    waivers: tuple[Digest, ...]
    engine: Mapping[str, str]
    stale: bool
    denies: tuple[Deny, ...]

    @property
    def allowed(self) -> bool:
        """Whether nothing denied."""
        return not self.denies

    @property
    def digest(self) -> Digest:
        """SHA-256 of the record's bytes; the next record names it."""
        return Digest.of(self.to_bytes())

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON."""
        return {
            "format": FORMAT,
            "workspace": str(self.workspace),
            "runner": self.runner,
            "sequence": self.sequence,
            "previous": self.previous and str(self.previous),
            "at": format_instant(self.at),
            "expires": format_instant(self.expires),
            "head_commit": self.head_commit,
            "input": str(self.input_digest),
            "sources": dict(self.sources),
            "bundle": self.bundle and self.bundle.to_json(),
            "waivers": [str(w) for w in self.waivers],
            "engine": dict(self.engine),
            "stale": self.stale,
            "verdict": "allow" if self.allowed else "deny",
            "denies": [d.to_json() for d in self.denies],
        }

    def to_bytes(self) -> bytes:
        """Return the canonical bytes."""
        return dumps_json(self.to_json())

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a record strictly.

        Raises:
            FormatError: Not exactly the format, or a verdict that its denies belie.
        """
        value = loads_json(data, max_bytes=MAX_RECORD_BYTES, what="decision record")
        fields = Fields(value, "decision record")
        fields.constant("format", FORMAT)
        record = cls(
            workspace=fields.digest("workspace"),
            runner=fields.text("runner"),
            sequence=fields.integer("sequence"),
            previous=_digest(fields, "previous"),
            at=fields.instant("at"),
            expires=fields.instant("expires"),
            head_commit=_text(fields, "head_commit"),
            input_digest=fields.digest("input"),
            sources=_texts(fields.object("sources")),
            bundle=_bundle(fields),
            waivers=tuple(Digest.parse(t) for t in fields.texts("waivers")),
            engine=_texts(fields.object("engine")),
            stale=fields.boolean("stale"),
            denies=tuple(Deny.parse(f) for f in fields.objects("denies")),
        )
        _agree(fields.one_of("verdict", ("allow", "deny")), record)
        fields.done()
        return record


@dataclass(frozen=True, slots=True)
class Decision:
    """What ``Runner.decide`` answers.

    Attributes:
        denies: Every reason against; empty is allow.
        record: The record, to be kept by whoever acts on the decision.
        document: The input as judged, canonical bytes: replay needs them.
    """

    denies: tuple[Deny, ...]
    record: DecisionRecord
    document: bytes

    @property
    def allowed(self) -> bool:
        """Whether nothing denied."""
        return not self.denies

    def __bool__(self) -> bool:
        return self.allowed


def _agree(verdict: str, record: DecisionRecord) -> None:
    said = "allow" if record.allowed else "deny"
    if verdict != said:
        raise FieldFormatError(
            f"decision record: expected verdict {said}, got {verdict}"
        )
    if record.allowed and (record.bundle is None or record.sequence == 0):
        raise FieldFormatError(
            "decision record: expected a bundle and a place for an allow, got none"
        )


def _texts(fields: Fields) -> dict[str, str]:
    texts = {name: fields.text(name) for name in fields.names()}
    fields.done()
    return texts


def _text(fields: Fields, name: str) -> str | None:
    return None if fields.is_null(name) else fields.text(name)


def _digest(fields: Fields, name: str) -> Digest | None:
    return None if fields.is_null(name) else fields.digest(name)


def _bundle(fields: Fields) -> DecidedBundle | None:
    if fields.is_null("bundle"):
        return None
    return DecidedBundle.parse(fields.object("bundle"))
