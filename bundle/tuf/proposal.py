# SPDX-License-Identifier: Apache-2.0
"""A trust proposal: the next targets metadata, whole, before its admins have signed it.

In the sovereign form nobody holds enough keys to sign trust alone. A proposal carries
the exact metadata from admin to admin; each reads what it would change and signs those
same bytes with their own key, wherever that key is. When the threshold of the root is
met, ``assemble`` joins metadata and signatures, and everybody gets the same bytes.

A proposal grants nothing and nobody's word is taken for it: whoever signs computes from
their own pinned state what it changes (``bundle.trust_diff``), and what is assembled is
judged by ``bundle.tuf.view.read_view`` like any other targets.

Format: docs/formats/trust-proposal.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from securesystemslib.signer import Key
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, Targets

from bundle.limits import MAX_TARGETS_BYTES
from bundle.tuf.documents import target_file
from bundle.tuf.errors import (
    TrustProposalStaleError,
    TufDelegationError,
    TufSignatureError,
)
from bundle.tuf.metadata import parse_metadata
from bundle.tuf.roles import (
    EXTENSION,
    ONLINE_THRESHOLD,
    RELEASE,
    RELEASE_PATHS,
    TARGETS,
    TERMS,
)
from keys.digest import Digest
from keys.errors import FormatError
from keys.fields import Fields
from keys.strict import b64encode, dumps_json, loads_json
from signer.predicates.trust_change import Change

FORMAT: Final = "https://trustacks.com/formats/trust-proposal/v1"
# Base64 of the metadata, and a little JSON around it.
MAX_PROPOSAL_BYTES: Final = 2 * MAX_TARGETS_BYTES
_MAX_SIGNATURE_BYTES: Final = 2_048


@dataclass(frozen=True, slots=True)
class Base:
    """The targets that a proposal replaces.

    Attributes:
        version: Their version.
        digest: SHA-256 of their bytes.
    """

    version: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class ProposalSignature:
    """One admin's signature of a proposal.

    Attributes:
        key_id: The key's id in the root.
        signature: Over the canonical form of the metadata's signed part.
    """

    key_id: str
    signature: bytes

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse a signature.

        Raises:
            FormatError: Another shape.
        """
        key_id = fields.digest("key").hex
        raw = fields.base64("signature", max_bytes=_MAX_SIGNATURE_BYTES)
        fields.done()
        return cls(key_id, raw)

    def to_json(self) -> dict[str, str]:
        """Return it as a document."""
        return {"key": f"sha256:{self.key_id}", "signature": b64encode(self.signature)}


@dataclass(frozen=True, slots=True)
class TrustProposal:
    """The next targets, unsigned.

    Attributes:
        workspace: SHA-256 of the genesis root.
        base: What it replaces; none for the first targets of a workspace.
        change: What the trust-change event will say.
        targets: The metadata file without signatures.
    """

    workspace: Digest
    base: Base | None
    change: Change
    targets: bytes = field(repr=False)

    def __post_init__(self) -> None:
        opened = self._opened()
        if opened.signatures:
            raise TufSignatureError("expected a proposal without signatures, got some")
        if opened.to_bytes() != self.targets:
            raise FormatError("expected the metadata in its one form, got another")

    @property
    def id(self) -> Digest:
        """SHA-256 of ``to_bytes``."""
        return Digest.of(self.to_bytes())

    @property
    def version(self) -> int:
        """The version of targets that it proposes."""
        return self._opened().signed.version

    @property
    def expires(self) -> datetime:
        """Until when the proposed targets hold."""
        return self._opened().signed.expires

    @property
    def signed(self) -> Targets:
        """The proposed targets."""
        return self._opened().signed

    @property
    def checkpoint(self) -> str:
        """The log's signed note that the proposer saw."""
        said = self.signed.unrecognized_fields.get(EXTENSION)
        return Fields(said, "targets.x-trustacks").text("checkpoint")

    @property
    def signed_bytes(self) -> bytes:
        """What admins sign: the canonical form, TUF 1.0.31 §4.2."""
        return self._opened().signed_bytes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse what ``to_bytes`` wrote.

        Raises:
            FormatError: Something else.
        """
        value = loads_json(data, max_bytes=MAX_PROPOSAL_BYTES, what="trust proposal")
        fields = Fields(value, "trust proposal")
        fields.constant("format", FORMAT)
        proposal = cls(
            workspace=fields.digest("workspace"),
            base=_base(fields),
            change=Change.parse(fields.object("change")),
            targets=fields.base64("targets", max_bytes=MAX_TARGETS_BYTES),
        )
        fields.done()
        if proposal.to_bytes() != data:
            raise FormatError("expected a proposal in its one form, got another")
        return proposal

    def to_bytes(self) -> bytes:
        """Return the proposal as a file; its digest is its id."""
        base = self.base
        return dumps_json(
            {
                "format": FORMAT,
                "workspace": str(self.workspace),
                "base": base and {"version": base.version, "digest": str(base.digest)},
                "change": self.change.to_json(),
                "targets": b64encode(self.targets),
            }
        )

    def require_base(self, current: Base | None) -> None:
        """Refuse a proposal that was made on other targets than those in force.

        Raises:
            TrustProposalStaleError: It was.
        """
        if self.base != current:
            raise TrustProposalStaleError(
                f"expected a proposal on targets {_said(current)}, "
                f"got one on {_said(self.base)}",
                hint="look at what came between (`trustacks trust diff`), then propose "
                "the change again: signatures of other bytes do not carry over",
            )

    def _opened(self) -> Metadata[Targets]:
        return parse_metadata(self.targets, Targets, TARGETS)


def delegated_key(targets: Targets) -> Key:
    """Return the key that targets delegate releases to.

    Raises:
        TufDelegationError: Not one key.
    """
    keys = list(targets.delegations.keys.values()) if targets.delegations else []
    if len(keys) != 1:
        raise TufDelegationError(f"{RELEASE}: expected one key, got {len(keys)}")
    return keys[0]


def build_proposal(  # noqa: PLR0917 - one thing that has six parts
    workspace: Digest,
    base: Base | None,
    version: int,
    files: Mapping[str, bytes],
    release_key: Key,
    change: Change,
    *,
    checkpoint: str,
    at: datetime,
) -> TrustProposal:
    """Propose targets.

    Args:
        workspace: SHA-256 of the genesis root.
        base: The targets in force.
        version: Above every version that was ever proposed.
        files: Every trust file and layer, by target name.
        release_key: Of the delegated role, as the targets in force name it.
        change: What the event will say.
        checkpoint: The log's signed note that the proposer saw.
        at: Now; the targets live from here.
    """
    role = DelegatedRole(
        RELEASE,
        [release_key.keyid],
        ONLINE_THRESHOLD,
        terminating=True,
        paths=list(RELEASE_PATHS),
    )
    signed = Targets(
        version=version,
        expires=at + TERMS[TARGETS].life,
        targets={path: target_file(path, data) for path, data in files.items()},
        delegations=Delegations({release_key.keyid: release_key}, {RELEASE: role}),
        unrecognized_fields={EXTENSION: {"checkpoint": checkpoint}},
    )
    return TrustProposal(workspace, base, change, Metadata(signed).to_bytes())


def _base(fields: Fields) -> Base | None:
    if fields.is_null("base"):
        return None
    found = fields.object("base")
    base = Base(found.integer("version", minimum=1), found.digest("digest"))
    found.done()
    return base


def _said(base: Base | None) -> str:
    return "(none)" if base is None else f"{base.version} ({base.digest})"
