# SPDX-License-Identifier: Apache-2.0
"""Could this proposal be published, and is the admin's event about it true?

The same functions that Runners and admins use, asked before anything is written. A
proposal that passes here is not trusted for that: admins look for themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from bundle.gate.candidate import POLICY_TARGET, TRUSTED_ROOT_TARGET
from bundle.tuf.committed import read_roots
from bundle.tuf.errors import NothingPublishedError, TrustProposalStaleError
from bundle.tuf.proposal import Base, TrustProposal
from bundle.tuf.rootchain import RootChain, open_roots
from bundle.tuf.view import read_targets
from control_plane.errors import NotSovereignError, ProposalMismatchError
from control_plane.keystore import RELEASE
from control_plane.workspaces import Published, Workspace
from keys.digest import Digest
from keys.errors import NotFoundError
from keys.public import PublicKey
from signer.errors import KeyReusedError
from signer.form import Form
from signer.predicates.trust_change import TrustChangePredicate
from signer.trust import Expected, Trust
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot
from signer.verify import verify_attestation


@dataclass(frozen=True, slots=True)
class Ground:
    """What a proposal is held against.

    Attributes:
        workspace: The workspace.
        roots: Its roots, verified.
        published: What is in force; none before the first trust.
        at: Now.
    """

    workspace: Workspace
    roots: RootChain
    published: Published | None
    at: datetime

    @classmethod
    def of(cls, workspace: Workspace, at: datetime) -> Self:
        """Read the ground that a sovereign workspace stands on.

        Raises:
            NotSovereignError: This server holds its admin keys.
        """
        roots = open_roots(read_roots(workspace.storage))
        if roots.form is not Form.SOVEREIGN:
            raise NotSovereignError(
                f"expected a sovereign workspace, got one of {roots.form.value} form",
                hint="this server holds its admin keys: change trust directly",
            )
        try:
            return cls(workspace, roots, workspace.published(), at)
        except (NothingPublishedError, NotFoundError):
            return cls(workspace, roots, None, at)

    @property
    def base(self) -> Base | None:
        """The targets in force."""
        if self.published is None:
            return None
        committed = self.published.committed
        return Base(committed.top.version, Digest.of(committed.targets))

    def is_in_force(self, proposal: TrustProposal) -> bool:
        """Return whether the targets in force are this proposal, signed."""
        if self.published is None:
            return False
        return self.published.committed.top == proposal.signed

    def files_of(
        self, proposal: TrustProposal, given: Mapping[Digest, bytes]
    ) -> dict[str, bytes]:
        """Return what a proposal lists, from what was given and what is in force.

        Raises:
            ProposalMismatchError: A file is missing.
        """
        in_force = self.published.files.values() if self.published else ()
        known = {Digest.of(data): data for data in (*given.values(), *in_force)}
        listed = {
            path: Digest(info.hashes["sha256"])
            for path, info in proposal.signed.targets.items()
        }
        missing = sorted(path for path, digest in listed.items() if digest not in known)
        if missing:
            raise ProposalMismatchError(
                f"expected every file that the proposal lists, got none for "
                f"{missing[0]}"
            )
        return {path: known[digest] for path, digest in listed.items()}

    def require_publishable(
        self, proposal: TrustProposal, files: Mapping[str, bytes]
    ) -> Trust:
        """Refuse what no Runner would take; return the trust that it would have.

        Raises:
            TrustProposalStaleError: Made on other targets than those in force.
            ProposalMismatchError: Another workspace's, or nothing could be released
                under it, or its trust policy is not a newer one.
            VerificationError: By the code of ``read_view`` or ``Trust``.
        """
        self._require_fits(proposal)
        for needed in (POLICY_TARGET, TRUSTED_ROOT_TARGET):
            if needed not in files:
                raise ProposalMismatchError(f"expected the file {needed}, got none")
        trust = Trust(
            workspace=self.roots.workspace,
            form=self.roots.form,
            policy=TrustPolicy.parse(files[POLICY_TARGET]),
            trusted_root=TrustedRoot.parse(files[TRUSTED_ROOT_TARGET]),
        )
        trust.policy.require_custody(trust.form)
        self._require_one_purpose(proposal, trust)
        before = self.published.trust.policy.version if self.published else 0
        if trust.policy.version <= before:
            raise ProposalMismatchError(
                f"expected a trust policy above version {before}, "
                f"got {trust.policy.version}"
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
            ProposalMismatchError: It says something else than the proposal.
        """
        evidence = verify_attestation(
            event,
            trust=self.published.trust if self.published else proposed,
            expected=Expected(TrustChangePredicate.type, (Digest.of(targets),)),
            at=self.at,
            pending=True,
        ).require()
        said = evidence.said(TrustChangePredicate)
        policy = Digest(proposal.signed.targets[POLICY_TARGET].hashes["sha256"])
        previous = self.base.digest if self.base else None
        wanted = (proposal.version, policy, previous, proposal.change)
        if wanted != (said.targets_version, said.policy, said.previous, said.change):
            raise ProposalMismatchError(
                f"expected an event of targets {proposal.version} that says what the "
                f"proposal says, got one of {said.targets_version}, {said.change.kind}"
            )
        return evidence.identity.public_key

    def _require_one_purpose(self, proposal: TrustProposal, trust: Trust) -> None:
        """DESIGN 9, Principals: "One key, one purpose"."""
        _, delegated = read_targets(self.roots, proposal.signed, at=self.at)
        twice = trust.key_ids & {*self.roots.keys, *delegated}
        if twice:
            key_id = min(twice)
            raise KeyReusedError(
                f"expected one purpose for key {key_id[:16]}, got TUF and another",
                key_id=key_id,
            )

    def _require_fits(self, proposal: TrustProposal) -> None:
        if self.base is not None and proposal.version <= self.base.version:
            raise TrustProposalStaleError(
                f"expected targets above {self.base.version}, got {proposal.version}",
                hint="propose the change again, on the targets in force",
            )
        proposal.require_base(self.base)
        if proposal.workspace != self.roots.workspace:
            raise ProposalMismatchError(
                f"expected workspace {self.roots.workspace}, got {proposal.workspace}"
            )
        _, delegated = read_targets(self.roots, proposal.signed, at=self.at)
        if set(delegated) != {self.workspace.key(RELEASE).public_key.key_id}:
            raise ProposalMismatchError(
                "expected the release role's key to be this server's, got another",
                hint="a release could not be published under these targets",
            )
