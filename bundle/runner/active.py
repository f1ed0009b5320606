# SPDX-License-Identifier: Apache-2.0
"""The release that decides: loaded, and judged anew by trust and time.

An active release never becomes weaker, it can only stop: past its expiry, past that of
the targets, or when somebody who signed it is trusted no longer, everything is denied
(DESIGN 9, T6, Rollback). The two exceptions are the admins' own, and signed: *decide
and mark* until ``stale_until``, and ``revocation_grace_seconds``.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bundle.decide import Stack
from bundle.decision import DecidedBundle
from bundle.gate import AcceptedTrust, VerifiedRelease, check_standing
from bundle.gate.errors import ReleaseExpiredError
from bundle.gate.waivers import standing_waivers
from bundle.rego.engine import Engine
from bundle.runner.errors import ProbeFailedError
from bundle.tuf.errors import TufExpiredError
from bundle.waivers import Waiver
from keys.clock import format_instant
from keys.errors import TrustacksError


@dataclass(frozen=True, slots=True)
class Standing:
    """What may be said of the active release now.

    Attributes:
        refusal: Why it may not decide, or ``None``.
        stale: It is past its expiry, and the admins signed that it decides.
    """

    refusal: TrustacksError | None = None
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Active:
    """An activated release.

    Attributes:
        release: What the gate accepted.
        stack: Its Rego, loaded.
        trust: The newest trust that was accepted; may be newer than the release's.
        void: Why it fails under that trust, or ``None``.
        void_since: Since when.
        judged_at: When that was found.
        waivers: Those of the release that count under that trust.
    """

    release: VerifiedRelease
    stack: Stack
    trust: AcceptedTrust
    judged_at: datetime
    void: TrustacksError | None = None
    void_since: datetime | None = None
    waivers: tuple[Waiver, ...] = ()

    @property
    def bundle(self) -> DecidedBundle:
        """The release as decision records name it."""
        release = self.release
        parents = release.predicate.parents
        return DecidedBundle(
            revision=release.revision,
            release=release.digest,
            archive=release.archive,
            content=release.content,
            parents={
                "constitution": str(parents.constitution),
                "packs": {name: str(d) for name, d in parents.packs.items()},
            },
        )

    def judged(self, trust: AcceptedTrust, at: datetime) -> "Active":
        """Return the release as it stands under ``trust`` at ``at``."""
        release = self.release
        waivers = standing_waivers(
            release.waivers,
            release.attestations,
            release.cosigned,
            trust=trust.trust,
            at=at,
        )
        judged = replace(self, trust=trust, judged_at=at, waivers=waivers)
        try:
            check_standing(release, trust, at=at).require()
        except TrustacksError as error:
            return replace(judged, void=error, void_since=self.void_since or at)
        return replace(judged, void=None, void_since=None)

    def outlived(self, at: datetime) -> bool:
        """Return whether somebody's window ended since the last judgement.

        Of an identity, or of a log or timestamp authority that saw what it signed.
        """
        trust = self.trust.trust
        root = trust.trusted_root
        ends = [one.not_after for one in trust.policy.identities]
        ends += [part.window.end for part in root.logs if part.window.end]
        ends += [part.window.end for part in root.authorities if part.window.end]
        return any(self.judged_at <= end < at for end in ends)

    def standing(self, at: datetime) -> Standing:
        """Return what may be said of the release at ``at``."""
        return self._by_trust(at) or self._by_time(at)

    def _by_trust(self, at: datetime) -> Standing | None:
        if self.void is None or self.void_since is None:
            return None
        freshness = self.trust.trust.policy.freshness
        grace = timedelta(seconds=freshness.revocation_grace_seconds)
        return Standing(self.void) if at >= self.void_since + grace else None

    def _by_time(self, at: datetime) -> Standing:
        expired = self._expired(at)
        until = self.trust.trust.policy.freshness.stale_until
        if expired and until and at < until:
            return Standing(stale=True)
        return Standing(expired)

    def _expired(self, at: datetime) -> TrustacksError | None:
        release, targets = self.release.expires, self.trust.view.targets_expires
        if at >= release:
            return ReleaseExpiredError(
                f"expected a release good at {format_instant(at)}, "
                f"got one that expired at {format_instant(release)}"
            )
        if at >= targets:
            return TufExpiredError(
                f"expected targets good at {format_instant(at)}, "
                f"got some that expired at {format_instant(targets)}"
            )
        return None


def load_active(release: VerifiedRelease, *, engine: Engine, at: datetime) -> Active:
    """Load a release and have it answer the canary.

    Raises:
        ProbeFailedError: It does not load, or a rule does not answer.
    """
    try:
        stack = Stack(
            engine,
            constitution=release.constitution,
            packs=release.packs,
            rules=release.rules,
        )
        stack.require_answers(at=at)
    except TrustacksError as error:
        raise ProbeFailedError(
            f"release {release.revision} does not answer: {error.message}"
        ) from error
    return Active(
        release, stack, release.accepted, judged_at=at, waivers=release.waivers
    )
