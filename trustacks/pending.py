# SPDX-License-Identifier: Apache-2.0
"""A further release identity signs what another one released (DESIGN 9, Principals).

Thresholds count principals over one identical statement, so nothing is built here: the
statement is the first releaser's, byte by byte. Before it is shown and signed, the
release is judged by the gate's own steps against this client's own pin: content and
inventory, every rule's author and approval, and that it follows the newest release
(DESIGN T9). Whoever adds the last signature publishes.

If another release has become the newest meanwhile, nobody can sign any more: the first
releaser releases again, and everybody signs that.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from bundle.gate.standing import verify_release
from bundle.gate.thresholds import expected_release, release_threshold
from bundle.gate.waiting import check_waiting
from bundle.marks import Known
from bundle.pending import PendingRelease
from bundle.rego.engine import Engine
from keys.clock import Clock
from keys.digest import Digest
from keys.strict import b64encode
from signer.identity import Identity
from signer.result import VerificationResult
from signer.verify import verify_attestation
from trustacks.answers import bytes_of, items_of
from trustacks.client import WorkspaceApi, segment
from trustacks.errors import CosignerNotDistinctError, StatementMismatchError
from trustacks.pinned import Pinned, PinnedStore
from trustacks.release_errors import PendingChoiceError, PendingStaleError
from trustacks.signatory import Signatory
from trustacks.submitting import PLACE, submit

_OPEN: Final = ("open", "signed")


@dataclass(frozen=True, slots=True)
class ReviewedRelease:
    """A release that waits, judged against what is pinned here.

    Attributes:
        pending: The release.
        pinned: The workspace.
        result: Every check.
        signers: Who has signed it, the named one first.
    """

    pending: PendingRelease
    pinned: Pinned = field(repr=False)
    result: VerificationResult
    signers: tuple[Identity, ...]

    @property
    def threshold(self) -> int:
        """How many principals must sign."""
        return release_threshold(self.pinned.trust.policy)

    @property
    def principals(self) -> frozenset[str]:
        """Whose signatures count."""
        return frozenset(one.principal for one in self.signers)

    @property
    def enough(self) -> bool:
        """Whether it can be published."""
        return len(self.principals) >= self.threshold

    def enough_with(self, identity: Identity) -> bool:
        """Return whether it can be published once that identity has signed too."""
        return len(self.principals | {identity.principal}) >= self.threshold

    def to_json(self) -> dict[str, Any]:
        """Return it as ``--json`` shows it."""
        said = self.pending.link.release
        return {
            "revision": said.revision,
            "release": str(self.pending.digest),
            "signers": [one.id for one in self.signers],
            "threshold": self.threshold,
            "statement": said.to_json(),
        }


@dataclass(frozen=True, slots=True)
class ReleaseCosigner:
    """A release identity that signs what another one released.

    Attributes:
        store: What is pinned of the workspace.
        api: Its API.
        signatory: The release identity.
        engine: Parses the rules.
        clock: The time.
        show: Shown the statement before it is signed.
    """

    store: PinnedStore
    api: WorkspaceApi
    signatory: Signatory
    engine: Engine
    clock: Clock
    show: Callable[[bytes], None]

    def identity(self, pinned: Pinned) -> Identity:
        """Return who signs.

        Raises:
            UnknownSignerError: No identity of the workspace.
        """
        return self.signatory.identity(pinned.trust)

    def find(self, named: str | None) -> PendingRelease:
        """Return the release that waits at the Control Plane under that name.

        Args:
            named: A revision, a digest or its beginning; the only open one without.

        Raises:
            PendingChoiceError: None or several.
            StatementMismatchError: Another one came than was asked for.
        """
        known = [one for one in items_of(self.api.get(PLACE)) if _is_meant(one, named)]
        if len(known) != 1:
            raise _no_choice(len(known), named)
        digest = Digest.parse(str(known[0].get("digest")))
        answer = self.api.get(f"{PLACE}/{segment(str(digest))}")
        found = PendingRelease.of(
            bytes_of(answer, "bundle"), bytes_of(answer, "attestations")
        )
        if found.digest != digest:
            raise StatementMismatchError(
                f"expected the release {digest}, got {found.digest}"
            )
        return found

    def review(self, pending: PendingRelease) -> ReviewedRelease:
        """Judge a release that waits, against the refreshed pin.

        Raises:
            PendingStaleError: Another release is the newest one meanwhile.
            VerificationError: It could not be published, whoever signed it.
        """
        at = self.clock()
        pinned = self.store.refresh(at=at)
        head = pinned.head(at=at)
        known = Known(head.release.revision, head.digest) if head else None
        if not pending.follows(known):
            newest = known.revision if known else "none"
            raise PendingStaleError(
                f"expected a release on top of revision {newest}, "
                f"got revision {pending.link.release.revision}",
                hint="release it again: trustacks bundle release",
            )
        candidate = pending.candidate(pinned.fetched, head=known, at=at)
        result = check_waiting(
            candidate, known=pending.known(known), at=at, engine=self.engine
        ).require()
        return ReviewedRelease(pending, pinned, result, _signers(pending, pinned, at))

    def sign(self, reviewed: ReviewedRelease) -> ReviewedRelease:
        """Sign a release that was reviewed; who signed it already signs nothing.

        Raises:
            UnknownSignerError: No identity of the workspace.
            CosignerNotDistinctError: Its principal signed with another key.
            VerificationError: What came back does not hold.
        """
        pinned, pending = reviewed.pinned, reviewed.pending
        identity = self.identity(pinned)
        if identity in reviewed.signers:
            return reviewed
        if identity.principal in reviewed.principals:
            raise CosignerNotDistinctError(
                f"expected somebody else than {identity.principal}, who signed "
                f"revision {pending.link.release.revision}, got {identity.id}"
            )
        self.show(pending.statement)
        raw = self.signatory.attest(pending.statement, api=self.api, trust=pinned.trust)
        signed = pending.signed([raw])
        signers = _signers(signed, pinned, self.clock())
        return replace(reviewed, pending=signed, signers=signers)

    def hand_in(self, reviewed: ReviewedRelease, *, known: int) -> None:
        """Give new signatures to the Control Plane, to be kept.

        Args:
            reviewed: The release with all of them.
            known: How many of them it has.

        Raises:
            ControlPlaneRefusalError: One is not taken.
        """
        place = f"{PLACE}/{segment(str(reviewed.pending.digest))}/signatures"
        for raw in reviewed.pending.signatures[known:]:
            self.api.post(place, {"attestation": b64encode(raw)})

    def publish(self, reviewed: ReviewedRelease) -> None:
        """Publish a release that enough have signed; done twice, it is done once.

        Raises:
            ControlPlaneRefusalError: It is not taken.
        """
        submit(self.api, reviewed.pending)


def _no_choice(count: int, named: str | None) -> PendingChoiceError:
    called = f" as {named!r}" if named else ""
    hint = "name it by its digest, as `trustacks bundle release` said it"
    if not count:
        hint = "none by that name, nor a file" if named else "none waits for signatures"
    return PendingChoiceError(
        f"expected one release that waits{called}, got {count}", hint=hint
    )


def _is_meant(one: dict[str, Any], named: str | None) -> bool:
    if named is None:
        return one.get("status") in _OPEN
    if named.isdecimal():
        return one.get("status") in _OPEN and str(one.get("revision")) == named
    digest = named if named.startswith("sha256:") else f"sha256:{named}"
    return str(one.get("digest")).startswith(digest)


def _signers(
    pending: PendingRelease, pinned: Pinned, at: datetime
) -> tuple[Identity, ...]:
    """Return who has signed; every signature holds, and is of these very bytes."""
    first, further = pending.signatures[0], pending.signatures[1:]
    subjects = (Digest.of(pending.bundle),)
    verify_attestation(
        first, trust=pinned.trust, expected=expected_release(subjects), at=at
    ).require()
    return verify_release(
        pending.link, further, trust=pinned.trust, at=at, waiting=True
    )
