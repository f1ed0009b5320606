# SPDX-License-Identifier: Apache-2.0
"""What this server holds a move to the sovereign form against.

The move is judged by the function that admins use (``bundle.move``). Besides, this
server must be able to go on under it: with its own online keys, log and layers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from bundle.embedded import Embedded, EmbeddedGround
from bundle.gate.candidate import (
    POLICY_TARGET,
    TRUSTED_ROOT_TARGET,
    attestations_target,
)
from bundle.move import judge_move, open_next_root
from bundle.trust_proposal import proposed_files
from bundle.tuf.errors import TrustProposalMismatchError
from bundle.tuf.proposal import ProposalSignature, TrustProposal
from bundle.tuf.proposal_signing import assemble
from bundle.tuf.rootchain import RootChain
from bundle.tuf.view import read_targets, revision_of
from control_plane import limits
from control_plane.services import Services
from control_plane.workflows.layer_checks import check_pinned_layers
from control_plane.workflows.proposal_checks import require_event
from control_plane.workflows.roots import require_online
from control_plane.workspaces import Published, Workspace
from signer.trust import Trust
from signer.trusted_root import TrustedRoot


@dataclass(frozen=True, slots=True)
class Drafted:
    """A move that this server could make.

    Attributes:
        root: The next root, as its admins signed it.
        proposal: The first trust under it.
        files: What the proposal lists, by target name.
        trust: What Runners would trust.
    """

    root: RootChain
    proposal: TrustProposal
    files: Mapping[str, bytes]
    trust: Trust


@dataclass(frozen=True, slots=True)
class MoveGround:
    """An embedded workspace, as a move begins from it.

    Attributes:
        workspace: The workspace.
        published: What is in force.
        embedded: What that says.
        at: Now.
    """

    workspace: Workspace
    published: Published
    embedded: EmbeddedGround
    at: datetime

    @classmethod
    def of(cls, workspace: Workspace, at: datetime) -> Self:
        """Read the ground.

        Raises:
            AlreadySovereignError: Its admins are not this server.
            StorageError: It cannot be read.
        """
        published = workspace.published()
        return cls(
            workspace,
            published,
            EmbeddedGround.open(_bytes_of(workspace, published), at=at),
            at,
        )

    def require(
        self,
        services: Services,
        root: bytes,
        proposal: TrustProposal,
        given: Iterable[bytes],
    ) -> Drafted:
        """Refuse a move that no admin should sign, or that this server could not make.

        Raises:
            TrustProposalMismatchError: Other online keys or another log than here.
            LayerMismatchError: Other layers than the trust policy pins.
            VerificationError: As ``judge_move``.
        """
        chain = open_next_root(root, self.embedded)
        known = self.published.files.values()
        files = proposed_files(proposal, (*given, *known), None)
        judged = judge_move(proposal, chain, self.embedded, files, at=self.at)
        require_online(self.workspace, chain.current)
        self._require_release_key(chain, proposal)
        self._require_log(files)
        check_pinned_layers(services.engine, judged.policy.layers, files)
        return Drafted(chain, proposal, files, judged)

    def require_whole(
        self, drafted: Drafted, signatures: Sequence[ProposalSignature], event: bytes
    ) -> bytes:
        """Return the targets, signed by old and new admins, and attested.

        Whom the move makes an admin is its witness: of the embedded trust there is
        nobody who could be one.

        Raises:
            TufSignatureError: Too few signed, or the embedded key did not.
            VerificationError: The event does not hold.
            TrustProposalMismatchError: It says something else than the proposal.
        """
        targets = assemble(
            drafted.proposal,
            drafted.root.current,
            signatures,
            previous=self.embedded.chain.current,
        )
        require_event(
            event,
            drafted.proposal,
            targets=targets,
            trust=drafted.trust,
            at=self.at,
        )
        return targets

    def _require_release_key(self, chain: RootChain, proposal: TrustProposal) -> None:
        _, delegated = read_targets(chain, proposal.signed, at=self.at)
        held = {key.public_key.key_id for key in self.workspace.further()}
        if not set(delegated) <= held:
            raise TrustProposalMismatchError(
                "expected the release role's key to be this server's, got another",
                hint="begin with this server's keys: trustacks ceremony move",
            )

    def _require_log(self, files: Mapping[str, bytes]) -> None:
        """The log goes on: it holds what came before, and grants nothing (T10)."""
        logs = TrustedRoot.parse(files[TRUSTED_ROOT_TARGET]).logs
        if self.workspace.log.key.key_id not in {log.key.key_id for log in logs}:
            raise TrustProposalMismatchError(
                "expected this workspace's log in the trusted root, got another"
            )


def _bytes_of(workspace: Workspace, published: Published) -> Embedded:
    committed = published.committed
    lines = None
    if listed := committed.delegated.signed.targets:
        name = attestations_target(max(map(revision_of, listed)))
        lines = workspace.repository.read(name, max_bytes=limits.MAX_STATIC_BYTES)
    return Embedded(
        roots=committed.roots,
        targets=committed.targets,
        release=committed.release,
        policy=published.files[POLICY_TARGET],
        trusted_root=published.files[TRUSTED_ROOT_TARGET],
        attestations=lines,
    )
