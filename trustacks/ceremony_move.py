# SPDX-License-Identifier: Apache-2.0
"""The ceremony that makes an embedded workspace sovereign (DESIGN 9, T8).

::

    before/                  what is in force, fetched and verified from an admin's pin
    handed-over.json         the embedded key's signature of the first trust

The workspace keeps its id, and its log; Runners get a new pin, the root of this
ceremony. Nothing that the Control Plane says is signed: admins sign what their own
clients judged (``bundle.move``) and put into words (``bundle.move_diff``).
"""

from datetime import datetime
from typing import Final

from tuf.api.metadata import Root

from bundle.embedded import EmbeddedGround
from bundle.gate.candidate import (
    POLICY_TARGET,
    TRUSTED_ROOT_TARGET,
)
from bundle.move import judge_move, open_next_root
from bundle.move_diff import diff_move
from bundle.trust_diff import TrustSide
from bundle.trust_instances import parts_of
from bundle.trust_proposal import digests_of
from bundle.tuf.errors import TufSignatureError
from bundle.tuf.keys import identify, role_key
from bundle.tuf.metadata import parse_metadata
from bundle.tuf.proposal import (
    ProposalSignature,
    TrustProposal,
    build_proposal,
    delegated_key,
)
from bundle.tuf.proposal_signing import assemble, signers_of
from bundle.tuf.root_draft import RootKeys, draft_root
from bundle.tuf.rootchain import RootChain, open_roots
from keys.fields import Fields
from keys.strict import b64encode
from signer.form import Custody
from signer.predicates.trust_change import MADE_SOVEREIGN, Change
from trustacks.answers import bytes_of, text_of
from trustacks.ceremony import Attesting, Ceremony, Finished, FirstTrust
from trustacks.ceremony_before import read_embedded, read_online
from trustacks.ceremony_folder import CeremonyFolder
from trustacks.ceremony_parts import (
    Online,
    layer_files,
    layer_pins,
    no_root,
    not_whole,
)
from trustacks.client import Client, WorkspaceApi
from trustacks.moving import Wish, moved_policy
from trustacks.trust_errors import RootPublishError
from trustacks.trusting import Reviewed, event_of

_HANDED_OVER: Final = "handed-over"


