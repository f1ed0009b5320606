# SPDX-License-Identifier: Apache-2.0
"""The files in a ceremony's folder: read with bounds, written whole, never changed.

Only the root changes: admins add their signatures to it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bundle.limits import MAX_TARGET_BYTES
from bundle.trust_proposal import digests_of
from bundle.tuf.proposal import (
    MAX_PROPOSAL_BYTES,
    ProposalSignature,
    TrustProposal,
)
from keys.digest import Digest
from keys.durable import create_file, make_directory, read_file
from keys.errors import NotFoundError
from keys.fields import Fields
from keys.strict import dumps_json, loads_json
from trustacks.trust_errors import CeremonyStepError

_PROPOSAL: Final = "proposal.json"
_MAX_SIGNATURE_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class CeremonyFolder:
    """A folder by its parts.

    Attributes:
        path: Where it lies.
    """

    path: Path

    def read(self, name: str, max_bytes: int) -> bytes | None:
        """Return a file; none if it is not there.

        Raises:
            LimitExceededError: It is larger.
        """
        try:
            return read_file(self.path / name, max_bytes=max_bytes)
        except NotFoundError:
            return None

    def create(self, name: str, data: bytes) -> None:
        """Write a file once; the same again is success.

        Raises:
            WriteConflictError: There is another.
        """
        path = self.path / name
        make_directory(path.parent)
        create_file(path, data)

    @property
    def proposal(self) -> TrustProposal | None:
        """The first trust; none before it was made.

        Raises:
            FormatError: The file is something else.
        """
        raw = self.read(_PROPOSAL, MAX_PROPOSAL_BYTES)
        return None if raw is None else TrustProposal.parse(raw)

    def propose(self, proposal: TrustProposal, files: Iterable[bytes]) -> None:
        """Write a proposal, the files that it lists first.

        Raises:
            WriteConflictError: There is another.
        """
        for data in files:
            self.create(f"files/{Digest.of(data).hex}", data)
        self.create(_PROPOSAL, proposal.to_bytes())

    def listed(self, proposal: TrustProposal) -> dict[str, bytes]:
        """Return the files that a proposal lists, by target name.

        Raises:
            CeremonyStepError: One is not there, or was changed.
        """
        return {path: self._file(one) for path, one in digests_of(proposal).items()}

    def signatures(self) -> Sequence[ProposalSignature]:
        """Return the signatures of the proposal, not yet verified.

        Raises:
            FormatError: A file that is none.
        """
        names = sorted((self.path / "signatures").glob("*.json"))
        return [self._signature(f"signatures/{path.name}") for path in names]

    def sign(self, name: str, signature: ProposalSignature) -> None:
        """Write a signature of the proposal.

        Raises:
            WriteConflictError: There is another of that name.
        """
        self.create(f"{name}.json", dumps_json(signature.to_json()))

    def signature(self, name: str) -> ProposalSignature | None:
        """Return the signature of that name; none if it is not there."""
        there = (self.path / f"{name}.json").exists()
        return self._signature(f"{name}.json") if there else None

    def _signature(self, name: str) -> ProposalSignature:
        raw = self.read(name, _MAX_SIGNATURE_BYTES) or b""
        value = loads_json(raw, max_bytes=_MAX_SIGNATURE_BYTES, what=name)
        return ProposalSignature.parse(Fields(value, name))

    def _file(self, digest: Digest) -> bytes:
        data = self.read(f"files/{digest.hex}", MAX_TARGET_BYTES)
        if data is None or Digest.of(data) != digest:
            raise CeremonyStepError(
                f"expected the file {digest} in {self.path / 'files'}, got another"
            )
        return data
