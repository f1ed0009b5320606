# SPDX-License-Identifier: Apache-2.0
"""The ceremony that begins a sovereign workspace.

The id of the workspace is the digest of the signed root: the root is whole before the
trust is made.
"""

from datetime import datetime
from typing import Final

from bundle.gate.candidate import POLICY_TARGET, TRUSTED_ROOT_TARGET
from bundle.tuf.errors import TufSignatureError
from bundle.tuf.keys import role_key
from bundle.tuf.proposal import build_proposal
from bundle.tuf.root_draft import RootKeys, draft_root
from bundle.tuf.rootchain import RootChain, open_roots
from keys.errors import UsageError
from keys.strict import b64encode
from signer.form import Custody
from signer.predicates.trust_change import WORKSPACE_CREATED, Change
from trustacks.ceremony import Attesting, Ceremony, Finished, FirstTrust
from trustacks.ceremony_folder import CeremonyFolder
from trustacks.ceremony_parts import (
    FORMAT,
    MAX_ONLINE_BYTES,
    Online,
    first_policy,
    layer_files,
    no_root,
    not_whole,
)
from trustacks.client import Client, segment
from trustacks.trust_errors import CeremonyStepError
from trustacks.trusting import Reviewed, event_of, review

ONLINE: Final = "online.json"


class Beginning(Ceremony):
    """The ceremony of a workspace to be."""

    @classmethod
    def open(cls, folder: CeremonyFolder) -> "Beginning":
        """Open a folder.

        Raises:
            CeremonyStepError: No ceremony was begun there.
        """
        data = folder.read(ONLINE, MAX_ONLINE_BYTES)
        if data is None:
            raise CeremonyStepError(
                f"expected {ONLINE} in {folder.path}, got none",
                hint="begin: trustacks ceremony begin NAME --url URL --out FOLDER",
            )
        return cls(folder, Online.parse(data, FORMAT))

    @property
    def root_name(self) -> str:
        """The file of the genesis root."""
        return "1.root.json"

    @property
    def roots(self) -> RootChain:
        """The whole root.

        Raises:
            CeremonyStepError: There is none, or too few admins signed it.
        """
        root = self.root
        if root is None:
            raise no_root()
        try:
            return open_roots([root])
        except TufSignatureError as error:
            raise not_whole(error) from error

    def _drafted(self, keys: RootKeys, *, at: datetime) -> bytes:
        return draft_root(keys, at=at)

    def trust(self, wish: FirstTrust, *, at: datetime) -> Reviewed:
        """Write the first trust; see ``Ceremony``."""
        if wish.keep:
            raise UsageError("expected nobody to keep in a workspace to be, got some")
        roots = self.roots
        files = layer_files(wish.layers)
        files[TRUSTED_ROOT_TARGET] = self.online.trusted_root
        files[POLICY_TARGET] = first_policy(
            self.online, roots, wish.layers, wish.admins, at
        ).to_bytes()
        proposal = build_proposal(
            roots.workspace,
            None,
            1,
            files,
            role_key(self.online.release, Custody.CONTROL_PLANE),
            Change(kind=WORKSPACE_CREATED),
            checkpoint=self.online.checkpoint,
            at=at,
        )
        reviewed = review(proposal, roots, None, files, [], at=at)
        self.folder.propose(proposal, files.values())
        return reviewed

    def review(self, *, at: datetime) -> Reviewed | None:
        """Judge the first trust; see ``Ceremony``."""
        proposal = self.folder.proposal
        if proposal is None:
            return None
        files = self.folder.listed(proposal)
        signatures = self.folder.signatures()
        return review(proposal, self.roots, None, files, signatures, at=at)

    def finish(self, client: Client, by: Attesting) -> Finished:
        """Attest the first trust as an admin, and make the workspace."""
        reviewed = self._whole(at=by.at)
        event = event_of(
            reviewed,
            reviewed.targets(),
            key=by.key,
            stamp=by.stamp,
            at=by.at,
            show=by.show,
        )
        root = self.root or b""
        made = client.post(
            f"/v1/ceremonies/{segment(self.online.workspace)}",
            {
                "root": b64encode(root),
                "proposal": b64encode(reviewed.proposal.to_bytes()),
                "signatures": [s.to_json() for s in reviewed.signatures.values()],
                "files": sorted({b64encode(d) for d in reviewed.files.values()}),
                "event": b64encode(event),
            },
        )
        return Finished(made, root)
