# SPDX-License-Identifier: Apache-2.0
"""The seam of who signs in a workspace: a key, or the subject of an OIDC token.

What is signed is built, shown and verified by the rooms that use it; which identity it
is, and how its signature is made, are behind this seam. Of a key the identity is the
one that has it; of a certificate the one whose subject it names, in the instance that
certified (``trustacks.claimant``).
"""

from dataclasses import dataclass
from typing import Protocol

from keys.signing import SigningKey
from signer.identity import Identity
from signer.sign import attest
from signer.trust import Trust
from trustacks.client import WorkspaceApi
from trustacks.notary import RemoteNotary


class Signatory(Protocol):
    """Somebody who signs statements of a workspace.

    Duties: ``identity`` is who the trust policy says it is, and ``attest`` signs as
    that one, stamps and logs, and returns what the log completed. Nothing is verified
    but that it is the same statement: that is the caller's.
    """

    def identity(self, trust: Trust) -> Identity:
        """Return who signs.

        Raises:
            UnknownSignerError: Nobody who is registered.
        """

    def attest(self, statement: bytes, *, api: WorkspaceApi, trust: Trust) -> bytes:
        """Return the attestation of a statement, stamped and logged."""


@dataclass(frozen=True, slots=True)
class KeySignatory:
    """Whoever has a key.

    Attributes:
        key: The key.
    """

    key: SigningKey

    def identity(self, trust: Trust) -> Identity:
        """Return whose key it is.

        Raises:
            UnknownSignerError: Nobody's.
        """
        return trust.policy.identity_by_key(self.key.public_key.key_id)

    def attest(self, statement: bytes, *, api: WorkspaceApi, trust: Trust) -> bytes:  # noqa: ARG002 - a key needs no instance
        """Return the attestation of a statement, stamped and logged.

        Raises:
            TrustacksError: As ``signer.sign.attest``.
        """
        return attest(statement, key=self.key, notary=RemoteNotary(api))
