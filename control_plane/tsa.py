# SPDX-License-Identifier: Apache-2.0
"""The embedded timestamp authority: a root, one leaf under it, and its service.

Its time is the Control Plane's word: in the trusted root it has ``control-plane``
custody, so it can make evidence invalid and never valid (DESIGN T3). It keeps nothing:
serial numbers are random, and tokens are stored by whoever asked.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keys.errors import UnsafeConfigurationError
from keys.public import PublicKey
from keys.signing import SigningKey
from signer.timestamp.algorithms import ECDSA_SHA256
from signer.timestamp.asn1 import AlgorithmIdentifier
from signer.timestamp.chain import check_chain, parse_chain
from signer.timestamp.issue import issue_token

# fulcio oid-info: "Policy OID for Sigstore Timestamp Authority", every private one's.
# One of ours, under 2.25 (ITU-T X.667 §8), has an arc of 128 bits: Go reads 31, so that
# cosign could read no timestamp at all.
POLICY: Final = "1.3.6.1.4.1.57264.2"
# Years. The embedded form is for evaluation; production brings an authority.
_YEARS: Final = 10
# Bits. RFC 5280 §4.1.2.2 allows 20 octets, positive; 159 bits never need a 21st.
_SERIAL_BITS: Final = 159


class TimestampService:
    """Answers timestamp requests.

    Args:
        key: The leaf's private key, ECDSA P-256.
        chain: The authority's certificates, DER, leaf first.

    Raises:
        UnsafeConfigurationError: The key is not the leaf's.
        AuthorityCertificateError: The chain must not issue timestamps.
    """

    def __init__(self, key: SigningKey, chain: Sequence[bytes]) -> None:
        parsed = parse_chain(chain)
        check_chain(parsed)
        if _spki(parsed[0]) != key.public_key.spki:
            raise UnsafeConfigurationError(
                "expected the key of the timestamp certificate, got another key"
            )
        self._key = key
        self.chain = tuple(chain)

    def respond(self, request: bytes, at: datetime) -> bytes:
        """Answer one request, granted or rejected, never with an error of its own.

        Args:
            request: DER of a ``TimeStampReq``, untrusted.
            at: The time to stamp.

        Raises:
            KeyProviderError: The key cannot be used now.
        """
        return issue_token(
            request,
            key=self._key,
            certificate=self.chain[0],
            at=at,
            serial=secrets.randbits(_SERIAL_BITS),
            policy=POLICY,
        )


def create_chain(
    ca_key: SigningKey, tsa_key: SigningKey, *, at: datetime, name: str = "trustacks"
) -> list[bytes]:
    """Certify a timestamp authority: leaf and root, DER, leaf first.

    Args:
        ca_key: ECDSA P-256; signs both certificates and is not needed again.
        tsa_key: ECDSA P-256; will sign tokens.
        at: The begin of both validities.
        name: The organisation in the certificates' names.

    Raises:
        UnsafeConfigurationError: One key for both, or not ECDSA P-256.
    """
    if ca_key.public_key == tsa_key.public_key:
        raise UnsafeConfigurationError("expected two keys, got one key twice")
    issuer = _name(name, "timestamp root")
    root = _builder(issuer, issuer, ca_key.public_key, ca_key.public_key, at)
    leaf = _builder(
        _name(name, "timestamp authority"),
        issuer,
        tsa_key.public_key,
        ca_key.public_key,
        at,
    )
    root = root.add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    ).add_extension(_key_usage(sign=False), critical=True)
    leaf = leaf.add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True
    ).add_extension(_key_usage(sign=True), critical=True)
    chain = [_issue(leaf, ca_key), _issue(root, ca_key)]
    check_chain(parse_chain(chain))
    return chain


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: PublicKey,
    issuer_key: PublicKey,
    at: datetime,
) -> x509.CertificateBuilder:
    public, issuing = _load(key), _load(issuer_key)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at)
        .not_valid_after(at + timedelta(days=365 * _YEARS))
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(public), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing), critical=False
        )
    )


@asn1.sequence
class _Certificate:
    """RFC 5280 §4.1."""

    tbs: asn1.TLV
    algorithm: AlgorithmIdentifier
    signature: asn1.BitString


def _issue(builder: x509.CertificateBuilder, ca_key: SigningKey) -> bytes:
    """Sign with a key that never leaves its provider.

    The builder wants a private key. What it would sign does not depend on which, only
    on its kind: a key of a moment makes the to-be-signed part, ours signs that.
    """
    moment = ec.generate_private_key(ec.SECP256R1())
    tbs = builder.sign(moment, hashes.SHA256()).tbs_certificate_bytes
    return asn1.encode_der(
        _Certificate(
            tbs=asn1.decode_der(asn1.TLV, tbs),
            algorithm=AlgorithmIdentifier(algorithm=ECDSA_SHA256),
            signature=asn1.BitString(ca_key.sign(tbs), 0),
        )
    )


def _key_usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not sign,
        crl_sign=not sign,
        encipher_only=False,
        decipher_only=False,
    )


def _name(organisation: str, common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _load(key: PublicKey) -> ec.EllipticCurvePublicKey:
    loaded = load_der_public_key(key.spki)
    if not isinstance(loaded, ec.EllipticCurvePublicKey):
        raise UnsafeConfigurationError(f"expected an ECDSA key, got {key.details}")
    return loaded


def _spki(certificate: x509.Certificate) -> bytes:
    key = certificate.public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
