# SPDX-License-Identifier: Apache-2.0
"""What a person's machine holds of a workspace: the pinned root, and a TUF cache.

Whoever signs here checks first, against the pin, what they sign for (DESIGN T9): every
digest in a statement of ours comes from here or from the person's own files, never from
an answer of the API.

::

    workspaces/<first 32 hex of the pin>/
      1.root.json      the pin: written once, by `trustacks login`
      log.pub          the log's key, for `trustacks audit replay`
      tuf/             what bundle.tuf.client keeps
      parents/         the pinned layers (trustacks.parents)
      released/        the newest release's rules (trustacks.released)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self
from urllib.parse import quote

from securesystemslib.signer import Key
from tuf.api.metadata import Targets

from bundle.gate.candidate import (
    CONSTITUTION_TARGET,
    POLICY_TARGET,
    TRUSTED_ROOT_TARGET,
    attestations_target,
    pack_target,
)
from bundle.gate.errors import ReleaseRevisionError
from bundle.gate.named import keep_named
from bundle.gate.release import sort_attestations
from bundle.gate.trust import check_one_purpose
from bundle.limits import MAX_TARGET_BYTES
from bundle.tuf.client import TufClient
from bundle.tuf.fetched import Fetched
from bundle.tuf.metadata import parse_metadata
from bundle.tuf.proposal import delegated_key
from bundle.tuf.roles import TARGETS
from bundle.tuf.rootchain import open_roots
from bundle.tuf.view import TufView, read_view
from keys.digest import Digest
from keys.durable import create_file, keep_file, make_directory, read_file
from keys.errors import NotFoundError
from keys.public import MAX_KEY_BYTES, PublicKey
from signer.attestation import parse_attestation
from signer.limits import MAX_TRUST_POLICY_BYTES, MAX_TRUSTED_ROOT_BYTES
from signer.predicates.release import ReleasePredicate
from signer.tlog.checkpoint import Checkpoint, open_checkpoint
from signer.trust import Expected, Trust
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TransparencyLog, TrustedRoot
from signer.verify import verify_attestation
from trustacks.errors import NotLoggedInError, PinChangedError
from trustacks.limits import MAX_ROOT_BYTES
from trustacks.parents import ParentArchives, store_directory, store_parents


@dataclass(frozen=True, slots=True)
class Head:
    """The newest release.

    Attributes:
        digest: SHA-256 of the PAE of its attestation.
        release: What its release identity said.
        attestations: Those published with it, by the digest of their PAE.
    """

    digest: Digest
    release: ReleasePredicate
    attestations: Mapping[Digest, bytes]


@dataclass(frozen=True, slots=True)
class Pinned:
    """A workspace as its admins signed it, verified from the pin.

    Attributes:
        view: The metadata.
        trust: Who may say what.
        policy: The bytes of the trust policy.
        trusted_root: The bytes of the Sigstore trusted root.
        fetched: The files that the metadata lists.
    """

    view: TufView
    trust: Trust
    policy: bytes
    trusted_root: bytes
    fetched: Fetched

    @classmethod
    def of(cls, fetched: Fetched, *, at: datetime) -> Self:
        """Verify what was fetched.

        Raises:
            VerificationError: Metadata or trust that a Runner would refuse.
            FormatError: A file that is not what its name says.
        """
        view = read_view(fetched.roots, fetched.targets, fetched.release, at=at)
        policy = fetched.target(POLICY_TARGET, max_bytes=MAX_TRUST_POLICY_BYTES)
        root = fetched.target(TRUSTED_ROOT_TARGET, max_bytes=MAX_TRUSTED_ROOT_BYTES)
        trust = Trust(
            workspace=view.workspace,
            form=view.form,
            policy=TrustPolicy.parse(policy),
            trusted_root=TrustedRoot.parse(root),
        )
        trust.policy.require_custody(view.form)
        check_one_purpose(view, trust)
        trust = keep_named(trust, fetched.chain)
        return cls(view, trust, policy, root, fetched)

    @property
    def log(self) -> TransparencyLog:
        """The workspace's log.

        Raises:
            NotFoundError: The trusted root names none.
        """
        if not self.trust.trusted_root.logs:
            raise NotFoundError("expected a log in the trusted root, got none")
        return self.trust.trusted_root.logs[0]

    @property
    def release_key(self) -> Key:
        """The key that the targets delegate releases to."""
        return delegated_key(
            parse_metadata(self.fetched.targets, Targets, TARGETS).signed
        )

    def head(self, *, at: datetime) -> Head | None:
        """Return the newest release, or None before the first.

        Raises:
            VerificationError: Its release identity's word does not hold at ``at``.
            FormatError: What is published is not what its name says.
        """
        revision = self.view.revision
        if revision is None:
            return None
        name = attestations_target(revision)
        lines = self.fetched.target(name, max_bytes=MAX_TARGET_BYTES)
        found = sort_attestations(lines)
        claimed = Expected.as_claimed(parse_attestation(found.release))
        expected = Expected(ReleasePredicate.type, claimed.subjects)
        said = verify_attestation(
            found.release, trust=self.trust, expected=expected, at=at
        ).require()
        release = said.said(ReleasePredicate)
        if release.revision != revision:
            raise ReleaseRevisionError(
                f"expected revision {revision}, got {release.revision}"
            )
        return Head(found.digest, release, found.others)

    def parents(self) -> ParentArchives:
        """Return the pinned layers."""
        packs = sorted(self.trust.policy.layers.packs)
        return ParentArchives(
            self.fetched.target(CONSTITUTION_TARGET, max_bytes=MAX_TARGET_BYTES),
            {
                name: self.fetched.target(pack_target(name), max_bytes=MAX_TARGET_BYTES)
                for name in packs
            },
        )

    def checkpoint(self, raw: bytes) -> Checkpoint:
        """Open a checkpoint of the workspace's log."""
        return open_checkpoint(raw, origin=self.log.origin, key=self.log.key)