class Move(Ceremony):
    """The ceremony of an embedded workspace that becomes sovereign.

    Args:
        folder: The folder.
        online: The online keys that the next root is to name.
    """

    def __init__(self, folder: CeremonyFolder, online: Online) -> None:
        super().__init__(folder, online)
        self._embedded = read_embedded(folder)

    @classmethod
    def open(cls, folder: CeremonyFolder) -> "Move":
        """Open a folder.

        Raises:
            CeremonyStepError: No move was begun there.
        """
        return cls(folder, read_online(folder))

    @property
    def root_name(self) -> str:
        """The file of the root after the embedded ones."""
        return f"{len(self._embedded.roots) + 1}.root.json"

    def ground(self, *, at: datetime) -> EmbeddedGround:
        """Return what the folder says is in force.

        Raises:
            TrustacksError: It does not hold, or no longer: begin again.
        """
        return EmbeddedGround.open(self._embedded, at=at)

    def _roots(self, ground: EmbeddedGround) -> RootChain:
        root = self.root
        if root is None:
            raise no_root()
        try:
            return open_next_root(root, ground)
        except TufSignatureError as error:
            raise not_whole(error) from error

    def _drafted(self, keys: RootKeys, *, at: datetime) -> bytes:
        chain = self.ground(at=at).chain
        return draft_root(
            keys, at=at, previous=chain.current, workspace=chain.workspace
        )

    def trust(self, wish: FirstTrust, *, at: datetime) -> Reviewed:
        """Write the first trust; see ``Ceremony``.

        Raises:
            UnknownIdentityError: One to keep that there is not.
        """
        ground = self.ground(at=at)
        roots = self._roots(ground)
        wanted = Wish(layer_pins(wish.layers), wish.admins, wish.keep)
        policy = moved_policy(ground, wanted, at=at)
        files = layer_files(wish.layers)
        files[TRUSTED_ROOT_TARGET] = parts_of(
            policy.instances, self._embedded.trusted_root
        )
        files[POLICY_TARGET] = policy.to_bytes()
        proposal = build_proposal(
            ground.chain.workspace,
            ground.base,
            ground.base.version + 1,
            files,
            role_key(self.online.release, Custody.CONTROL_PLANE),
            Change(kind=MADE_SOVEREIGN),
            checkpoint=self.online.checkpoint,
            at=at,
        )
        reviewed = _review(proposal, roots, ground, files, at=at)
        self.folder.propose(proposal, files.values())
        return reviewed

    def review(self, *, at: datetime) -> Reviewed | None:
        """Judge the first trust; see ``Ceremony``."""
        proposal = self.folder.proposal
        if proposal is None:
            return None
        ground = self.ground(at=at)
        roots = self._roots(ground)
        signed = self.folder.signatures()
        files = self.folder.listed(proposal)
        return _review(proposal, roots, ground, files, *signed, at=at)

    def finish(self, client: Client, by: Attesting) -> Finished:
        """Have the embedded key sign, attest the trust as an admin, and move.

        Raises:
            RootPublishError: Another root than this one came of it.
        """
        reviewed, ground = self._whole(at=by.at), self.ground(at=by.at)
        api = client.workspace(self.online.workspace)
        signed = [
            *reviewed.signatures.values(),
            self.folder.signature(_HANDED_OVER) or self._hand_over(api, reviewed),
        ]
        targets = assemble(
            reviewed.proposal,
            reviewed.roots.current,
            signed,
            previous=ground.chain.current,
        )
        event = event_of(
            reviewed, targets, key=by.key, stamp=by.stamp, at=by.at, show=by.show
        )
        made = api.post(
            f"/move/{reviewed.proposal.id}/finish",
            {
                "root": b64encode(self.root or b""),
                "signatures": [one.to_json() for one in signed],
                "event": b64encode(event),
            },
        )
        return Finished(made, self._require_pin(bytes_of(made, "root"), ground))

    def _hand_over(self, api: WorkspaceApi, reviewed: Reviewed) -> ProposalSignature:
        """Have the embedded key sign the first trust; keep its signature."""
        answer = api.post(
            "/move",
            {
                "root": b64encode(self.root or b""),
                "proposal": b64encode(reviewed.proposal.to_bytes()),
                "signatures": [s.to_json() for s in reviewed.signatures.values()],
                "files": sorted({b64encode(d) for d in reviewed.files.values()}),
            },
        )
        said = {name: text_of(answer, name) for name in ("key", "signature")}
        handed = ProposalSignature.parse(Fields(said, "answer"))
        self.folder.sign(_HANDED_OVER, handed)
        return handed

    def _require_pin(self, pin: bytes, ground: EmbeddedGround) -> bytes:
        """Return the root as it is published, if it is the one that admins signed."""
        mine, theirs = (
            parse_metadata(data, Root, "root").signed
            for data in (self.root or b"", pin)
        )
        if mine != theirs:
            raise RootPublishError(
                f"expected root {mine.version} of this folder, got another",
                hint="look at what is published: trustacks root show",
            )
        open_roots([*ground.chain.raw, pin])
        return pin


def _review(
    proposal: TrustProposal,
    roots: RootChain,
    ground: EmbeddedGround,
    files: dict[str, bytes],
    *signatures: ProposalSignature,
    at: datetime,
) -> Reviewed:
    trust = judge_move(proposal, roots, ground, files, at=at)
    side = TrustSide(
        trust.policy,
        digests_of(proposal),
        identify(delegated_key(proposal.signed)),
        trust.trusted_root,
    )
    held = signers_of(proposal, roots.current, signatures)
    return Reviewed(proposal, roots, files, trust, diff_move(ground, side), held)
