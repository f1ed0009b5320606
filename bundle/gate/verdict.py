# SPDX-License-Identifier: Apache-2.0
"""What the gate returns: a result for people, and a release that was earned."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bundle.gate.chain import Link
from bundle.layers import Layer
from bundle.marks import Known, Marks
from bundle.rule import RuleModule
from bundle.tuf.view import TufView
from bundle.waivers import Waiver
from keys.digest import Digest
from signer.errors import NotVerifiedError
from signer.predicates.release import ReleasePredicate
from signer.result import VerificationResult
from signer.trust import Trust


@dataclass(frozen=True, slots=True)
class AcceptedTrust:
    """Metadata and trust policy that hold, whatever becomes of the release.

    A Runner keeps them even when the release is refused: a revocation counts from the
    moment that it was seen.

    Attributes:
        view: The verified metadata.
        trust: Trust policy and trusted root, as attestations are verified with.
        marks: What these alone forbid to go back from.
    """

    view: TufView
    trust: Trust
    marks: Marks


@dataclass(frozen=True, slots=True)
class VerifiedRelease:
    """A release that passed every check of the gate.

    Attributes:
        revision: Its revision.
        digest: SHA-256 of the PAE of the release attestation.
        archive: SHA-256 of ``bundle.tar.gz``.
        content: SHA-256 of the tar inside.
        rules: The overlay's rules, confined.
        constitution: The pinned constitution.
        packs: The pinned packs, by name.
        accepted: The trust that it was verified with.
        predicate: What the release identity said.
        attestation: The release attestation.
        attestations: The rules' attestations and approvals, by SHA-256 of their PAE.
        cosigned: Further signatures of the statements of release and rules, by the
            same digest.
        marks: The marks that activation sets.
        waivers: Those that it lists.
    """

    revision: int
    digest: Digest
    archive: Digest
    content: Digest
    rules: tuple[RuleModule, ...]
    constitution: Layer
    packs: tuple[Layer, ...]
    accepted: AcceptedTrust
    predicate: ReleasePredicate
    attestation: bytes
    attestations: Mapping[Digest, bytes]
    cosigned: Mapping[Digest, tuple[bytes, ...]]
    marks: Marks
    waivers: tuple[Waiver, ...] = ()

    @property
    def known(self) -> Known:
        """Where it stands in the chain of releases."""
        return Known(self.revision, self.digest)

    @property
    def trust(self) -> Trust:
        """Trust policy and trusted root."""
        return self.accepted.trust

    @property
    def view(self) -> TufView:
        """The metadata."""
        return self.accepted.view

    @property
    def link(self) -> Link:
        """The release as a link of the chain."""
        return Link(self.digest, self.predicate, self.attestation)

    @property
    def expires(self) -> datetime:
        """The release identity vouches until then."""
        return self.predicate.expires


@dataclass(frozen=True, slots=True)
class GateResult:
    """The gate's answer.

    Attributes:
        result: Every check; falsy when refused.
        release: The release, only if every check passed.
        trust: The trust that holds, even if the release was refused.
    """

    result: VerificationResult
    release: VerifiedRelease | None
    trust: AcceptedTrust | None

    @property
    def accepted(self) -> bool:
        """Whether the release may be activated."""
        return self.release is not None

    def __bool__(self) -> bool:
        return self.accepted

    def require(self) -> VerifiedRelease:
        """Return the release.

        Raises:
            TrustacksError: The first refusal.
        """
        self.result.require()
        if self.release is None:
            raise NotVerifiedError("expected a release, got none")
        return self.release
