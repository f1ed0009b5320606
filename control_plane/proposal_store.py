# SPDX-License-Identifier: Apache-2.0
"""Trust proposals in a workspace's storage; not served with the repository.

::

    proposals/<id>/files/<SHA-256>             what the proposal lists
    proposals/<id>/proposal.json               last: now it is there
    proposals/<id>/signatures/<SPKI>.json      one for each admin's key
    proposals/<id>/move.json                   a move to the sovereign form, decided
"""

from collections.abc import Iterable, Iterator
from typing import Final

from bundle.storage.interface import Storage
from bundle.tuf.committed import Committed
from bundle.tuf.proposal import (
    MAX_PROPOSAL_BYTES,
    Base,
    ProposalSignature,
    TrustProposal,
)
from control_plane import limits
from control_plane.decided_move import MAX_DECIDED_BYTES, DecidedMove
from keys.digest import Digest
from keys.errors import NotFoundError
from keys.fields import Fields
from keys.strict import dumps_json, loads_json

_FOLDER: Final = "proposals"
_DECIDED: Final = "move.json"
_MAX_SIGNATURE_BYTES: Final = 4096


class ProposalStore:
    """The proposals of one workspace.

    Args:
        storage: The workspace's.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def keep(self, proposal: TrustProposal, files: Iterable[bytes]) -> None:
        """Store a proposal, its files first; the same again is success.

        Raises:
            StorageError: It may or may not be there; repeat the call.
        """
        folder = _folder(proposal.id)
        for digest, data in {Digest.of(data): data for data in files}.items():
            self._storage.put_immutable(f"{folder}/files/{digest.hex}", data)
        self._storage.put_immutable(f"{folder}/proposal.json", proposal.to_bytes())

    def ids(self) -> list[Digest]:
        """Return the id of every proposal that is there."""
        names = self._storage.names(f"{_FOLDER}/")
        whole = [name for name in names if name.endswith("/proposal.json")]
        return [Digest(name.split("/")[1]) for name in whole]

    def proposal(self, proposal_id: Digest) -> TrustProposal:
        """Return a proposal.

        Raises:
            NotFoundError: There is none.
        """
        name = f"{_folder(proposal_id)}/proposal.json"
        raw = self._storage.get(name, max_bytes=MAX_PROPOSAL_BYTES)
        return TrustProposal.parse(raw)

    def file(self, proposal_id: Digest, digest: Digest) -> bytes:
        """Return a file of a proposal.

        Raises:
            NotFoundError: There is none.
        """
        name = f"{_folder(proposal_id)}/files/{digest.hex}"
        return self._storage.get(name, max_bytes=limits.MAX_STATIC_BYTES)

    def files(self, proposal_id: Digest) -> dict[Digest, bytes]:
        """Return every file of a proposal."""
        prefix = f"{_folder(proposal_id)}/files/"
        names = self._storage.names(prefix)
        digests = [Digest(name.removeprefix(prefix)) for name in names]
        return {digest: self.file(proposal_id, digest) for digest in digests}

    def decide(self, proposal_id: Digest, decided: DecidedMove) -> None:
        """Store that a move will be carried out; once.

        Raises:
            WriteConflictError: Another was decided with this proposal.
            StorageError: It may or may not be there; repeat the call.
        """
        name = f"{_folder(proposal_id)}/{_DECIDED}"
        self._storage.put_immutable(name, decided.to_bytes())

    def decided(self, proposal_id: Digest) -> DecidedMove | None:
        """Return the move that was decided with a proposal, if one was.

        Raises:
            StorageError: The storage does not answer.
        """
        name = f"{_folder(proposal_id)}/{_DECIDED}"
        try:
            raw = self._storage.get(name, max_bytes=MAX_DECIDED_BYTES)
        except NotFoundError:
            return None
        return DecidedMove.parse(raw)

    def decisions(self) -> list[Digest]:
        """Return the id of every proposal with which a move was decided."""
        names = self._storage.names(f"{_FOLDER}/")
        found = [name for name in names if name.endswith(f"/{_DECIDED}")]
        return [Digest(name.split("/")[1]) for name in found]

    def sign(
        self, proposal_id: Digest, spki: str, signature: ProposalSignature
    ) -> None:
        """Store the signature of the key with this SPKI digest.

        Raises:
            StorageError: It may or may not be there; repeat the call.
        """
        name = f"{_folder(proposal_id)}/signatures/{spki}.json"
        self._storage.put_immutable(name, dumps_json(signature.to_json()))

    def signatures(self, proposal_id: Digest) -> list[ProposalSignature]:
        """Return the signatures of a proposal."""
        names = self._storage.names(f"{_folder(proposal_id)}/signatures/")
        return [self._signature(name) for name in names]

    def stale(self, state: Committed) -> Iterator[str]:
        """Yield the objects of proposals that can never be published any more.

        One of other targets than those in force, unless it is what is in force; and
        what a crash left of one that was not kept.
        """
        base = Base(state.top.version, Digest.of(state.targets))
        wanted = {
            _folder(one.id)
            for one in map(self.proposal, self.ids())
            if one.base == base or one.signed == state.top
        }
        for name in self._storage.names(f"{_FOLDER}/"):
            if "/".join(name.split("/")[:2]) not in wanted:
                yield name

    def _signature(self, name: str) -> ProposalSignature:
        raw = self._storage.get(name, max_bytes=_MAX_SIGNATURE_BYTES)
        value = loads_json(raw, max_bytes=_MAX_SIGNATURE_BYTES, what="signature")
        return ProposalSignature.parse(Fields(value, "signature"))


def _folder(proposal_id: Digest) -> str:
    return f"{_FOLDER}/{proposal_id.hex}"
