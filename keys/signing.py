# SPDX-License-Identifier: Apache-2.0
"""The seam behind which every private key stays."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from keys.public import PublicKey

# Asked for "passphrase for <path>" or "pin for <token>"; asked again, never cached.
Secrets = Callable[[str], str]


class SigningKey(Protocol):
    """A private key that can be used but not read.

    Duties: ``sign`` hashes the message itself as the key's scheme says, and returns
    what ``public_key.verify`` accepts; it is safe to call from several threads.
    """

    @property
    def public_key(self) -> PublicKey:
        """The public half."""

    def sign(self, message: bytes) -> bytes:
        """Sign ``message``.

        Raises:
            KeyProviderError: The key cannot be used now.
        """


@dataclass(frozen=True)
class CheckedKey:
    """A signing key whose every signature is verified before it leaves.

    A KMS or HSM key registered with the wrong public half signs happily; without
    this, the first one to notice would be a Runner.
    """

    inner: SigningKey

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self.inner.public_key

    def sign(self, message: bytes) -> bytes:
        """Sign, then verify.

        Raises:
            KeyProviderError: The key cannot be used now.
            SignatureInvalidError: The private and public halves do not match.
        """
        signature = self.inner.sign(message)
        self.public_key.verify(signature, message)
        return signature
