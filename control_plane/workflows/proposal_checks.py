# SPDX-License-Identifier: Apache-2.0
"""What this server holds a trust proposal against, and the admin's event about it.

The proposal is judged by the function that admins use (``bundle.trust_proposal``). One
that passes here is not trusted for that: admins look for themselves.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Self

from bundle.gate.candidate import POLICY_TARGET
from bundle.trust_proposal import (
    InForce,
    digests_of,
    judge_proposal,
    proposed_files,
)
from bundle.tuf.committed import Committed, read_roots
from bundle.tuf.errors import NothingPublishedError, TrustProposalMismatchError
from bundle.tuf.keys import identify
from bundle.tuf.proposal import Base, TrustProposal, delegated_key
from bundle.tuf.rootchain import RootChain, from_pin
from bundle.tuf.view import read_targets
from control_plane.errors import NotSovereignError
from control_plane.keystore import RELEASE
from control_plane.workflows.release_chain import read_chain
from control_plane.workspaces import Workspace
from keys.digest import Digest
from keys.errors import NotFoundError
from keys.public import PublicKey
from signer.form import Form
from signer.predicates.trust_change import TrustChangePredicate
from signer.trust import Expected, Trust
from signer.verify import verify_attestation


@dataclass(frozen=True, slots=True)
class Ground:
    """What a proposal is held against.

    Attributes:
        workspace: The workspace.
        roots: Its roots, verified.
        committed: Its metadata; none before the first trust.
        now: What is in force; none before the first trust.
        at: Now.
    """

    workspace: Workspace
    roots: RootChain
    committed: Committed | None
    now: InForce | None
    at: datetime

    @classmethod
    def of(cls, workspace: Workspace, at: datetime) -> Self:
        """Read the ground that a sovereign workspace stands on.

        Raises:
            NotSovereignError: This server holds its admin keys.
        """
        roots = from_pin(read_roots(workspace.storage))
        if roots.form is not Form.SOVEREIGN:
            raise NotSovereignError(
                f"expected a sovereign workspace, got one of {roots.form.value} form",
                hint="this server holds its admin keys: change trust directly",
            )
        try:
            found = workspace.published()
        except (NothingPublishedError, NotFoundError):
            return cls(workspace, roots, None, None, at)
        committed = found.committed
        base = Base(committed.top.version, Digest.of(committed.targets))
        chain = partial(read_chain, workspace)
        release_key = identify(delegated_key(committed.top))
        now = InForce(base, found.trust, found.files, chain, release_key)
        return cls(workspace, roots, committed, now, at)

    @property
    def base(self) -> Base | None:
        """The targets in force."""
        return self.now.base if self.now else None

    def is_in_force(self, proposal: TrustProposal) -> bool:
        """Return whether the targets in force are this proposal, signed."""
        return self.committed is not None and self.committed.top == proposal.signed

    def files_of(
        self, proposal: TrustProposal, given: Iterable[bytes]
    ) -> dict[str, bytes]:
        """Return what a proposal lists, from what was given and what is in force.

        Raises:
            TrustProposalMismatchError: A file is missing.
        """
        return proposed_files(proposal, given, self.now)

    def require_publishable(
        self, proposal: TrustProposal, files: Mapping[str, bytes]
    ) -> Trust:
        """Refuse what no Runner would take, or what this server could not publish.

        Raises:
            TrustProposalMismatchError: Nothing could be released under it.
            TrustacksError: As ``judge_proposal``.
        """
        trust = judge_proposal(proposal, self.roots, self.now, files, at=self.at)
        _, delegated = read_targets(self.roots, proposal.signed, at=self.at)
        held = [self.workspace.key(RELEASE), *self.workspace.further()]
        if not set(delegated) <= {key.public_key.key_id for key in held}:
            raise TrustProposalMismatchError(
                "expected the release role's key to be this server's, got another",
                hint="a release could not be published under these targets",
            )
        return trust

    def require_event(
        self,
        event: bytes,
        proposal: TrustProposal,
        *,
        targets: bytes,
        proposed: Trust,
    ) -> PublicKey:
        """Return the key of the admin who attests the change, truly, now.

        The trust before the change judges it, as in replay: whom a change makes an
        admin cannot be its witness. The first trust has nothing before it.

        Raises:
            VerificationError: The event does not hold.
            TrustProposalMismatchError: It says something else than the proposal.
        """
        trust = self.now.trust if self.now else proposed
        return require_event(event, proposal, targets=targets, trust=trust, at=self.at)


def require_event(
    event: bytes,
    proposal: TrustProposal,
    *,
    targets: bytes,
    trust: Trust,
    at: datetime,
) -> PublicKey:
    """Return the key of the admin who attests a change, truly, now.

    Raises:
        VerificationError: The event does not hold under that trust.
        TrustProposalMismatchError: It says something else than the proposal.
    """
    evidence = verify_attestation(
        event,
        trust=trust,
        expected=Expected(TrustChangePredicate.type, (Digest.of(targets),)),
        at=at,
        pending=True,
    ).require()
    said = evidence.said(TrustChangePredicate)
    policy = digests_of(proposal)[POLICY_TARGET]
    previous = proposal.base.digest if proposal.base else None
    wanted = (proposal.version, policy, previous, proposal.change)
    if wanted != (said.targets_version, said.policy, said.previous, said.change):
        raise TrustProposalMismatchError(
            f"expected an event of targets {proposal.version} that says what the "
            f"proposal says, got one of {said.targets_version}, {said.change.kind}"
        )
    return evidence.identity.require_key()
