# SPDX-License-Identifier: Apache-2.0
"""The one kind of leaf that we write: Rekor v2 ``hashedrekord`` 0.0.2.

A leaf is a function of digest, signature and signer, and has one encoding: what differs
in a byte is not a leaf. So nothing in it can be said twice, or left unread.
"""

from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.digest import Digest
from keys.fields import Fields
from keys.public import PublicKey
from keys.strict import b64decode, b64encode, loads_json
from signer.signed import Verifier
from signer.tlog.errors import LogEntryFormatError
from signer.tlog.limits import MAX_ENTRY_BYTES

KIND: Final = "hashedrekord"
VERSION: Final = "0.0.2"


@dataclass(frozen=True, slots=True)
class HashedRekord:
    """What a leaf says.

    Attributes:
        digest: SHA-256 of the DSSE PAE that was signed.
        signature: Over that PAE.
        key: Who signed, by their own word.
        certificate: The certificate that carries the key, DER, if there is one.
    """

    digest: Digest
    signature: bytes
    key: PublicKey
    certificate: bytes | None = None

    def to_body(self) -> bytes:
        """Return the leaf's bytes."""
        return hashedrekord_body(
            digest=self.digest,
            signature=self.signature,
            key=self.key,
            certificate=self.certificate,
        )


def hashedrekord_body(
    *,
    digest: Digest,
    signature: bytes,
    key: PublicKey,
    certificate: bytes | None = None,
) -> bytes:
    """Build the leaf for a signature.

    Args:
        digest: SHA-256 of the DSSE PAE.
        signature: As in the envelope.
        key: Who signed.
        certificate: The certificate that carries the key, DER, if there is one.

    Source: sigstore protobuf-specs, rekor/v2/hashedrekord.proto, canonicalised by
    RFC 8785.
    """
    return rekord_of("SHA2_256", digest.raw, signature, Verifier(key, certificate))


def rekord_of(
    algorithm: str, digest: bytes, signature: bytes, verifier: Verifier
) -> bytes:
    """Build a leaf of any algorithm, as others write it.

    RFC 8785 without a detour over objects: names in order, nothing to escape. Verifying
    compares with it, and whoever verifies many bundles makes one for each.
    """
    name = "publicKey" if verifier.certificate is None else "x509Certificate"
    return (
        f'{{"apiVersion":"{VERSION}","kind":"{KIND}","spec":{{"hashedRekordV002":'
        f'{{"data":{{"algorithm":"{algorithm}","digest":"{b64encode(digest)}"}},'
        f'"signature":{{"content":"{b64encode(signature)}","verifier":'
        f'{{"keyDetails":"{verifier.key.details}",'
        f'"{name}":{{"rawBytes":"{verifier.der_text}"}}}}'
        "}}}}"
    ).encode()


def verifier_of(key: PublicKey, certificate: bytes | None) -> dict[str, Any]:
    """Return a ``Verifier`` of rekor/v2/verifier.proto."""
    name, der = ("publicKey", key.spki)
    if certificate is not None:
        name, der = ("x509Certificate", certificate)
    return {"keyDetails": key.details, name: {"rawBytes": b64encode(der)}}


def parse_hashedrekord(body: bytes) -> HashedRekord:
    """Parse a leaf, accepting only what ``hashedrekord_body`` writes.

    Raises:
        FormatError: Anything else, other bytes for the same content included.
    """
    value = loads_json(body, max_bytes=MAX_ENTRY_BYTES, what="log entry")
    spec = Fields(value, "log entry").object("spec").object("hashedRekordV002")
    data, signature = spec.object("data"), spec.object("signature")
    key, certificate = _signer(signature.object("verifier"))
    found = HashedRekord(
        Digest(b64decode(data.text("digest")).hex()),
        b64decode(signature.text("content")),
        key,
        certificate,
    )
    if body != found.to_body():
        raise LogEntryFormatError(
            "log entry: expected one canonical hashedrekord 0.0.2"
        )
    return found


def pae_digest_of(body: bytes) -> Digest:
    """Return the PAE digest that a leaf is about: the name of its attestation.

    Raises:
        FormatError: Not a leaf of ours.
    """
    return parse_hashedrekord(body).digest


def _signer(verifier: Fields) -> tuple[PublicKey, bytes | None]:
    if not verifier.has("x509Certificate"):
        return PublicKey(b64decode(verifier.object("publicKey").text("rawBytes"))), None
    fields = verifier.object("x509Certificate")
    der = b64decode(fields.text("rawBytes", max_chars=MAX_ENTRY_BYTES))
    try:
        key = x509.load_der_x509_certificate(der).public_key()
        spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise LogEntryFormatError(
            f"log entry: expected a certificate: {error}"
        ) from error
    return PublicKey(spki), der
