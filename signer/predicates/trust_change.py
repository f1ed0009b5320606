# SPDX-License-Identifier: Apache-2.0
"""``trust-change/v1``: an admin puts a version of the targets metadata into the log.

The subject is the exact bytes of ``<N>.targets.json``. It grants nothing: Runners take
trust from TUF alone. It makes every version visible, and replay refuses one without.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from signer.limits import MAX_CHECKPOINT_CHARS
from signer.predicates.base import TRUST_CHANGE
from signer.predicates.parts import (
    digest_or_null,
    must,
    optional_digest,
    optional_text,
)

WORKSPACE_CREATED: Final = "workspace-created"
IDENTITY_REGISTERED: Final = "identity-registered"
IDENTITY_REVOKED: Final = "identity-revoked"
IDENTITY_ROTATED: Final = "identity-rotated"
IDENTITY_SUSPENDED: Final = "identity-suspended"
IDENTITY_RESUMED: Final = "identity-resumed"
# What is left of an identity that had ended before.
SURVIVORS_CHANGED: Final = "survivors-changed"
LAYERS_CHANGED: Final = "layers-changed"
INSTANCES_CHANGED: Final = "instances-changed"
# Thresholds, floor, freshness, withdrawn waivers: the trust policy's own numbers.
RULES_CHANGED: Final = "rules-of-trust-changed"
# The move from embedded to sovereign: once in the life of a workspace.
MADE_SOVEREIGN: Final = "made-sovereign"
# The same trust for as long again, and the online key that offers releases.
TRUST_RENEWED: Final = "trust-renewed"
RELEASE_KEY_CHANGED: Final = "release-key-changed"
KINDS: Final = (
    WORKSPACE_CREATED,
    IDENTITY_REGISTERED,
    IDENTITY_ROTATED,
    IDENTITY_REVOKED,
    IDENTITY_SUSPENDED,
    IDENTITY_RESUMED,
    SURVIVORS_CHANGED,
    LAYERS_CHANGED,
    INSTANCES_CHANGED,
    RULES_CHANGED,
    MADE_SOVEREIGN,
    TRUST_RENEWED,
    RELEASE_KEY_CHANGED,
)
# Kinds that bring an identity in, with a proof of possession; and all about one.
BRINGING: Final = frozenset({IDENTITY_REGISTERED, IDENTITY_ROTATED})
# Kinds after which the policy says what it said before.
UNCHANGED: Final = frozenset({TRUST_RENEWED, RELEASE_KEY_CHANGED})
ABOUT_ONE: Final = BRINGING | {
    IDENTITY_REVOKED,
    IDENTITY_SUSPENDED,
    IDENTITY_RESUMED,
    SURVIVORS_CHANGED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What changed.

    Attributes:
        kind: One of ``KINDS``.
        identity: The id that it is about, for the kinds about one identity.
        proof: SHA-256 of the PAE of the proof of possession, when one was asked for.
        replaces: The id that a rotation ends; ``identity`` is its successor.
    """

    kind: str
    identity: str | None = None
    proof: Digest | None = None
    replaces: str | None = None

    def __post_init__(self) -> None:
        about = self.kind in ABOUT_ONE
        must(about == (self.identity is not None), "an identity where it is about one")
        brings = self.kind in BRINGING
        must(brings or self.proof is None, "a proof where an identity comes only")
        rotated = self.kind == IDENTITY_ROTATED
        must(rotated == (self.replaces is not None), "what a rotation replaces")

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse a change."""
        change = cls(
            kind=fields.one_of("kind", KINDS),
            identity=optional_text(fields, "identity"),
            proof=optional_digest(fields, "proof"),
            replaces=optional_text(fields, "replaces"),
        )
        fields.done()
        return change

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "kind": self.kind,
            "identity": self.identity,
            "proof": digest_or_null(self.proof),
            "replaces": self.replaces,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustChangePredicate:
    """An admin's word for one version of the targets metadata.

    Attributes:
        workspace: SHA-256 of the genesis root.
        targets_version: Its TUF version.
        policy: SHA-256 of the trust policy in it.
        previous: SHA-256 of the targets metadata before; none for version 1.
        change: What changed.
        at: When, as the signer says; not a trusted time.
        checkpoint: The log's signed note before the change; none when it was empty.
    """

    type: ClassVar[str] = TRUST_CHANGE
    workspace: Digest
    targets_version: int
    policy: Digest
    previous: Digest | None
    change: Change
    at: datetime
    checkpoint: str | None

    def __post_init__(self) -> None:
        first = self.targets_version == 1
        must(first == (self.previous is None), "no previous at version 1, else one")

    @property
    def signer(self) -> None:
        """Nobody in particular: the statement does not say."""

    @property
    def namespaces(self) -> frozenset[str]:
        """None: it decides about no rule."""
        return frozenset()

    @classmethod
    def parse(cls, predicate: dict[str, Any]) -> Self:
        """Parse the predicate.

        Raises:
            FormatError: Another shape.
        """
        fields = Fields(predicate, "trust-change")
        checkpoint = None
        if not fields.is_null("checkpoint"):
            checkpoint = fields.text("checkpoint", max_chars=MAX_CHECKPOINT_CHARS)
        parsed = cls(
            workspace=fields.digest("workspace"),
            targets_version=fields.integer("targets_version", minimum=1),
            policy=fields.digest("policy"),
            previous=optional_digest(fields, "previous"),
            change=Change.parse(fields.object("change")),
            at=fields.instant("at"),
            checkpoint=checkpoint,
        )
        fields.done()
        return parsed

    def to_json(self) -> dict[str, Any]:
        """Return the predicate as a document."""
        return {
            "workspace": str(self.workspace),
            "targets_version": self.targets_version,
            "policy": str(self.policy),
            "previous": digest_or_null(self.previous),
            "change": self.change.to_json(),
            "at": format_instant(self.at),
            "checkpoint": self.checkpoint,
        }
