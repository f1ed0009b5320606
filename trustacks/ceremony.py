# SPDX-License-Identifier: Apache-2.0
"""The ceremony that begins a sovereign workspace: one folder, carried by hand.

::

    online.json       what of the workspace is the Control Plane's, from ``begin``
    1.root.json       the root; admins add their signatures to it
    proposal.json     the first trust, made when the root is whole
    files/<SHA-256>   what the proposal lists
    signatures/<SPKI>.json   the admins' signatures of the proposal

Only ``begin`` and ``finish`` need a network. Each step reads the folder anew, checks
all of it, and writes one thing whole; an interrupted step is done again. The id of the
workspace is the digest of the signed root: the root is whole before the trust.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tuf.api.metadata import Root

from bundle.gate.candidate import (
    POLICY_TARGET,
    TRUSTED_ROOT_TARGET,
)
from bundle.limits import MAX_TARGET_BYTES
from bundle.trust_proposal import digests_of
from bundle.tuf.errors import TufSignatureError
from bundle.tuf.keys import role_key
from bundle.tuf.metadata import parse_metadata
from bundle.tuf.proposal import (
    MAX_PROPOSAL_BYTES,
    ProposalSignature,
    TrustProposal,
    build_proposal,
)
from bundle.tuf.proposal_signing import sign_proposal
from bundle.tuf.root_draft import (
    RootKeys,
    admin_keys,
    draft_root,
    online_keys,
    root_signers,
    sign_root,
)
from bundle.tuf.rootchain import RootChain, open_roots
from keys.digest import Digest
from keys.durable import create_file, make_directory, read_file, write_file
from keys.errors import NotFoundError
from keys.fields import Fields
from keys.public import PublicKey
from keys.signing import SigningKey
from keys.strict import b64encode, dumps_json, loads_json
from signer.form import Custody
from signer.predicates.trust_change import WORKSPACE_CREATED, Change
from trustacks.ceremony_parts import (
    MAX_ONLINE_BYTES,
    Online,
    PinnedLayer,
    first_policy,
    layer_files,
    no_root,
)
from trustacks.client import Client, segment
from trustacks.limits import MAX_ROOT_BYTES
from trustacks.trust_errors import CeremonyStepError
from trustacks.trusting import Reviewed, event_of, review

_MAX_SIGNATURE_BYTES: Final = 4096


class Ceremony:
    """A ceremony's folder.

    Args:
        folder: Where it lies.

    Raises:
        CeremonyStepError: No ceremony was begun there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        data = self._read("online.json", MAX_ONLINE_BYTES)
        if data is None:
            raise CeremonyStepError(
                f"expected online.json in {folder}, got none",
                hint="begin: trustacks ceremony begin NAME --url URL --out FOLDER",
            )
        self.online = Online.parse(data)

    @property
    def root(self) -> bytes | None:
        """The root, signed or not; none before ``draft``."""
        return self._read("1.root.json", MAX_ROOT_BYTES)

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
            raise CeremonyStepError(
                f"expected a root that its admins signed: {error.message}",
                hint="each signs: trustacks ceremony sign FOLDER --key NAME",
            ) from error

    def draft(
        self,
        root_keys: Sequence[PublicKey],
        targets_keys: Sequence[PublicKey],
        *,
        threshold: int,
        at: datetime,
    ) -> bytes:
        """Write the root, unsigned.

        Raises:
            UnsafeRoleKeysError: Thresholds or keys that would not be sovereign.
            WriteConflictError: There is a root already.
        """
        keys = RootKeys(
            root=admin_keys(root_keys),
            targets=admin_keys(targets_keys),
            snapshot=online_keys([self.online.snapshot]),
            timestamp=online_keys([self.online.timestamp]),
            root_threshold=threshold,
            targets_threshold=threshold,
        )
        data = draft_root(keys, at=at)
        create_file(self.folder / "1.root.json", data)
        return data

    def trust(
        self,
        layers: Sequence[PinnedLayer],
        admins: Mapping[str, PublicKey],
        *,
        at: datetime,
    ) -> Reviewed:
        """Write the first trust: layers, and who may change trust from now on.

        Args:
            layers: The constitution, then packs.
            admins: Keys of the admin identities, by id; the id is the principal.
            at: Now.

        Raises:
            CeremonyStepError: The root is not whole.
            TrustacksError: As ``bundle.trust_proposal.judge_proposal``.
            WriteConflictError: There is another proposal already.
        """
        roots = self.roots
        files = layer_files(layers)
        files[TRUSTED_ROOT_TARGET] = self.online.trusted_root
        files[POLICY_TARGET] = first_policy(
            self.online, roots, layers, admins, at
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
        make_directory(self.folder / "files")
        for data in files.values():
            create_file(self.folder / "files" / Digest.of(data).hex, data)
        create_file(self.folder / "proposal.json", proposal.to_bytes())
        return reviewed

    def review(self, *, at: datetime) -> Reviewed | None:
        """Judge the first trust; none before ``trust``.

        Raises:
            TrustacksError: The folder does not hold together.
        """
        raw = self._read("proposal.json", MAX_PROPOSAL_BYTES)
        if raw is None:
            return None
        proposal = TrustProposal.parse(raw)
        files = {
            path: self._file(digest) for path, digest in digests_of(proposal).items()
        }
        signatures = list(self._signatures())
        return review(proposal, self.roots, None, files, signatures, at=at)

    def sign(
        self, key: SigningKey, *, at: datetime, show: Callable[[str, bytes], None]
    ) -> tuple[str, ...]:
        """Sign what the folder has for this key; return what that was.

        Args:
            key: An admin's root or targets key.
            at: Now.
            show: Shown what it is and its bytes before each signature.

        Raises:
            CeremonyStepError: Nothing here is for this key, or all is signed.
            TrustacksError: The folder does not hold together.
        """
        root = self.root
        if root is None:
            raise no_root()
        done = []
        mine = key.public_key.key_id
        there, missing = root_signers(root)
        # One more signature would make it another root: the trust names this one.
        if mine in missing and self._read("proposal.json", MAX_PROPOSAL_BYTES) is None:
            show("root", root)
            write_file(self.folder / "1.root.json", sign_root(root, key))
            done.append("root")
        elif reviewed := self.review(at=at):
            keys = parse_metadata(root, Root, "root").signed
            if mine not in reviewed.signatures:
                show("trust", reviewed.proposal.to_bytes())
                made = sign_proposal(reviewed.proposal, keys, key)
                make_directory(self.folder / "signatures")
                path = self.folder / "signatures" / f"{mine}.json"
                create_file(path, dumps_json(made.to_json()))
                done.append("trust")
        if not done:
            raise CeremonyStepError(
                f"expected something to sign for key {mine[:16]}, got nothing"
                + (": it signed the root" if mine in there else ""),
                hint="what is next: trustacks ceremony show FOLDER",
            )
        return tuple(done)

    def finish(
        self,
        client: Client,
        key: SigningKey,
        *,
        stamp: Callable[[bytes], bytes],
        at: datetime,
        show: Callable[[bytes], None],
    ) -> Any:
        """Attest the first trust as an admin, and make the workspace.

        Raises:
            CeremonyStepError: Root or trust are not whole.
            ControlPlaneRefusalError: It is not taken.
        """
        reviewed = self.review(at=at)
        if reviewed is None:
            raise CeremonyStepError(
                "expected the first trust, got none",
                hint="make it: trustacks ceremony trust FOLDER --constitution ...",
            )
        event = event_of(
            reviewed, reviewed.targets(), key=key, stamp=stamp, at=at, show=show
        )
        return client.post(
            f"/v1/ceremonies/{segment(self.online.workspace)}",
            {
                "root": b64encode(self.root or b""),
                "proposal": b64encode(reviewed.proposal.to_bytes()),
                "signatures": [s.to_json() for s in reviewed.signatures.values()],
                "files": sorted({b64encode(d) for d in reviewed.files.values()}),
                "event": b64encode(event),
            },
        )

    def _file(self, digest: Digest) -> bytes:
        data = self._read(f"files/{digest.hex}", MAX_TARGET_BYTES)
        if data is None or Digest.of(data) != digest:
            raise CeremonyStepError(
                f"expected the file {digest} in {self.folder / 'files'}, got another"
            )
        return data

    def _signatures(self) -> Sequence[ProposalSignature]:
        found = []
        for path in sorted((self.folder / "signatures").glob("*.json")):
            raw = read_file(path, max_bytes=_MAX_SIGNATURE_BYTES)
            value = loads_json(raw, max_bytes=_MAX_SIGNATURE_BYTES, what=path.name)
            found.append(ProposalSignature.parse(Fields(value, path.name)))
        return found

    def _read(self, name: str, max_bytes: int) -> bytes | None:
        try:
            return read_file(self.folder / name, max_bytes=max_bytes)
        except NotFoundError:
            return None
