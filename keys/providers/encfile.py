# SPDX-License-Identifier: Apache-2.0
"""Encrypted PKCS#8 files (RFC 5958, PBES2), mode 0600.

An unencrypted key, or a file that group or others may read, is refused: there is no
option to allow either.
"""

import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from keys import schemes
from keys.durable import create_file, read_file
from keys.errors import (
    KeyAccessDeniedError,
    KeyFormatError,
    KeyNotFoundError,
    KeyProviderError,
    NotFoundError,
    UsageError,
)
from keys.providers.opening import Opening
from keys.public import PublicKey
from keys.schemes import ECDSA_P256, PrivateHalf, sign_with
from keys.signing import CheckedKey

# An RSA 4096 key in PEM, encrypted, is 3,500 bytes.
MAX_PRIVATE_KEY_BYTES: Final = 8192

_FORBIDDEN_MODE: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class FileKey:
    """A private key from an encrypted file."""

    _key: PrivateHalf = field(repr=False)
    public_key: PublicKey

    def __repr__(self) -> str:
        return f"FileKey({self.public_key.key_id[:16]})"

    def sign_unchecked(self, message: bytes) -> bytes:
        """Sign ``message`` by the scheme of the key's kind."""
        return sign_with(self._key, message)


def create_key(path: Path, passphrase: str, *, details: str = ECDSA_P256) -> CheckedKey:
    """Make a key and store it encrypted; an existing file is never replaced.

    Raises:
        WriteConflictError: There is a file at ``path`` already.
        KeyAccessDeniedError: The passphrase is empty.
    """
    if not passphrase:
        raise KeyAccessDeniedError(f"expected a passphrase for {path}, got none")
    key = _generate(details)
    pem = key.private_bytes(
        Encoding.PEM,
        PrivateFormat.PKCS8,
        BestAvailableEncryption(passphrase.encode()),
    )
    create_file(path, pem, mode=0o600)
    return CheckedKey.of(_file_key(key))


def open_key(path_text: str, opening: Opening) -> FileKey:
    """Open an encrypted key file.

    Raises:
        KeyNotFoundError: No file.
        KeyProviderError: One that others may read.
        KeyAccessDeniedError: Wrong passphrase, or a key that is not encrypted.
        KeyFormatError: Not PKCS#8, or a kind that is not accepted.
    """
    path = Path(path_text)
    try:
        pem = read_file(path, max_bytes=MAX_PRIVATE_KEY_BYTES)
    except NotFoundError as error:
        raise KeyNotFoundError(
            f"expected a key file at {path}, got none",
            hint="make one with `trustacks keys create`",
        ) from error
    if stat.S_IMODE(path.stat().st_mode) & _FORBIDDEN_MODE:
        raise KeyProviderError(
            f"expected mode 0600 on {path}, "
            f"got {stat.S_IMODE(path.stat().st_mode):04o}",
            hint=f"chmod 600 {path}",
        )
    if not pem.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"):
        raise KeyAccessDeniedError(f"expected an encrypted PKCS#8 key in {path}")
    passphrase = opening.secrets(f"passphrase for {path}")
    try:
        key = load_pem_private_key(pem, passphrase.encode())
    # TypeError: an empty passphrase.
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyAccessDeniedError(
            f"expected the passphrase of {path}, got another one",
            hint="check the passphrase file that it was made with",
        ) from error
    if not isinstance(key, PrivateHalf):
        raise KeyFormatError(
            f"expected a key that signs in {path}, got {type(key).__name__}"
        )
    return _file_key(key)


def _generate(details: str) -> PrivateHalf:
    match details:
        case schemes.ECDSA_P256:
            return ec.generate_private_key(ec.SECP256R1())
        case schemes.ECDSA_P384:
            return ec.generate_private_key(ec.SECP384R1())
        case schemes.ED25519:
            return ed25519.Ed25519PrivateKey.generate()
        case schemes.RSA_PSS_3072:
            return rsa.generate_private_key(schemes.RSA_EXPONENT, 3072)
        case schemes.RSA_PSS_4096:
            return rsa.generate_private_key(schemes.RSA_EXPONENT, 4096)
        case _:
            raise UsageError(f"expected a kind of key, got {details!r}")


def _file_key(key: PrivateHalf) -> FileKey:
    spki = key.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    return FileKey(key, PublicKey(spki))