class PinnedStore:
    """The folder of one pinned workspace.

    Args:
        home: The folder of all workspaces.
        root: SHA-256 of the pinned root.
        url: The Control Plane's address.
        name: The workspace's name there.
    """

    def __init__(self, home: Path, *, root: Digest, url: str, name: str) -> None:
        self.directory = store_directory(home, root)
        self._digest = root
        self._url = f"{url}/w/{quote(name, safe='')}"

    def pin(self, root: bytes) -> None:
        """Keep the root; from now on everything is verified from it.

        Raises:
            PinChangedError: Another root than the one that the store is for.
            VerificationError: Not a root that its own keys signed.
        """
        self._require_pin(root)
        open_roots([root])
        make_directory(self.directory, mode=0o700)
        create_file(self.directory / "1.root.json", root)

    @property
    def root(self) -> bytes:
        """The pinned root.

        Raises:
            NotLoggedInError: It is not here.
            PinChangedError: The file was changed.
        """
        path = self.directory / "1.root.json"
        try:
            root = read_file(path, max_bytes=MAX_ROOT_BYTES)
        except NotFoundError as error:
            raise NotLoggedInError(
                f"expected the pinned root at {path}, got none",
                hint="pin it again: trustacks login",
            ) from error
        self._require_pin(root)
        return root

    @property
    def workspace(self) -> Digest:
        """SHA-256 of the genesis root, which a later pinned root names.

        Raises:
            NotLoggedInError: Nothing is pinned here.
            PinChangedError: The file was changed.
        """
        return open_roots([self.root]).workspace

    @property
    def log_key(self) -> PublicKey:
        """The key of the workspace's log, as admins signed it at the last refresh.

        Raises:
            NotLoggedInError: Nothing was fetched yet.
        """
        path = self.directory / "log.pub"
        try:
            return PublicKey.from_pem(read_file(path, max_bytes=MAX_KEY_BYTES))
        except NotFoundError as error:
            raise NotLoggedInError(
                f"expected the log's key at {path}, got none", hint="trustacks login"
            ) from error

    def refresh(self, *, at: datetime) -> Pinned:
        """Fetch what is new, verify it, and keep the layers for authors.

        Raises:
            UnavailableError: No answer.
            VerificationError: Metadata or trust that a Runner would refuse.
        """
        pinned = Pinned.of(self.client().refresh(), at=at)
        keep_file(self.directory / "log.pub", pinned.log.key.pem.encode())
        store_parents(self.directory, pinned.parents())
        return pinned

    def roots(self) -> tuple[bytes, ...]:
        """Return every root that is published, from the pinned one, expired or not.

        Raises:
            UnavailableError: No answer.
            VerificationError: What is served is no root that could follow.
        """
        return self.client().roots()

    def cached(self, *, at: datetime) -> Pinned:
        """Verify what was fetched before; opens no connection.

        Raises:
            NotFoundError: Nothing was fetched yet.
            VerificationError: It holds no longer, for example because it expired.
        """
        return Pinned.of(self.client().cached(), at=at)

    def expiries(self) -> dict[str, datetime]:
        """Return when each role below the root expires, as at the last refresh.

        Raises:
            VerificationError: Nothing was fetched yet.
        """
        return self.client().expiries()

    def client(self) -> TufClient:
        """Return the client of the workspace's metadata, with its cache here."""
        folder = self.directory / "tuf"
        make_directory(folder, mode=0o700)
        return TufClient(root=self.root, directory=folder, url=self._url)

    def _require_pin(self, root: bytes) -> None:
        if Digest.of(root) != self._digest:
            raise PinChangedError(
                f"expected the root {self._digest}, got {Digest.of(root)}",
                hint="ask an admin which is right; pin it with --root FILE",
            )
