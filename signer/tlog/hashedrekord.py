# SPDX-License-Identifier: Apache-2.0
"""The one kind of leaf: Rekor v2 ``hashedrekord`` 0.0.2 over SHA-256(PAE).

A leaf is a function of digest, signature and key, and has one encoding: what differs in
a byte is not a leaf. So nothing in it can be said twice, or left unread.
"""

from dataclasses import dataclass
from typing import Final

from keys.digest import Digest
from keys.fields import Fields
from keys.public import PublicKey
from keys.strict import b64decode, b64encode, dumps_json, loads_json
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
    """

    digest: Digest
    signature: bytes
    key: PublicKey

    def to_body(self) -> bytes:
        """Return the leaf's bytes."""
        return hashedrekord_body(
            digest=self.digest, signature=self.signature, key=self.key
        )


def hashedrekord_body(*, digest: Digest, signature: bytes, key: PublicKey) -> bytes:
    """Build the leaf for a signature.

    Args:
        digest: SHA-256 of the DSSE PAE.
        signature: As in the envelope.
        key: Who signed.

    Source: sigstore protobuf-specs, rekor/v2/hashedrekord.proto, canonicalised by
    RFC 8785.
    """
    verifier = {
        "keyDetails": key.details,
        "publicKey": {"rawBytes": b64encode(key.spki)},
    }
    return dumps_json(
        {
            "apiVersion": VERSION,
            "kind": KIND,
            "spec": {
                "hashedRekordV002": {
                    "data": {"algorithm": "SHA2_256", "digest": b64encode(digest.raw)},
                    "signature": {
                        "content": b64encode(signature),
                        "verifier": verifier,
                    },
                }
            },
        }
    )


def parse_hashedrekord(body: bytes) -> HashedRekord:
    """Parse a leaf, accepting only what ``hashedrekord_body`` writes.

    Raises:
        FormatError: Anything else, other bytes for the same content included.
    """
    value = loads_json(body, max_bytes=MAX_ENTRY_BYTES, what="log entry")
    spec = Fields(value, "log entry").object("spec").object("hashedRekordV002")
    data, signature = spec.object("data"), spec.object("signature")
    verifier = signature.object("verifier")
    found = HashedRekord(
        Digest(b64decode(data.text("digest")).hex()),
        b64decode(signature.text("content")),
        PublicKey(b64decode(verifier.object("publicKey").text("rawBytes"))),
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
