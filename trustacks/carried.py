# SPDX-License-Identifier: Apache-2.0
"""A trust proposal in a folder, for admins whose machine has no network.

::

    in-force.tar             the metadata in force, roots from the pinned one on
    proposal.json
    files/<SHA-256>          what both list; releases that survive, by their PAE
    signatures/<SPKI>.json   the admins' signatures, one for each key

Whoever signs has a pin of their own and computes from the folder what is in force and
what would change. A machine remembers the newest trust that it was brought, and refuses
to sign on an older one. Each step reads the folder anew and writes one thing whole.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from bundle.limits import BUNDLE_BOUNDS, MAX_TARGET_BYTES
from bundle.trust_proposal import digests_of
from bundle.tuf.errors import TufExpiredError
from bundle.tuf.fetched import Fetched
from bundle.tuf.files import Files
from bundle.tuf.outlived import last_instant, require_not_older
from bundle.tuf.proposal import MAX_PROPOSAL_BYTES, ProposalSignature, TrustProposal
from bundle.tuf.proposal_signing import sign_proposal
from bundle.tuf.rootchain import open_roots
from keys.digest import Digest
from keys.durable import create_file, make_directory, read_file
from keys.errors import FormatError, NotFoundError, UnavailableError
from keys.fields import Fields
from keys.signing import SigningKey
from keys.strict import dumps_json, loads_json
from trustacks.errors import PinChangedError
from trustacks.pinned import Pinned, PinnedStore
from trustacks.trust_errors import CarriedFolderError
from trustacks.trusting import Reviewed, in_force, review

_MAX_SIGNATURE_BYTES: Final = 4096


class Carried:
    """A folder with a proposal in it.

    Args:
        folder: Where it lies.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def pack(cls, folder: Path, reviewed: Reviewed, pinned: Pinned) -> "Carried":
        """Fill a folder with a proposal and what it would replace.

        Raises:
            WriteConflictError: Something else lies there.
            StorageUnavailableError: It cannot be written; pack it again.
        """
        files, there = folder / "files", in_force(pinned).files
        make_directory(files)
        for data in (*reviewed.files.values(), *there.values()):
            create_file(files / Digest.of(data).hex, data)
        for digest in reviewed.trust.policy.named_releases:
            create_file(files / digest.hex, pinned.fetched.chain(digest))
        create_file(folder / "in-force.tar", pinned.fetched.to_bytes())
        made = cls(folder)
        for spki, one in reviewed.signatures.items():
            made.add(spki, one)
        create_file(folder / "proposal.json", reviewed.proposal.to_bytes())
        return made

    @property
    def proposal(self) -> TrustProposal:
        """The proposal.

        Raises:
            CarriedFolderError: There is none.
            FormatError: Something else.
        """
        return TrustProposal.parse(self._read("proposal.json", MAX_PROPOSAL_BYTES))

    @property
    def signatures(self) -> Sequence[ProposalSignature]:
        """The signatures, not verified."""
        found = []
        for path in sorted((self.folder / "signatures").glob("*.json")):
            raw = read_file(path, max_bytes=_MAX_SIGNATURE_BYTES)
            value = loads_json(raw, max_bytes=_MAX_SIGNATURE_BYTES, what=path.name)
            found.append(ProposalSignature.parse(Fields(value, path.name)))
        return found

    def review(
        self,
        store: PinnedStore,
        *,
        at: datetime,
        outlived: Callable[[Pinned], None] | None = None,
    ) -> Reviewed:
        """Judge the proposal from this machine's pin; the newest trust is remembered.

        Args:
            store: The pin, and what was brought here before.
            at: Now.
            outlived: Told of trust that has expired and is judged by its last second;
                without it such trust is refused.

        Raises:
            CarriedFolderError: Something is missing.
            PinChangedError: Metadata of another workspace.
            TufRollbackError: Trust that is older than what was brought here before.
            TrustacksError: As ``bundle.trust_proposal.judge_proposal``.
        """
        files = Files(self.folder / "files", "", None)
        data = self._read("in-force.tar", BUNDLE_BOUNDS.max_bytes)
        fetched = _from_pin(store, Fetched.from_bytes(data, files, files, files))
        try:
            pinned = _judged(fetched, at, outlived)
            now = in_force(pinned)
        except UnavailableError as error:
            raise _incomplete(self.folder, error.message) from error
        proposal = self.proposal
        listed = {
            path: self._read(f"files/{digest.hex}", MAX_TARGET_BYTES)
            for path, digest in digests_of(proposal).items()
        }
        roots = open_roots(fetched.roots)
        found = review(proposal, roots, now, listed, self.signatures, at=at)
        store.client().keep(fetched)
        return found

    def sign(self, reviewed: Reviewed, key: SigningKey) -> ProposalSignature:
        """Sign what was judged; the same key again is success.

        Raises:
            TufKeyError: The root does not name the key for targets.
        """
        spki = key.public_key.key_id
        if spki in reviewed.signatures:
            return reviewed.signatures[spki]
        made = sign_proposal(reviewed.proposal, reviewed.roots.current, key)
        self.add(spki, made)
        return made

    def add(self, spki: str, signature: ProposalSignature) -> None:
        """Put a signature into the folder."""
        make_directory(self.folder / "signatures")
        path = self.folder / "signatures" / f"{spki}.json"
        create_file(path, dumps_json(signature.to_json()))

    def _read(self, name: str, max_bytes: int) -> bytes:
        try:
            return read_file(self.folder / name, max_bytes=max_bytes)
        except NotFoundError as error:
            raise _incomplete(self.folder, f"expected {name}, got none") from error


def _incomplete(folder: Path, what: str) -> CarriedFolderError:
    return CarriedFolderError(
        f"{folder}: {what}",
        hint="carry the proposal again: trustacks trust carry FOLDER",
    )


def _from_pin(store: PinnedStore, fetched: Fetched) -> Fetched:
    """Return what was brought from this machine's pin on, which may be a later one."""
    pin = store.root
    if pin not in fetched.roots:
        raise PinChangedError(
            f"expected the root {Digest.of(pin)} among those in force, got others",
            hint="the folder is another workspace's, or the pin is",
        )
    found = replace(fetched, roots=fetched.roots[fetched.roots.index(pin) :])
    with contextlib.suppress(NotFoundError, FormatError):
        require_not_older(found, store.client().cached())
    return found


def _judged(
    fetched: Fetched, at: datetime, outlived: Callable[[Pinned], None] | None
) -> Pinned:
    try:
        return Pinned.of(fetched, at=at)
    except TufExpiredError:
        if outlived is None:
            raise
    found = Pinned.of(fetched, at=last_instant(fetched, at))
    outlived(found)
    return found
