# SPDX-License-Identifier: Apache-2.0
"""Sign certificates with keys that never leave their provider.

``cryptography`` wants a private key to build a certificate. What it would sign does not
depend on which, only on its kind: a key of a moment makes the to-be-signed part, the
CA's own key signs that.
"""

from functools import cache

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keys.errors import UnsafeConfigurationError
from keys.public import ECDSA_P256, PublicKey
from keys.signing import SigningKey
from signer.timestamp.algorithms import ECDSA_SHA256
from signer.timestamp.asn1 import AlgorithmIdentifier


@asn1.sequence
class _Certificate:
    """RFC 5280 §4.1."""

    tbs: asn1.TLV
    algorithm: AlgorithmIdentifier
    signature: asn1.BitString


def issue(builder: x509.CertificateBuilder, ca_key: SigningKey) -> bytes:
    """Sign what a builder describes; return the certificate, DER.

    Args:
        builder: Everything but the signature.
        ca_key: ECDSA P-256.

    Raises:
        UnsafeConfigurationError: A key of another kind.
        KeyProviderError: The key cannot be used now.
    """
    if ca_key.public_key.details != ECDSA_P256:
        raise UnsafeConfigurationError(
            f"expected an ECDSA P-256 key, got {ca_key.public_key.details}"
        )
    tbs = to_be_signed(builder)
    return asn1.encode_der(
        _Certificate(
            tbs=asn1.decode_der(asn1.TLV, tbs),
            algorithm=AlgorithmIdentifier(algorithm=ECDSA_SHA256),
            signature=asn1.BitString(ca_key.sign(tbs), 0),
        )
    )


def to_be_signed(builder: x509.CertificateBuilder) -> bytes:
    """Return the ``TBSCertificate`` for an ECDSA P-256 issuer, DER.

    Source: RFC 5280 §4.1.1.1.
    """
    return builder.sign(_of_a_moment(), hashes.SHA256()).tbs_certificate_bytes


def elliptic(key: PublicKey) -> ec.EllipticCurvePublicKey:
    """Return a key as builders take it.

    Raises:
        UnsafeConfigurationError: Not on an elliptic curve.
    """
    loaded = load_der_public_key(key.spki)
    if not isinstance(loaded, ec.EllipticCurvePublicKey):
        raise UnsafeConfigurationError(f"expected an ECDSA key, got {key.details}")
    return loaded


def key_usage(*, sign: bool) -> x509.KeyUsage:
    """Return the usage of a key that signs documents, or else certificates."""
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


@cache
def _of_a_moment() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())
