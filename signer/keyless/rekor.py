# SPDX-License-Identifier: Apache-2.0
"""What a transparency log is asked, and what it answers: Rekor v1 and v2.

The entry is parsed as any stranger's, and must be about the signature that was sent;
its proof is verified with the whole bundle at the end.
"""

from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from keys.fields import Fields
from keys.strict import b64decode, b64encode, dumps_json, loads_json
from signer.dsse import Envelope
from signer.keyless.errors import LOGGING, LoggingAnswerError
from signer.keyless.http import Answer, Http, answered
from signer.keyless.limits import MAX_ANSWER_BYTES
from signer.keyless.signing_config import Service
from signer.protojson import ProtoFields
from signer.signed import Signed, Verifier
from signer.tlog.entry import LogEntry
from signer.tlog.foreign import parse_foreign_entry
from signer.tlog.hashedrekord import verifier_of

_JSON: Final = "application/json"
_V1, _V2 = "/api/v1/log/entries", "/api/v2/log/entries"
_CONFLICT: Final = 409
_ENTRY_ID: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A signature that is to be logged.

    Attributes:
        signed: The signature, and what it is over.
        verifier: Whose it is.
        envelope: The envelope, if a statement was signed and not a file.
    """

    signed: Signed
    verifier: Verifier
    envelope: Envelope | None = None


def log_signature(http: Http, service: Service, proposal: Proposal) -> LogEntry:
    """Have a signature logged.

    Raises:
        LoggingRefusedError: The log does not take it.
        LoggingUnavailableError: It does not answer; or ``LoggingSlowError``.
        LoggingAnswerError: It answers something that is no entry.
    """
    if service.version == 1:
        return _log_v1(http, service.url, proposal)
    body = dumps_json({"hashedRekordRequestV002": _request_v2(proposal)})
    answer = http.post(f"{service.url}{_V2}", body, kind=_JSON, refusals=LOGGING)
    with answered(LOGGING, service.url):
        return parse_foreign_entry(_document(answer))


def _request_v2(proposal: Proposal) -> dict[str, Any]:
    """Source: rekor-tiles, rekor/v2/hashedrekord.proto."""
    signed, by = proposal.signed, proposal.verifier
    return {
        "digest": b64encode(signed.sha256.raw),
        "signature": {
            "content": b64encode(signed.signature),
            "verifier": verifier_of(by.key, by.certificate),
        },
    }


def _log_v1(http: Http, url: str, proposal: Proposal) -> LogEntry:
    body = dumps_json(_request_v1(proposal))
    answer = http.post(
        f"{url}{_V1}",
        body,
        kind=_JSON,
        refusals=LOGGING,
        allowed=frozenset({_CONFLICT}),
    )
    if answer.status == _CONFLICT:
        # It is there: an earlier try of ours whose answer was lost.
        answer = http.get(f"{url}{_V1}/{_known(answer, url)}", refusals=LOGGING)
    with answered(LOGGING, url):
        return _entry_v1(_document(answer))


def _known(answer: Answer, url: str) -> str:
    """Return the id of the entry that is there already; never another address."""
    known = answer.headers.get("location", "").rpartition("/")[2]
    if not known or len(known) > len("f") * 128 or not set(known) <= _ENTRY_ID:
        raise LoggingAnswerError(f"{url}: expected the entry that is there, got none")
    return known


def _request_v1(proposal: Proposal) -> dict[str, Any]:
    """Source: rekor, hashedrekord_v0_0_1_schema.json and dsse_v0_0_1_schema.json."""
    signed, pem = proposal.signed, b64encode(_pem(proposal.verifier))
    if proposal.envelope is not None:
        envelope = dumps_json(proposal.envelope.to_json()).decode()
        content = {"envelope": envelope, "verifiers": [pem]}
        return _v1("dsse", {"proposedContent": content})
    digest = {"algorithm": "sha256", "value": signed.sha256.hex}
    signature = {"content": b64encode(signed.signature), "publicKey": {"content": pem}}
    return _v1("hashedrekord", {"data": {"hash": digest}, "signature": signature})


def _v1(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "0.0.1", "kind": kind, "spec": spec}


def _pem(verifier: Verifier) -> bytes:
    if verifier.certificate is None:
        return verifier.key.pem.encode()
    loaded = x509.load_der_x509_certificate(verifier.certificate)
    return loaded.public_bytes(Encoding.PEM)


def _document(answer: Answer) -> ProtoFields:
    value = loads_json(answer.body, max_bytes=MAX_ANSWER_BYTES, what="log answer")
    return ProtoFields(value, "log answer")


def _entry_v1(answer: Fields) -> LogEntry:
    """Read an answer of Rekor v1 by writing it as a bundle carries it."""
    if len(answer.names()) != 1:
        raise LoggingAnswerError(
            f"log answer: expected one entry, got {len(answer.names())}"
        )
    entry = answer.object(answer.names()[0])
    body = entry.text("body", max_chars=MAX_ANSWER_BYTES)
    verification = entry.object("verification")
    proof = verification.object("inclusionProof")
    value = {
        "logIndex": str(entry.integer("logIndex")),
        "logId": {"keyId": _hex(entry.text("logID"))},
        "kindVersion": _kind(body),
        "integratedTime": str(entry.integer("integratedTime")),
        "inclusionPromise": {
            "signedEntryTimestamp": verification.text("signedEntryTimestamp")
        },
        "inclusionProof": {
            "logIndex": str(proof.integer("logIndex")),
            "rootHash": _hex(proof.text("rootHash")),
            "treeSize": str(proof.integer("treeSize")),
            "hashes": [_hex(one) for one in proof.items("hashes")],
            "checkpoint": {"envelope": proof.text("checkpoint")},
        },
        "canonicalizedBody": body,
    }
    return parse_foreign_entry(ProtoFields(value, "log entry"))


def _kind(body: str) -> dict[str, str]:
    raw = b64decode(body, what="log answer body")
    value = loads_json(raw, max_bytes=MAX_ANSWER_BYTES, what="log answer body")
    fields = Fields(value, "log answer body")
    return {"kind": fields.text("kind"), "version": fields.text("apiVersion")}


def _hex(value: Any) -> str:
    try:
        return b64encode(bytes.fromhex(value))
    except (TypeError, ValueError) as error:
        raise LoggingAnswerError("log answer: expected hex, got another") from error
