# SPDX-License-Identifier: Apache-2.0
"""A ceremony: admins sign a root and the first trust under it, in one folder.

::

    online.json, move.json   what of the workspace is the Control Plane's: which of the
                             two says which ceremony it is
    <N>.root.json            the root; admins add their signatures to it
    proposal.json            the first trust, made when the root is whole
    files/<SHA-256>          what the proposal lists
    signatures/<SPKI>.json   the admins' signatures of the proposal

There are two: ``ceremony_begin`` begins a workspace, ``ceremony_move`` makes an
embedded one sovereign. The folder is carried by hand; only the first and the last step
need a network. Each step reads the folder anew, checks all of it, and writes one thing
whole; an interrupted step is done again.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tuf.api.metadata import Root

from bundle.tuf.metadata import parse_metadata
from bundle.tuf.proposal_signing import sign_proposal
from bundle.tuf.root_draft import (
    RootKeys,
    admin_keys,
    online_keys,
    root_signers,
    sign_root,
)
from keys.durable import write_file
from keys.public import PublicKey
from keys.signing import SigningKey
from trustacks.ceremony_folder import CeremonyFolder
from trustacks.ceremony_parts import Online, PinnedLayer, no_root
from trustacks.client import Client
from trustacks.limits import MAX_ROOT_BYTES
from trustacks.trust_errors import CeremonyStepError
from trustacks.trusting import Reviewed


@dataclass(frozen=True, slots=True)
class FirstTrust:
    """What admins say of the first trust.

    Attributes:
        layers: The constitution, then packs.
        admins: Keys of the admin identities, by id; the id is the principal.
        keep: Ids of identities that stay, where there were some before.
    """

    layers: Sequence[PinnedLayer]
    admins: Mapping[str, PublicKey]
    keep: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Attesting:
    """Who attests the first trust, and with what.

    Attributes:
        key: The admin identity's key.
        stamp: Returns an RFC 3161 response over a signature.
        at: Now.
        show: Shown the statement before it is signed.
    """

    key: SigningKey
    stamp: Callable[[bytes], bytes]
    at: datetime
    show: Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Finished:
    """How a ceremony ended.

    Attributes:
        answer: What the Control Plane says of the workspace.
        pin: The root that Runners pin.
    """

    answer: Any
    pin: bytes = field(repr=False)


class Ceremony(ABC):
    """A ceremony's folder, and what is the same in both.

    Args:
        folder: The folder.
        online: What of the workspace is the Control Plane's.
    """

    def __init__(self, folder: CeremonyFolder, online: Online) -> None:
        self.folder = folder
        self.online = online

    @property
    @abstractmethod
    def root_name(self) -> str:
        """The file of the root."""

    @property
    def root(self) -> bytes | None:
        """The root, signed or not; none before ``draft``."""
        return self.folder.read(self.root_name, MAX_ROOT_BYTES)

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
        data = self._drafted(keys, at=at)
        self.folder.create(self.root_name, data)
        return data

    @abstractmethod
    def _drafted(self, keys: RootKeys, *, at: datetime) -> bytes:
        """Return the root, unsigned."""

    @abstractmethod
    def trust(self, wish: FirstTrust, *, at: datetime) -> Reviewed:
        """Write the first trust: layers, and who may change trust from now on.

        Raises:
            CeremonyStepError: The root is not whole.
            TrustacksError: It is not one that admins should sign.
            WriteConflictError: There is another proposal already.
        """

    @abstractmethod
    def review(self, *, at: datetime) -> Reviewed | None:
        """Judge the first trust; none before ``trust``.

        Raises:
            TrustacksError: The folder does not hold together.
        """

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
        mine = key.public_key.key_id
        there, missing = root_signers(root)
        # One more signature would make it another root: the trust names this one.
        if mine in missing and self.folder.proposal is None:
            show("root", root)
            write_file(self.folder.path / self.root_name, sign_root(root, key))
            return ("root",)
        reviewed = self.review(at=at)
        if reviewed is None or mine in reviewed.signatures:
            raise CeremonyStepError(
                f"expected something to sign for key {mine[:16]}, got nothing"
                + (": it signed the root" if mine in there else ""),
                hint="what is next: trustacks ceremony show FOLDER",
            )
        show("trust", reviewed.proposal.to_bytes())
        keys = parse_metadata(root, Root, "root").signed
        made = sign_proposal(reviewed.proposal, keys, key)
        self.folder.sign(f"signatures/{mine}", made)
        return ("trust",)

    @abstractmethod
    def finish(self, client: Client, by: Attesting) -> Finished:
        """Attest the first trust as an admin, and have the Control Plane do it.

        Raises:
            CeremonyStepError: Root or trust are not whole.
            ControlPlaneRefusalError: It is not taken.
        """

    def _whole(self, *, at: datetime) -> Reviewed:
        reviewed = self.review(at=at)
        if reviewed is None:
            raise CeremonyStepError(
                "expected the first trust, got none",
                hint="make it: trustacks ceremony trust FOLDER --constitution ...",
            )
        return reviewed
