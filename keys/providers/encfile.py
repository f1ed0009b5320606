# SPDX-License-Identifier: Apache-2.0
"""Encrypted PKCS#8 files (RFC 5958, PBES2), mode 0600.

An unencrypted key, or a file that group or others may read, is refused: there is no
option to allow either.
"""

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from keys.durable import create_file, read_file
from keys.errors import (
    KeyAccessDeniedError,
    KeyFormatError,
    KeyProviderError,
    NotFoundError,
)
from keys.public import ECDSA_P256, MAX_KEY_BYTES, PublicKey
from keys.signing import Secrets

_FORBIDDEN_MODE: Final = stat.S_IRWXG | stat.S_IRWXO
_Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class FileKey:
    """A private key from an encrypted file."""

    _key: _Private
    public_key: PublicKey

    def __repr__(self) -> str:
        return f"FileKey({self.public_key.key_id[:16]})"

    def sign(self, message: bytes) -> bytes:
        """Sign: DER for ECDSA P-256 with SHA-256, 64 bytes for Ed25519."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(message)
        return self._key.sign(message, ec.ECDSA(hashes.SHA256()))


def create_key(path: Path, passphrase: str, *, details: str = ECDSA_P256) -> FileKey:
    """Make a key and store it encrypted; an existing file is never replaced.

    Raises:
        WriteConflictError: There is a file at ``path`` already.
        KeyAccessDeniedError: The passphrase is empty.
    """
    if not passphrase:
        raise KeyAccessDeniedError(f"expected a passphrase for {path}, got none")
    key: _Private
    if details == ECDSA_P256:
        key = ec.generate_private_key(ec.SECP256R1())
    else:
        key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        Encoding.PEM,
        PrivateFormat.PKCS8,
        BestAvailableEncryption(passphrase.encode()),
    )
    create_file(path, pem, mode=0o600)
    return _file_key(key)


def open_key(path_text: str, secrets: Secrets) -> FileKey:
    """Open an encrypted key file.

    Raises:
        KeyProviderError: No file, or one that others may read.
        KeyAccessDeniedError: Wrong passphrase, or a key that is not encrypted.
        KeyFormatError: Not PKCS#8, or a kind that is not accepted.
    """
    path = Path(path_text)
    try:
        pem = read_file(path, max_bytes=MAX_KEY_BYTES)
    except NotFoundError as error:
        raise KeyProviderError(
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
    passphrase = secrets(f"passphrase for {path}")
    try:
        key = load_pem_private_key(pem, passphrase.encode())
    # TypeError: an empty passphrase.
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyAccessDeniedError(
            f"expected the passphrase of {path}, got another one",
            hint="check the passphrase file that it was made with",
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise KeyFormatError(
            f"expected ECDSA P-256 or Ed25519 in {path}, got {type(key).__name__}"
        )
    return _file_key(key)


def _file_key(key: _Private) -> FileKey:
    spki = key.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    return FileKey(key, PublicKey(spki))
