# SPDX-License-Identifier: Apache-2.0
"""Who sees a signature: timestamp authorities first, then a log.

The order is the module's reason: an entry is for ever, so nothing is logged that could
not be finished. ``InstanceWitnesses`` are those of a SigningConfig; ``NotaryWitnesses``
those of a workspace, whose log takes the whole attestation, and timestamp authorities
of the instance besides, because the minutes of a certificate need a time from outside
(ADR 0040).
"""

import secrets
from dataclasses import dataclass, field
from typing import Final, Protocol

from keys.errors import UnavailableError
from signer.attestation import build_attestation, parse_attestation
from signer.errors import NotLoggedError
from signer.keyless.errors import STAMPING
from signer.keyless.http import Http, answered
from signer.keyless.rekor import Proposal, log_signature
from signer.keyless.signing_config import Selection, Service
from signer.sign import Notary
from signer.timestamp.request import build_request, parse_response
from signer.tlog.entry import LogEntry

_QUERY: Final = "application/timestamp-query"
# RFC 3161 §2.4.1: "e.g., a 64 bit integer".
_NONCE_BITS: Final = 64


class Witnesses(Protocol):
    """The witnesses of one signature, asked in this order."""

    @property
    def stamps(self) -> int:
        """How many timestamps a signature gets."""

    def stamp(self, signature: bytes) -> tuple[bytes, ...]:
        """Return RFC 3161 responses over the signature, one at least."""

    def log(self, proposal: Proposal, tokens: tuple[bytes, ...]) -> LogEntry:
        """Return the entry of a stamped signature, once it is durable."""

    def released(self, bundle: bytes) -> bytes:
        """Return what is to be verified and released: the bundle, or what they keep."""


@dataclass(frozen=True, slots=True)
class InstanceWitnesses:
    """The witnesses of a Sigstore instance.

    Attributes:
        http: Asks them.
        authorities: The timestamp authorities.
        service: The log.
    """

    http: Http
    authorities: Selection
    service: Service

    @property
    def stamps(self) -> int:
        """How many timestamps a signature gets."""
        return self.authorities.needed

    def stamp(self, signature: bytes) -> tuple[bytes, ...]:
        """Return as many RFC 3161 responses over the signature as are needed.

        Raises:
            StampingUnavailableError: Too few answer; or ``StampingSlowError``.
            StampingRefusedError: One refuses.
            StampingAnswerError: One answers something that is no timestamp of this.
        """
        return stamp_with(self.http, self.authorities, signature)

    def log(self, proposal: Proposal, tokens: tuple[bytes, ...]) -> LogEntry:  # noqa: ARG002 - a log of signatures takes no tokens
        """Return the log's entry of a signature.

        Raises:
            TrustacksError: As ``signer.keyless.rekor.log_signature``.
        """
        return log_signature(self.http, self.service, proposal)

    def released(self, bundle: bytes) -> bytes:
        """Return the bundle."""
        return bundle


@dataclass(slots=True)
class NotaryWitnesses:
    """The witnesses of a workspace, and timestamp authorities of an instance.

    Attributes:
        notary: The workspace's.
        http: Asks the authorities.
        authorities: The instance's; none if the workspace's own is enough.
        completed: What the notary gave back, with its entry.
    """

    notary: Notary
    http: Http
    authorities: Selection | None
    completed: bytes = field(default=b"", init=False)

    @property
    def stamps(self) -> int:
        """How many timestamps a signature gets: the workspace's, and others'."""
        return 1 + (self.authorities.needed if self.authorities else 0)

    def stamp(self, signature: bytes) -> tuple[bytes, ...]:
        """Return the workspace's token, and those of the instance.

        Raises:
            TrustacksError: What the notary says, or as ``InstanceWitnesses.stamp``.
        """
        mine = self.notary.timestamp(signature)
        if self.authorities is None:
            return (mine,)
        return (mine, *stamp_with(self.http, self.authorities, signature))

    def log(self, proposal: Proposal, tokens: tuple[bytes, ...]) -> LogEntry:
        """Return the workspace log's entry of an attestation, which it keeps.

        Raises:
            NotLoggedError: It gave back another statement or signer, or no entry.
            TrustacksError: What the notary says.
        """
        if proposal.envelope is None:
            raise NotLoggedError("expected a statement for a workspace, got a file")
        pending = build_attestation(
            envelope=proposal.envelope,
            key=proposal.verifier.key,
            timestamps=tokens,
            certificate=proposal.verifier.certificate,
        )
        completed = parse_attestation(self.notary.log(pending))
        envelope, leaf = completed.envelope, completed.leaf
        certificate = leaf.der if leaf is not None else None
        sent = proposal.envelope.payload, proposal.verifier.certificate
        if (envelope.payload, certificate) != sent:
            raise NotLoggedError("expected the statement that was sent, got another")
        envelope.require_signed_by(proposal.verifier.key)
        if len(completed.entries) != 1:
            raise NotLoggedError("expected one log entry of this signature, got none")
        self.completed = completed.raw
        return completed.entries[0]

    def released(self, bundle: bytes) -> bytes:  # noqa: ARG002 - the log's is kept
        """Return the attestation as the log completed it, which everybody gets."""
        return self.completed


def stamp_with(http: Http, asked: Selection, signature: bytes) -> tuple[bytes, ...]:
    """Return RFC 3161 responses of as many authorities as are needed.

    Where any will do, one that cannot be reached is passed over; one that refuses or
    answers something else is not.

    Raises:
        StampingUnavailableError: Too few answer; or ``StampingSlowError``.
        StampingRefusedError: One refuses.
        StampingAnswerError: One answers something that is no timestamp of this.
    """
    found: list[bytes] = []
    spare = len(asked.services) - asked.needed
    for service in asked.services:
        if len(found) == asked.needed:
            break
        try:
            found.append(_stamp(http, service.url, signature))
        except UnavailableError:
            spare -= 1
            if spare < 0:
                raise
    return tuple(found)


def _stamp(http: Http, url: str, signature: bytes) -> bytes:
    nonce = secrets.randbits(_NONCE_BITS)
    request = build_request(signature, nonce=nonce)
    answer = http.post(url, request, kind=_QUERY, refusals=STAMPING)
    with answered(STAMPING, url):
        return parse_response(answer.body, nonce=nonce)
