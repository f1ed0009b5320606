# SPDX-License-Identifier: Apache-2.0
"""A Sigstore bundle v0.3 of a file or a statement, signed with a key.

Nothing is verified here; ``signer.verify_bundle`` does that before one is released.
"""

from collections.abc import Sequence
from typing import Any

from keys.digest import Digest
from keys.public import PublicKey
from keys.strict import b64encode, dumps_json
from signer.attestation import MEDIA_TYPE, build_attestation
from signer.keyless.rekor import Proposal
from signer.tlog.entry import LogEntry


def build_bundle(
    proposal: Proposal, tokens: Sequence[bytes], entries: Sequence[LogEntry]
) -> bytes:
    """Build the bundle of a keyed signature.

    Args:
        proposal: The signature, and what it is over.
        tokens: RFC 3161 responses over the signature, DER.
        entries: Log entries.
    """
    key = proposal.verifier.key
    if proposal.envelope is not None:
        return build_attestation(
            envelope=proposal.envelope, key=key, timestamps=tokens, entries=entries
        )
    signed = proposal.signed
    return dumps_json(
        {
            "mediaType": MEDIA_TYPE,
            "verificationMaterial": _material(key, tokens, entries),
            "messageSignature": _message(signed.sha256, signed.signature),
        }
    )


def _material(
    key: PublicKey, tokens: Sequence[bytes], entries: Sequence[LogEntry]
) -> dict[str, Any]:
    stamps = [{"signedTimestamp": b64encode(token)} for token in tokens]
    return {
        "publicKey": {"hint": key.hint},
        "tlogEntries": [entry.to_json() for entry in entries],
        "timestampVerificationData": {"rfc3161Timestamps": stamps},
    }


def _message(digest: Digest, signature: bytes) -> dict[str, Any]:
    """Source: sigstore protobuf-specs, sigstore_common.proto, MessageSignature."""
    said = {"algorithm": "SHA2_256", "digest": b64encode(digest.raw)}
    return {"messageDigest": said, "signature": b64encode(signature)}
