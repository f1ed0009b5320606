# SPDX-License-Identifier: Apache-2.0
"""Keys and chains of an instance, as files in the forms that its services read."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.simulators.fulcio import key_usage

Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
KINDS = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "RSA": lambda: rsa.generate_private_key(65537, 3072),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}
PASSWORD = "of the peers"
_LIFE = timedelta(days=30)


@dataclass(frozen=True)
class KeyFile:
    """A private key in a file, and its public half beside it."""

    key: Private
    path: Path

    @property
    def public(self) -> Path:
        return self.path.with_suffix(".pub")


@dataclass(frozen=True)
class ChainFile:
    """A chain in a file, its own certificate first, and the key of that one."""

    certificates: tuple[bytes, ...]
    path: Path
    key: KeyFile


def write_key(
    path: Path,
    kind: str,
    *,
    form: PrivateFormat = PrivateFormat.PKCS8,
    password: str = "",
) -> KeyFile:
    """Make a key of a kind.

    Args:
        path: Where to write it.
        kind: Of ``KINDS``.
        form: PKCS #8, or the older form of each kind, which some services ask for.
        password: Encrypts it.
    """
    key = KINDS[kind]()
    sealed: KeySerializationEncryption = NoEncryption()
    if password:
        sealed = BestAvailableEncryption(password.encode())
    path.write_bytes(key.private_bytes(Encoding.PEM, form, sealed))
    path.chmod(0o600)
    made = KeyFile(key, path)
    public = key.public_key()
    made.public.write_bytes(
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return made


def write_ca(folder: Path, kind: str, *, at: datetime | None = None) -> ChainFile:
    """Make a root and an issuing CA for code signing, whose key is encrypted."""
    key = write_key(
        folder / "ca.pem",
        kind,
        form=PrivateFormat.TraditionalOpenSSL,
        password=PASSWORD,
    )
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
    return _write_chain(folder / "ca-chain.pem", key, kind, usage, ca=True, at=at)


def write_tsa(folder: Path, kind: str, *, at: datetime | None = None) -> ChainFile:
    """Make a root and a certificate for timestamps, with its key in the clear."""
    key = write_key(folder / "tsa.pem", kind)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    return _write_chain(folder / "tsa-chain.pem", key, kind, usage, ca=False, at=at)


def _write_chain(
    path: Path,
    key: KeyFile,
    kind: str,
    usage: x509.ExtendedKeyUsage,
    *,
    ca: bool,
    at: datetime | None,
) -> ChainFile:
    begin = at or datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    root_key = KINDS[kind]()
    root = _certificate(f"{path.stem} root", root_key, begin, ca=True)
    own = _certificate(
        path.stem, key.key, begin, ca=ca, usage=usage, by=(root, root_key)
    )
    chain = (own, root)
    path.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in chain))
    return ChainFile(tuple(one.public_bytes(Encoding.DER) for one in chain), path, key)


def _certificate(
    name: str,
    key: Private,
    begin: datetime,
    *,
    ca: bool,
    usage: x509.ExtendedKeyUsage | None = None,
    by: tuple[x509.Certificate, Private] | None = None,
) -> x509.Certificate:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "interop"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    issuing = by[1] if by else key
    constraints = x509.BasicConstraints(
        ca=ca, path_length=(0 if by else 1) if ca else None
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by[0].subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + _LIFE)
        .add_extension(constraints, critical=True)
        .add_extension(key_usage(sign=not ca, certify=ca), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing.public_key()),
            critical=False,
        )
    )
    if usage is not None:
        builder = builder.add_extension(usage, critical=not ca)
    return builder.sign(issuing, _hash_of(issuing))


def _hash_of(key: Private) -> hashes.HashAlgorithm | None:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    large = isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size > 256
    return hashes.SHA384() if large else hashes.SHA256()
