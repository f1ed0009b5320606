# SPDX-License-Identifier: Apache-2.0
"""A workspace as its admins signed it, verified from the pinned root.

Here is what needs no client: ``rule lint`` reads the pin many times a day, and a client
takes longer to load than a rule to lint. ``pinned`` fetches and keeps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from securesystemslib.signer import Key
from tuf.api.metadata import Targets

from bundle.gate.candidate import (
    CONSTITUTION_TARGET,
    POLICY_TARGET,
    TRUSTED_ROOT_TARGET,
    attestations_target,
    pack_target,
)
from bundle.gate.chain import open_head
from bundle.gate.errors import ReleaseRevisionError
from bundle.gate.named import keep_named
from bundle.gate.release import sort_attestations
from bundle.gate.standing import verify_release
from bundle.gate.trust import check_one_purpose
from bundle.limits import MAX_TARGET_BYTES
from bundle.tuf.fetched import Fetched, read_kept
from bundle.tuf.metadata import parse_metadata
from bundle.tuf.proposal import delegated_key
from bundle.tuf.roles import TARGETS
from bundle.tuf.view import TufView, read_view
from keys.digest import Digest
from keys.durable import read_file
from keys.errors import NotFoundError
from signer.limits import MAX_TRUST_POLICY_BYTES, MAX_TRUSTED_ROOT_BYTES
from signer.predicates.release import ReleasePredicate
from signer.tlog.checkpoint import Checkpoint, open_checkpoint
from signer.trust import Trust
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TransparencyLog, TrustedRoot
from trustacks.errors import NotLoggedInError, PinChangedError
from trustacks.limits import MAX_ROOT_BYTES
from trustacks.parents import ParentArchives

# What a client keeps, in the folder of a pinned workspace.
TUF: Final = "tuf"


@dataclass(frozen=True, slots=True)
class Head:
    """The newest release.

    Attributes:
        digest: SHA-256 of the PAE of its attestation.
        release: What its release identity said.
        attestations: Those published with it, by the digest of their PAE.
        cosigned: Further signatures of those and of itself, by the same digest.
    """

    digest: Digest
    release: ReleasePredicate
    attestations: Mapping[Digest, bytes]
    cosigned: Mapping[Digest, tuple[bytes, ...]]


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
            VerificationError: Its release identities' word does not hold at ``at``, or
                too few of them signed it.
            FormatError: What is published is not what its name says.
        """
        revision = self.view.revision
        if revision is None:
            return None
        name = attestations_target(revision)
        lines = self.fetched.target(name, max_bytes=MAX_TARGET_BYTES)
        found = sort_attestations(lines)
        link, further = open_head(found.release), found.cosigned.get(found.digest, ())
        verify_release(link, further, trust=self.trust, at=at)
        release = link.release
        if release.revision != revision:
            raise ReleaseRevisionError(
                f"expected revision {revision}, got {release.revision}"
            )
        return Head(found.digest, release, found.others, found.cosigned)

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


def read_pinned_root(directory: Path, digest: Digest) -> bytes:
    """Return the pinned root from a workspace's folder.

    Raises:
        NotLoggedInError: It is not here.
        PinChangedError: The file was changed.
    """
    path = directory / "1.root.json"
    try:
        root = read_file(path, max_bytes=MAX_ROOT_BYTES)
    except NotFoundError as error:
        raise NotLoggedInError(
            f"expected the pinned root at {path}, got none",
            hint="pin it again: trustacks login",
        ) from error
    require_pin(root, digest)
    return root


def require_pin(root: bytes, digest: Digest) -> None:
    """Refuse another root than the one that is pinned.

    Raises:
        PinChangedError: It is another.
    """
    if Digest.of(root) != digest:
        raise PinChangedError(
            f"expected the root {digest}, got {Digest.of(root)}",
            hint="ask an admin which is right; pin it with --root FILE",
        )


def read_pinned(directory: Path, digest: Digest, *, at: datetime) -> Pinned:
    """Verify what was fetched before; opens no connection.

    Args:
        directory: The workspace's folder.
        digest: SHA-256 of the pinned root.
        at: The instant.

    Raises:
        NotFoundError: Nothing was fetched yet.
        NotLoggedInError: Nothing is pinned here.
        VerificationError: It holds no longer, for example because it expired.
    """
    root = read_pinned_root(directory, digest)
    return Pinned.of(read_kept(directory / TUF, root=root), at=at)
