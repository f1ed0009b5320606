# SPDX-License-Identifier: Apache-2.0
"""The embedded timestamp authority: a root, one leaf under it, and its service.

Its time is the Control Plane's word: in the trusted root it has ``control-plane``
custody, so it can make evidence invalid and never valid (DESIGN T3). It keeps nothing:
serial numbers are random, and tokens are stored by whoever asked.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from control_plane.certificates import describe, name_of, spki_of
from keys.errors import UnsafeConfigurationError
from keys.signing import SigningKey
from signer.certificate.issue import issue, key_usage
from signer.timestamp.chain import check_chain, parse_chain
from signer.timestamp.issue import issue_token

# fulcio oid-info: "Policy OID for Sigstore Timestamp Authority", every private one's.
# One of ours, under 2.25 (ITU-T X.667 §8), has an arc of 128 bits: Go reads 31, so that
# cosign could read no timestamp at all.
POLICY: Final = "1.3.6.1.4.1.57264.2"
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
        if spki_of(parsed[0]) != key.public_key.spki:
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
    issuer = name_of(name, "timestamp root")
    subject = name_of(name, "timestamp authority")
    ca, own = ca_key.public_key, tsa_key.public_key
    root = describe(issuer, issuer, key=ca, issuer_key=ca, at=at)
    leaf = describe(subject, issuer, key=own, issuer_key=ca, at=at)
    root = root.add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    ).add_extension(key_usage(sign=False), critical=True)
    leaf = leaf.add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True
    ).add_extension(key_usage(sign=True), critical=True)
    chain = [issue(leaf, ca_key), issue(root, ca_key)]
    check_chain(parse_chain(chain))
    return chain
