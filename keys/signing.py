# SPDX-License-Identifier: Apache-2.0
"""The seam behind which every private key stays.

What a provider opens cannot be handed to anybody who signs: it has no ``sign``. Only
``CheckedKey`` has, and it lets no signature out that the registered public key does
not verify.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from keys.errors import KeyMismatchError, SignatureInvalidError
from keys.public import PublicKey

# Asked for "passphrase for <path>" or "pin for <token>"; asked again, never cached.
Secrets = Callable[[str], str]
# How a question for a PIN begins. A token locks after a few wrong ones, so that a
# passphrase must never be tried as one.
PIN_PROMPT: Final = "pin for "


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


class ProviderKey(Protocol):
    """What a provider opens: nobody has checked yet that the halves match.

    Duties: safe to call from several threads; a signature or a ``KeyProviderError``
    within the deadline that it was opened with.
    """

    @property
    def public_key(self) -> PublicKey:
        """The public half, as the provider says."""

    def sign_unchecked(self, message: bytes) -> bytes:
        """Sign ``message`` by the scheme of the key's kind."""


@dataclass(frozen=True)
class CheckedKey:
    """A signing key whose every signature is verified before it leaves.

    A KMS or HSM key registered with the wrong public half signs happily; without
    this, the first one to notice would be a Runner.

    Attributes:
        inner: What the provider opened.
        public_key: The registered public half; whatever the provider says later, no
            signature of another key leaves.

    Raises:
        KeyMismatchError: The provider holds another key.
    """

    inner: ProviderKey
    public_key: PublicKey

    def __post_init__(self) -> None:
        require_key(self.inner.public_key, self.public_key.key_id)

    def __repr__(self) -> str:
        return f"CheckedKey({self.public_key.key_id[:16]})"

    @classmethod
    def of(cls, inner: ProviderKey) -> "CheckedKey":
        """Take the public half that the provider says: what it is registered with."""
        return cls(inner, inner.public_key)

    def sign(self, message: bytes) -> bytes:
        """Sign, then verify.

        Raises:
            KeyProviderError: The key cannot be used now.
            KeyMismatchError: The private and public halves do not match.
        """
        signature = self.inner.sign_unchecked(message)
        try:
            self.public_key.verify(signature, message)
        except SignatureInvalidError as error:
            raise KeyMismatchError(
                f"expected a signature by key {self.public_key.key_id[:16]}, "
                "got one that it does not verify",
                hint="the provider signs with another key than it shows",
                key_id=self.public_key.key_id,
            ) from error
        return signature


def require_key(found: PublicKey, key_id: str) -> None:
    """Check that a key is the registered one.

    Args:
        found: What the provider answers.
        key_id: 64 hex digits: SHA-256 of the registered key's SPKI.

    Raises:
        KeyMismatchError: It is another.
    """
    if found.key_id != key_id:
        raise KeyMismatchError(
            f"expected the registered key {key_id[:16]}, got {found.key_id[:16]}",
            hint="the name leads to another key now; register it anew if that is meant",
            expected=key_id,
            got=found.key_id,
        )
