# SPDX-License-Identifier: Apache-2.0
"""Timestamps and log entries from a Control Plane, for statements signed here.

The nonce of a timestamp request is ours; the answers are verified by whoever signs,
against pinned trust, before they are kept.
"""

import secrets
from dataclasses import dataclass

from signer.timestamp.request import build_request, parse_response
from trustacks.client import Client, WorkspaceApi

# RFC 3161 §2.4.1: "a large random number with a high probability that it is generated
# by the client only once (e.g., a 64 bit integer)".
_NONCE_BITS = 64


@dataclass(frozen=True, slots=True)
class RemoteNotary:
    """A ``signer.sign.Notary`` behind the API of one workspace.

    Attributes:
        api: The workspace's API.
    """

    api: WorkspaceApi

    def timestamp(self, signature: bytes) -> bytes:
        """Return an RFC 3161 response over the signature.

        Raises:
            UnavailableError: No answer.
            FormatError: Not a timestamp response.
            VerificationError: The answer to another request.
        """
        return stamp_with(self.api.client, signature)

    def log(self, attestation: bytes) -> bytes:
        """Return the attestation with its log entry.

        Raises:
            ControlPlaneRefusalError: The Control Plane does not log it.
            UnavailableError: No answer.
        """
        return self.api.log(attestation)


def stamp_with(client: Client, signature: bytes) -> bytes:
    """Return an RFC 3161 response over a signature, from a server's authority.

    Raises:
        UnavailableError: No answer.
        FormatError: Not a timestamp response.
        VerificationError: The answer to another request.
    """
    nonce = secrets.randbits(_NONCE_BITS)
    answer = client.timestamp(build_request(signature, nonce=nonce))
    return parse_response(answer, nonce=nonce)
