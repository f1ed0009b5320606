# SPDX-License-Identifier: Apache-2.0
"""A certificate from Fulcio: what is asked, and whether it was answered.

The certificate is parsed, and is for the key that was sent; who answers for it is
verified with the whole signature at the end.
"""

from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
)

from keys.fields import Fields
from keys.strict import b64encode, dumps_json, loads_json
from signer.certificate.leaf import Leaf, parse_leaf
from signer.keyless.errors import FULCIO, CertificateNotOursError, FulcioAnswerError
from signer.keyless.http import Http, answered
from signer.keyless.limits import MAX_ANSWER_BYTES
from signer.limits import MAX_CERTIFICATE_BYTES, MAX_CHAIN_CERTIFICATES

_PATH: Final = "/api/v2/signingCert"
# PEM is base64 with line breaks and two lines around it.
_MAX_PEM_CHARS: Final = 2 * MAX_CERTIFICATE_BYTES


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate, and the chain that came with it.

    Attributes:
        leaf: The certificate.
        chain: The certificates above it, as the authority says.
    """

    leaf: Leaf
    chain: tuple[x509.Certificate, ...]


def certify(
    http: Http, url: str, *, request: x509.CertificateSigningRequest, token: str
) -> Issued:
    """Have a key certified for who a token speaks of.

    Args:
        http: Asks.
        url: The authority's address, path included.
        request: Signed with the key, which proves that it is held.
        token: The identity token.

    Raises:
        FulcioRefusedError: The authority does not take token or key.
        FulcioUnavailableError: It does not answer; or ``FulcioSlowError``.
        FulcioAnswerError: It answers something that is no certificate for signing.
        CertificateNotOursError: It answers a certificate for another key.

    Source: fulcio, fulcio.proto, ``SigningCertificateRequest``.
    """
    pem = request.public_bytes(Encoding.PEM)
    body = dumps_json({"certificateSigningRequest": b64encode(pem)})
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    answer = http.post(
        f"{url}{_PATH}",
        body,
        kind="application/json",
        refusals=FULCIO,
        headers=headers,
    )
    with answered(FULCIO, url):
        issued = _read(answer.body)
    key = request.public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if issued.leaf.key.spki != spki:
        raise CertificateNotOursError(
            f"{url}: expected a certificate for the key that was sent, got another's"
        )
    return issued


def _read(body: bytes) -> Issued:
    value = loads_json(body, max_bytes=MAX_ANSWER_BYTES, what="certificate answer")
    fields = Fields(value, "certificate answer")
    if fields.has("signedCertificateDetachedSct"):
        raise FulcioAnswerError(
            "certificate answer: expected a certificate with its log's timestamp "
            "inside, got one beside it",
            hint="this authority has no log of certificates",
        )
    chain = fields.object("signedCertificateEmbeddedSct").object("chain")
    found = chain.items("certificates", max_items=MAX_CHAIN_CERTIFICATES)
    certificates = [_certificate(one) for one in found]
    if not certificates:
        raise FulcioAnswerError("certificate answer: expected certificates, got none")
    leaf = parse_leaf(certificates[0].public_bytes(Encoding.DER))
    return Issued(leaf, tuple(certificates[1:]))


def _certificate(pem: Any) -> x509.Certificate:
    if not isinstance(pem, str) or len(pem) > _MAX_PEM_CHARS:
        raise FulcioAnswerError("certificate answer: expected certificates as PEM")
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except (ValueError, x509.InvalidVersion) as error:
        raise FulcioAnswerError(
            "certificate answer: expected certificates as PEM"
        ) from error
