# SPDX-License-Identifier: Apache-2.0
"""The CA: an identity token and a key that is shown to be held, for a certificate.

Order: (1) whom the token speaks of, (2) the key and that it is held, (3) the log of
certificates, durably, (4) the certificate is signed. What is refused in (1) or (2)
leaves nothing behind.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from control_plane.certificates import pem_of, spki_of
from control_plane.sigstore.ct_log import CtLog
from control_plane.sigstore.errors import CertificateRequestError, PossessionError
from control_plane.sigstore.limits import (
    CERTIFICATE_LIFE,
    MAX_CERTIFICATE_REQUEST_BYTES,
    MAX_SIGNATURE_BYTES,
    SERIAL_BITS,
)
from control_plane.sigstore.tokens import IdentityTokens, Somebody
from keys.digest import Digest
from keys.errors import KeyFormatError, SignatureInvalidError
from keys.fields import Fields
from keys.public import ECDSA_P256, PublicKey
from keys.signing import SigningKey
from keys.strict import loads_json
from signer.certificate.issue_leaf import (
    LeafTerms,
    before_log,
    build_leaf,
    issue_leaf,
)

_WHAT = "certificate request"
# What the library says of bytes that are no request; a version is no ValueError.
_NO_REQUEST = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    InvalidSignature,
    x509.InvalidVersion,
)


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """A key to be certified, and the proof that it is held.

    Attributes:
        key: ECDSA P-256.
        proof: The key's signature over the name in the token; none in a CSR, whose own
            signature was checked.
    """

    key: PublicKey
    proof: bytes | None

    def require_held_by(self, somebody: Somebody) -> None:
        """Refuse whoever does not show that they hold the private key.

        Raises:
            PossessionError: The proof is another key's, or over another name.
        """
        if self.proof is None:
            return
        try:
            self.key.verify(self.proof, somebody.mailbox.encode())
        except SignatureInvalidError as error:
            raise PossessionError(
                f"proofOfPossession: expected a signature over {somebody.mailbox}, "
                "got another"
            ) from error


class Fulcio:
    """The CA of one instance.

    Args:
        key: The issuing CA's.
        chain: Its certificates, itself first.
        ct_log: Where certificates are logged before they are signed.
        tokens: Checks identity tokens.
    """

    def __init__(
        self,
        key: SigningKey,
        chain: Sequence[x509.Certificate],
        ct_log: CtLog,
        tokens: IdentityTokens,
    ) -> None:
        self._key = key
        self._tokens = tokens
        self._ct_log = ct_log
        self._issuing = chain[0]
        self._key_hash = Digest.of(spki_of(chain[0])).raw
        self.chain = tuple(one.public_bytes(Encoding.DER) for one in chain)

    def certify(self, token: str, request: bytes, *, at: datetime) -> list[bytes]:
        """Return a certificate for whom a token speaks of, and its chain, DER.

        Args:
            token: The identity token.
            request: The body of ``signingCert``, untrusted.
            at: Now.

        Raises:
            IdentityTokenError: Not one of this server's issuer.
            FormatError: Not a request, or a key other than ECDSA P-256.
            PossessionError: The key is not shown to be held.
            StorageError: The log of certificates cannot be written; nothing left.
        """
        somebody = self._tokens.check(token, at=at)
        wanted = read_request(request)
        wanted.require_held_by(somebody)
        terms = LeafTerms(
            key=wanted.key,
            mailbox=somebody.mailbox,
            issuer=somebody.issuer,
            not_before=at,
            not_after=at + CERTIFICATE_LIFE,
            serial=secrets.randbits(SERIAL_BITS) | 1,
        )
        builder = build_leaf(terms, self._issuing)
        sct = self._ct_log.add(
            before_log(builder), issuer_key_hash=self._key_hash, at=at
        )
        return [issue_leaf(builder, sct, self._key), *self.chain]

    def trust_bundle(self) -> dict[str, Any]:
        """Return the answer to ``GET /api/v2/trustBundle``."""
        return {"chains": [{"certificates": _pems(self.chain)}]}

    def configuration(self) -> dict[str, Any]:
        """Return the answer to ``GET /api/v2/configuration``."""
        issuer = {
            "issuerUrl": self._tokens.issuer,
            "audience": "sigstore",
            "challengeClaim": "email",
            "spiffeTrustDomain": "",
        }
        return {"issuers": [issuer]}


def answer(chain: Sequence[bytes]) -> dict[str, Any]:
    """Return the answer to ``signingCert``: the certificate and its chain, in PEM."""
    return {"signedCertificateEmbeddedSct": {"chain": {"certificates": _pems(chain)}}}


def read_request(data: bytes) -> CertificateRequest:
    """Read the body of ``POST /api/v2/signingCert``: a CSR, or a key and a proof.

    Raises:
        FormatError: Not that, or a key other than ECDSA P-256.
        PossessionError: A CSR that its key did not sign.

    Source: fulcio, fulcio.proto, ``CreateSigningCertificateRequest``.
    """
    value = loads_json(data, max_bytes=MAX_CERTIFICATE_REQUEST_BYTES, what=_WHAT)
    fields = Fields(value, _WHAT)
    if fields.has("certificateSigningRequest"):
        pem = fields.base64(
            "certificateSigningRequest", max_bytes=MAX_CERTIFICATE_REQUEST_BYTES
        )
        fields.done()
        return CertificateRequest(_key_of_csr(pem), None)
    asked = fields.object("publicKeyRequest")
    public = asked.object("publicKey")
    if public.has("algorithm"):
        public.one_of("algorithm", ("ECDSA", "PUBLIC_KEY_ALGORITHM_UNSPECIFIED"))
    key = _p256(_pem(public.text("content")))
    proof = asked.base64("proofOfPossession", max_bytes=MAX_SIGNATURE_BYTES)
    for part in (public, asked, fields):
        part.done()
    return CertificateRequest(key, proof)


def _key_of_csr(pem: bytes) -> PublicKey:
    try:
        csr = x509.load_pem_x509_csr(pem)
        public = csr.public_key()
        spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        # First, because a signature of another kind may take long to check.
        key = _p256(PublicKey(spki))
        held = csr.is_signature_valid
    except _NO_REQUEST as error:
        raise CertificateRequestError(
            "certificateSigningRequest: expected a PKCS #10 request in PEM, got another"
        ) from error
    if not held:
        raise PossessionError(
            "certificateSigningRequest: expected one that its own key signed, "
            "got another"
        )
    return key


def _pem(text: str) -> PublicKey:
    return PublicKey.from_pem(text)


def _p256(key: PublicKey) -> PublicKey:
    if key.details != ECDSA_P256:
        raise KeyFormatError(f"expected an ECDSA P-256 key, got {key.details}")
    return key


def _pems(chain: Sequence[bytes]) -> list[str]:
    return [pem_of([der]).decode() for der in chain]
