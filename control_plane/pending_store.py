# SPDX-License-Identifier: Apache-2.0
"""Releases that wait for signatures, in a workspace's storage; not served.

::

    pending/<digest>/bundle.tar.gz                    the OPA bundle
    pending/<digest>/attestations.sigstore.jsonl      last: now it is there
    pending/<digest>/signatures/<key>.sigstore.json   one for each further key

``<digest>`` is that of the statement which everybody signs.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from bundle.pending import PendingRelease
from bundle.storage.interface import Storage
from bundle.tuf.committed import Committed
from bundle.tuf.view import ATTESTATIONS, BUNDLE, revision_of
from control_plane import limits
from keys.digest import Digest
from signer.attestation import parse_attestation
from signer.limits import MAX_ATTESTATION_BYTES

_FOLDER: Final = "pending"


class PendingStore:
    """The releases of one workspace that wait.

    Args:
        storage: The workspace's.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def keep(self, pending: PendingRelease) -> None:
        """Store a release that waits; the same again is success.

        Raises:
            WriteConflictError: It is there with another first signature, or others.
            StorageError: It may or may not be there; repeat the call.
        """
        folder = _folder(pending.digest)
        self._storage.put_immutable(f"{folder}/{BUNDLE}", pending.bundle)
        self._storage.put_immutable(f"{folder}/{ATTESTATIONS}", pending.lines)

    def digests(self) -> list[Digest]:
        """Return the digest of every release that waits."""
        names = self._storage.names(f"{_FOLDER}/")
        whole = [name for name in names if name.endswith(f"/{ATTESTATIONS}")]
        return [Digest(name.split("/")[1]) for name in whole]

    def get(self, digest: Digest) -> PendingRelease:
        """Return a release with every signature that it has.

        Raises:
            NotFoundError: There is none.
        """
        folder = _folder(digest)
        lines = self._get(f"{folder}/{ATTESTATIONS}")
        pending = PendingRelease.of(self._get(f"{folder}/{BUNDLE}"), lines)
        names = self._storage.names(f"{folder}/signatures/")
        return pending.signed(
            self._storage.get(name, max_bytes=MAX_ATTESTATION_BYTES) for name in names
        )

    def sign(self, digest: Digest, raw: bytes) -> None:
        """Store a further signature.

        Raises:
            StorageError: It may or may not be there; repeat the call.
        """
        key = parse_attestation(raw).key_id
        name = f"{_folder(digest)}/signatures/{key}.sigstore.json"
        self._storage.put_immutable(name, raw)

    def stale(self, state: Committed, *, at: datetime) -> Iterator[str]:
        """Yield the objects of releases that can never be published any more.

        Of a revision that there is, under other targets than those in force, or past
        their expiry; and what a crash left of one that was not kept.
        """
        listed = state.delegated.signed.targets
        highest = max((revision_of(path) for path in listed), default=0)
        targets = Digest.of(state.targets)
        kept = set()
        for digest in self.digests():
            said = self.get(digest).link.release
            alive = said.revision > highest and at < said.expires
            if alive and said.targets.digest == targets:
                kept.add(_folder(digest))
        for name in self._storage.names(f"{_FOLDER}/"):
            if "/".join(name.split("/")[:2]) not in kept:
                yield name

    def _get(self, name: str) -> bytes:
        return self._storage.get(name, max_bytes=limits.MAX_STATIC_BYTES)


def _folder(digest: Digest) -> str:
    return f"{_FOLDER}/{digest.hex}"
