# SPDX-License-Identifier: Apache-2.0
"""An admin's side of a change of trust: look, understand, sign, put in force.

Everything that is shown is computed here, from the admin's own pinned state and the
proposal's bytes (DESIGN T9); the Control Plane only carries them. What an admin signs
is what ``bundle.trust_proposal`` judged and ``bundle.trust_diff`` put into words.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bundle.gate.candidate import POLICY_TARGET
from bundle.limits import MAX_TARGET_BYTES
from bundle.trust_diff import Difference, TrustSide, diff_trust
from bundle.trust_proposal import InForce, digests_of, judge_proposal
from bundle.tuf.errors import TrustProposalMismatchError
from bundle.tuf.keys import identify
from bundle.tuf.proposal import (
    Base,
    ProposalSignature,
    TrustProposal,
    delegated_key,
)
from bundle.tuf.proposal_signing import (
    assemble,
    sign_proposal,
    signers_of,
    threshold_of,
)
from bundle.tuf.rootchain import RootChain, open_roots
from keys.clock import Clock, format_instant
from keys.digest import Digest
from keys.fields import Fields
from keys.signing import SigningKey
from keys.strict import b64encode
from signer.predicates.trust_change import TrustChangePredicate
from signer.sign import attest_pending
from signer.statement import Subject, build_statement
from signer.trust import Trust
from trustacks.answers import bytes_of, items_of
from trustacks.client import WorkspaceApi, segment
from trustacks.notary import RemoteNotary
from trustacks.pinned import Pinned, PinnedStore

_PLACE = "/trust/proposals"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A proposal that was judged against what is pinned here.

    Attributes:
        proposal: The proposal.
        roots: The workspace's roots.
        files: What it lists, by target name.
        trust: What Runners would trust.
        differences: What changes, in words.
        signatures: Those that hold, by the digest of the public key.
    """

    proposal: TrustProposal
    roots: RootChain
    files: Mapping[str, bytes] = field(repr=False)
    trust: Trust = field(repr=False)
    differences: tuple[Difference, ...]
    signatures: Mapping[str, ProposalSignature]

    @property
    def threshold(self) -> int:
        """How many distinct keys must sign."""
        return threshold_of(self.roots.current)

    def targets(self, signatures: Sequence[ProposalSignature] = ()) -> bytes:
        """Return the assembled metadata.

        Raises:
            TufSignatureError: Too few admins signed.
        """
        return assemble(
            self.proposal,
            self.roots.current,
            (*self.signatures.values(), *signatures),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as ``--json`` shows it."""
        base = self.proposal.base
        return {
            "proposal": str(self.proposal.id),
            "version": self.proposal.version,
            "expires": format_instant(self.proposal.expires),
            "base": base and {"version": base.version, "digest": str(base.digest)},
            "change": self.proposal.change.to_json(),
            "differences": [one.to_json() for one in self.differences],
            "signed": sorted(self.signatures),
            "threshold": self.threshold,
        }


def review(
    proposal: TrustProposal,
    roots: RootChain,
    now: InForce | None,
    files: Mapping[str, bytes],
    signatures: Sequence[ProposalSignature],
    *,
    at: datetime,
) -> Reviewed:
    """Judge a proposal and put it into words.

    Raises:
        TrustacksError: As ``bundle.trust_proposal.judge_proposal``; a file whose bytes
            are not the listed ones; a signature that does not hold.
    """
    listed = digests_of(proposal)
    given = {path: Digest.of(data) for path, data in files.items()}
    if listed != given:
        raise TrustProposalMismatchError("expected the files that it lists, got others")
    trust = judge_proposal(proposal, roots, now, files, at=at)
    before = None
    if now is not None:
        names = {path: Digest.of(data) for path, data in now.files.items()}
        known = now.trust
        before = TrustSide(known.policy, names, now.release_key, known.trusted_root)
    offered = identify(delegated_key(proposal.signed))
    after = TrustSide(trust.policy, listed, offered, trust.trusted_root)
    differences = diff_trust(before, after)
    held = signers_of(proposal, roots.current, signatures)
    return Reviewed(proposal, roots, files, trust, differences, held)


def event_of(
    reviewed: Reviewed,
    targets: bytes,
    *,
    key: SigningKey,
    stamp: Callable[[bytes], bytes],
    at: datetime,
    show: Callable[[bytes], None],
) -> bytes:
    """Return an admin's trust-change attestation, stamped and not logged.

    Args:
        reviewed: What was judged.
        targets: The assembled metadata.
        key: The admin identity's key.
        stamp: Returns an RFC 3161 response over a signature.
        at: Now.
        show: Shown the statement before it is signed.
    """
    proposal = reviewed.proposal
    predicate = TrustChangePredicate(
        workspace=proposal.workspace,
        targets_version=proposal.version,
        policy=Digest.of(reviewed.files[POLICY_TARGET]),
        previous=None if proposal.base is None else proposal.base.digest,
        change=proposal.change,
        at=at,
        checkpoint=proposal.checkpoint,
    )
    subject = Subject(f"{proposal.version}.targets.json", Digest.of(targets))
    statement = build_statement([subject], predicate)
    show(statement)
    return attest_pending(statement, key=key, timestamp=stamp)


@dataclass(frozen=True, slots=True)
class TrustDesk:
    """One admin at work on one workspace.

    Attributes:
        store: What is pinned of it.
        api: Its API.
        clock: The time.
        show: Shown each statement before it is signed.
    """

    store: PinnedStore
    api: WorkspaceApi
    clock: Clock
    show: Callable[[bytes], None]

    def proposals(self) -> list[dict[str, Any]]:
        """Return what the Control Plane says it has: for finding, not for trust."""
        return [dict(one) for one in items_of(self.api.get(_PLACE))]

    def review(self, proposal_id: Digest) -> Reviewed:
        """Fetch a proposal and judge it against the pinned state, refreshed.

        Raises:
            TrustProposalMismatchError: Another proposal came than was asked for.
            TrustacksError: As ``review``.
        """
        at = self.clock()
        pinned = self.store.refresh(at=at)
        answer = self.api.get(f"{_PLACE}/{segment(str(proposal_id))}")
        proposal = TrustProposal.parse(bytes_of(answer, "proposal"))
        if proposal.id != proposal_id:
            raise TrustProposalMismatchError(
                f"expected proposal {proposal_id}, got {proposal.id}"
            )
        fields = Fields(answer, "proposal")
        signatures = [
            ProposalSignature.parse(one) for one in fields.objects("signatures")
        ]
        now = in_force(pinned)
        files = self._files(proposal, now)
        roots = open_roots(pinned.fetched.roots)
        return review(proposal, roots, now, files, signatures, at=at)

    def sign(self, reviewed: Reviewed, key: SigningKey) -> ProposalSignature:
        """Sign with an admin's targets key and hand the signature in.

        Raises:
            TufKeyError: The root does not name the key for targets.
            ControlPlaneRefusalError: It is not taken.
        """
        made = sign_proposal(reviewed.proposal, reviewed.roots.current, key)
        self.submit(reviewed, made)
        return made

    def submit(self, reviewed: Reviewed, signature: ProposalSignature) -> None:
        """Hand in a signature, made here or on another machine.

        Raises:
            ControlPlaneRefusalError: It is not taken.
        """
        place = f"{_PLACE}/{segment(str(reviewed.proposal.id))}/signatures"
        self.api.post(place, signature.to_json())

    def publish(self, reviewed: Reviewed, key: SigningKey) -> Pinned:
        """Attest a signed proposal with an admin identity's key; put it in force.

        Raises:
            TufSignatureError: Too few admins signed.
            ControlPlaneRefusalError: It is not taken.
            TrustProposalMismatchError: Other targets are in force afterwards.
        """
        targets = reviewed.targets()
        event = event_of(
            reviewed,
            targets,
            key=key,
            stamp=RemoteNotary(self.api).timestamp,
            at=self.clock(),
            show=self.show,
        )
        place = f"{_PLACE}/{segment(str(reviewed.proposal.id))}/publish"
        self.api.post(place, {"event": b64encode(event)})
        pinned = self.store.refresh(at=self.clock())
        if pinned.view.targets_digest != Digest.of(targets):
            raise TrustProposalMismatchError(
                f"expected targets {Digest.of(targets)} in force, "
                f"got {pinned.view.targets_digest}",
                hint="somebody else's change may have come first: look again",
            )
        return pinned

    def _files(self, proposal: TrustProposal, now: InForce | None) -> dict[str, bytes]:
        known = {Digest.of(data): data for data in now.files.values()} if now else {}
        found = {}
        for path, digest in digests_of(proposal).items():
            if digest not in known:
                place = f"{_PLACE}/{segment(str(proposal.id))}/files/"
                answer = self.api.get(place + segment(str(digest)))
                known[digest] = bytes_of(answer, "content")
            found[path] = known[digest]
        return found


def in_force(pinned: Pinned) -> InForce:
    """Return what is in force, as the pinned state has it."""
    view = pinned.view
    return InForce(
        base=Base(view.targets_version, view.targets_digest),
        trust=pinned.trust,
        files={
            path: pinned.fetched.target(path, max_bytes=MAX_TARGET_BYTES)
            for path in view.files
        },
        chain=pinned.fetched.chain,
        release_key=identify(pinned.release_key),
    )
