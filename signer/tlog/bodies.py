# SPDX-License-Identifier: Apache-2.0
"""What a log entry of each kind must say to be about one signature.

An entry that exists, and speaks of something else, proves nothing (CVE-2022-36056). So
every field of a body is read: it follows from the signature and is compared, or it is
named here as one that cannot be checked, or the entry is refused.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives import hashes

from keys.digest import Digest
from keys.errors import FormatError
from keys.fields import Fields
from keys.strict import b64decode, b64encode, loads_json
from signer.signed import Signed, Verifier
from signer.tlog.entry import LogEntry
from signer.tlog.errors import LogEntryFormatError, LogEntryMismatchError
from signer.tlog.hashedrekord import rekord_of, verifier_of
from signer.tlog.limits import MAX_ENTRY_BYTES
from signer.tlog.usual import is_usual_dsse, is_usual_rekord

_PEM: Final = re.compile(
    rb"-----BEGIN (?P<label>[A-Z ]{1,32})-----\n(?P<base64>[A-Za-z0-9+/=\n]+)\n"
    rb"-----END (?P=label)-----\n?"
)
_V2_NAMES: Final = {"sha256": "SHA2_256", "sha384": "SHA2_384", "sha512": "SHA2_512"}
_V1_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def require_about(entry: LogEntry, signed: Signed, verifier: Verifier) -> None:
    """Refuse an entry that is not about this signature of this signer.

    Raises:
        LogEntryMismatchError: It is about another.
        LogEntryFormatError: Its body has another shape than its kind.
        ArtifactNeededError: It names another hash than SHA-256, and what was signed is
            known by its SHA-256 only.

    Source: Sigstore client specification, "Transparency Log Entry".
    """
    try:
        holds = _BODIES[entry.kind](entry, signed, verifier)
    except FormatError as error:
        raise LogEntryFormatError(f"log entry: {error.message}") from error
    if not holds:
        raise LogEntryMismatchError(
            "expected a log entry about this signature, got one about another",
            index=entry.index,
        )


def _rekord_v2(entry: LogEntry, signed: Signed, verifier: Verifier) -> bool:
    """Compare with the one canonical body, by the hash that goes with the key."""
    algorithm = verifier.key.hash or hashes.SHA256()
    return entry.body == rekord_of(
        _V2_NAMES[algorithm.name],
        signed.digest(algorithm),
        signed.signature,
        verifier,
    )


def _rekord_v1(entry: LogEntry, signed: Signed, verifier: Verifier) -> bool:
    if is_usual_rekord(entry.body, signed, verifier):
        return True
    spec = _spec(entry)
    data, signature = spec.object("data"), spec.object("signature")
    digest, public = data.object("hash"), signature.object("publicKey")
    algorithm = _V1_HASHES[digest.one_of("algorithm", tuple(_V1_HASHES))]
    said = (
        signed.payload is None,  # of an envelope it would not be clear what is hashed
        digest.text("value") == signed.digest(algorithm).hex(),
        _bytes(signature, "content") == signed.signature,
        _is_pem(_bytes(public, "content"), verifier),
    )
    _done(digest, public, data, signature, spec)
    return all(said)


def _dsse_v1(entry: LogEntry, signed: Signed, verifier: Verifier) -> bool:
    if is_usual_dsse(entry.body, signed, verifier):
        return True
    spec = _spec(entry)
    payload = spec.object("payloadHash")
    # Over the envelope's JSON as it was uploaded, which nobody has any more.
    spec.object("envelopeHash")
    signature = _only(spec, "signatures")
    said = (
        _is_payload(payload, signed),
        _bytes(signature, "signature") == signed.signature,
        _is_pem(_bytes(signature, "verifier"), verifier),
    )
    _done(payload, signature, spec)
    return all(said)


def _dsse_v2(entry: LogEntry, signed: Signed, verifier: Verifier) -> bool:
    """``DSSELogEntryV002``: dropped by later servers, in logs all the same."""
    spec = _spec(entry)
    body = spec.object("dsseV002")
    payload = body.object("payloadHash")
    signature = _only(body, "signatures")
    said = (
        payload.text("algorithm") == "SHA2_256",
        signed.payload is not None
        and _bytes(payload, "digest") == Digest.of(signed.payload).raw,
        _bytes(signature, "content") == signed.signature,
        signature.any("verifier") == verifier_of(verifier.key, verifier.certificate),
    )
    _done(payload, signature, body, spec)
    return all(said)


def _intoto_v2(entry: LogEntry, signed: Signed, verifier: Verifier) -> bool:
    """``intoto`` 0.0.2 of Rekor v1, where signature and payload are base64 twice."""
    spec = _spec(entry)
    content = spec.object("content")
    payload, envelope = content.object("payloadHash"), content.object("envelope")
    signature = _only(envelope, "signatures")
    if content.has("hash"):
        content.object("hash")  # over the envelope's JSON as it was uploaded
    said = [
        _is_payload(payload, signed),
        _bytes(signature, "sig") == b64encode(signed.signature).encode(),
        _is_pem(_bytes(signature, "publicKey"), verifier),
    ]
    envelope.text("payloadType")  # it is in the PAE that was signed
    if signature.has("keyid"):
        signature.any("keyid")
    if envelope.has("payload"):
        twice = b64encode(b64encode(signed.payload or b"").encode())
        said.append(envelope.text("payload", max_chars=MAX_ENTRY_BYTES) == twice)
    _done(payload, signature, envelope, content, spec)
    return all(said)


_BODIES: Final[
    Mapping[tuple[str, str], Callable[[LogEntry, Signed, Verifier], bool]]
] = MappingProxyType(
    {
        ("dsse", "0.0.1"): _dsse_v1,
        ("dsse", "0.0.2"): _dsse_v2,
        ("hashedrekord", "0.0.1"): _rekord_v1,
        ("hashedrekord", "0.0.2"): _rekord_v2,
        ("intoto", "0.0.2"): _intoto_v2,
    }
)


def _spec(entry: LogEntry) -> Fields:
    """Open a body down to its ``spec``; its kind is said twice, and is one."""
    value = loads_json(entry.body, max_bytes=MAX_ENTRY_BYTES, what="body")
    fields = Fields(value, "body")
    kind, version = entry.kind
    fields.constant("kind", kind)
    fields.constant("apiVersion", version)
    spec = fields.object("spec")
    fields.done()
    return spec


def _only(fields: Fields, name: str) -> Fields:
    found = fields.objects(name)
    if len(found) != 1:
        raise LogEntryMismatchError(
            f"expected a log entry about one signature, got one about {len(found)}"
        )
    return found[0]


def _bytes(fields: Fields, name: str) -> bytes:
    return fields.base64(name, max_bytes=MAX_ENTRY_BYTES)


def _is_payload(digest: Fields, signed: Signed) -> bool:
    digest.constant("algorithm", "sha256")
    value = digest.text("value")
    return signed.payload is not None and value == Digest.of(signed.payload).hex


def _is_pem(pem: bytes, verifier: Verifier) -> bool:
    """Return whether a PEM is of the signer's certificate, or else key.

    Raises:
        LogEntryFormatError: Not one PEM block and nothing else (RFC 7468 §3).
    """
    label, der = verifier.label, verifier.der
    found = _PEM.fullmatch(pem)
    if found is None:
        raise LogEntryFormatError("expected one PEM block")
    text = found["base64"].replace(b"\n", b"").decode("ascii")
    return found["label"] == label and b64decode(text, what="PEM") == der


def _done(*parts: Fields) -> None:
    for part in parts:
        part.done()
