# SPDX-License-Identifier: Apache-2.0
"""The CA of the embedded Sigstore instance: a root, and an issuing CA under it.

P-256 throughout: a verifier needs a sixth of the time that P-384 takes. The root's key
signs twice in its life and is then not needed.
"""

from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from control_plane.certificates import describe, name_of
from keys.errors import UnsafeConfigurationError
from keys.signing import SigningKey
from signer.certificate.issue import issue, key_usage
from signer.certificate.issued import open_authority


def create_chain(
    root_key: SigningKey, key: SigningKey, *, at: datetime, name: str = "trustacks"
) -> list[bytes]:
    """Certify an issuing CA: itself and its root, DER, itself first.

    Args:
        root_key: ECDSA P-256; signs both certificates.
        key: ECDSA P-256; will sign certificates of signers.
        at: The begin of both validities.
        name: The organisation in the certificates' names.

    Raises:
        UnsafeConfigurationError: One key for both, or not ECDSA P-256.

    Source: fulcio certificate-specification, "Root Certificate" and "Intermediate
    Certificate".
    """
    if root_key.public_key == key.public_key:
        raise UnsafeConfigurationError("expected two keys, got one key twice")
    issuer, subject = name_of(name, "signing root"), name_of(name, "signing CA")
    top, own = root_key.public_key, key.public_key
    root = _ca(describe(issuer, issuer, key=top, issuer_key=top, at=at), below=1)
    ca = _ca(describe(subject, issuer, key=own, issuer_key=top, at=at), below=0)
    ca = ca.add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False
    )
    chain = [issue(ca, root_key), issue(root, root_key)]
    open_authority(tuple(chain))
    return chain


def _ca(builder: x509.CertificateBuilder, *, below: int) -> x509.CertificateBuilder:
    return builder.add_extension(
        x509.BasicConstraints(ca=True, path_length=below), critical=True
    ).add_extension(key_usage(sign=False), critical=True)
