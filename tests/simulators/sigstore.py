# SPDX-License-Identifier: Apache-2.0
"""Sigstore bundles of every shape, with real witnesses, and the root that trusts them.

``SimulatedSigstore()`` is an instance in good order: a CA with its log of certificates,
Rekor v1 and v2, and a timestamp authority. ``sign`` makes a bundle as a document that a
test can change; whoever changes what a witness signed has the witness's key in hand.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from keys.clock import format_instant
from keys.digest import Digest
from keys.strict import b64encode, dumps_json, loads_json
from signer.dsse import IN_TOTO, pae
from signer.signer_policy import IdentityPolicy, KeyPolicy
from signer.subject_pattern import SubjectPattern
from signer.tlog.entry import LogEntry
from signer.tlog.hashedrekord import verifier_of
from signer.trusted_root import TrustedRoot, build_trusted_root
from tests.simulators.fulcio import (
    CaTerms,
    SimulatedFulcio,
    SimulatedRekorV1,
    pem_of,
)
from tests.simulators.memory_key import MemoryKey
from tests.simulators.signing import BEGIN, DAY, NOW, SimulatedAuthority, SimulatedLog

ISSUER = "https://token.ci.example.com"
SUBJECT = (
    "https://ci.example.com/acme/overlay/.github/workflows/release.yml@refs/heads/main"
)
DATA = b"the file that is signed"
V0_1 = "application/vnd.dev.sigstore.bundle+json;version=0.1"
V0_2 = "application/vnd.dev.sigstore.bundle+json;version=0.2"
V0_3_OLD = "application/vnd.dev.sigstore.bundle+json;version=0.3"
V0_3 = "application/vnd.dev.sigstore.bundle.v0.3+json"
Document = dict[str, Any]


def statement(*files: bytes, **fields: object) -> bytes:
    """Return an in-toto statement about files, with fields changed or added."""
    subjects = [
        {"name": f"file-{i}", "digest": {"sha256": Digest.of(data).hex}}
        for i, data in enumerate(files)
    ]
    document = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": "https://example.com/built/v1",
        "predicate": {"took": 1.5},
    }
    return dumps_json(document | fields)


@dataclass(frozen=True)
class Signer:
    """Who signs: a key, and a certificate if there is one."""

    key: MemoryKey
    certificate: bytes | None = None

    @property
    def pem(self) -> bytes:
        if self.certificate is None:
            return self.key.public_key.pem.encode()
        return pem_of(self.certificate)


class SimulatedSigstore:
    """An instance.

    Attributes:
        fulcio: Its CA, and ``fulcio.ct_log``.
        rekor: Its log, Rekor v2.
        rekor_v1: Its older log.
        authority: Its timestamp authority.
    """

    def __init__(self) -> None:
        self.fulcio = SimulatedFulcio(CaTerms(at=BEGIN - DAY))
        self.rekor = SimulatedLog("log2026.rekor.example.com")
        self.rekor_v1 = SimulatedRekorV1()
        self.authority = SimulatedAuthority("https://tsa.example.com/api/v1/timestamp")

    # ------------------------------------------------------------------ trust

    def document(self) -> Document:
        """Return the trusted root as a document."""
        raw = build_trusted_root(
            logs=[
                (f"https://{self.rekor.origin}", self.rekor.key.public_key, BEGIN),
                (f"https://{self.rekor_v1.host}", self.rekor_v1.key.public_key, BEGIN),
            ],
            authorities=[(self.authority.uri, self.authority.chain, BEGIN)],
            certificate_authorities=[(self.fulcio.uri, self.fulcio.chain, BEGIN)],
            ct_logs=[
                (
                    self.fulcio.ct_log.base_url,
                    self.fulcio.ct_log.key.public_key,
                    BEGIN,
                )
            ],
        )
        return loads_json(raw, max_bytes=len(raw))

    def trusted_root(self, **ends: datetime) -> TrustedRoot:
        """Return the trusted root; ``ends`` says when its parts went out of use.

        Args:
            **ends: By the field's name in the document.
        """
        return TrustedRoot.parse(dumps_json(retire(self.document(), **ends)))

    # ------------------------------------------------------------------ signing

    def keyless(
        self, *, subject: str = SUBJECT, issuer: str = ISSUER, at: datetime = NOW
    ) -> Signer:
        """Return a signer with a certificate of ``at``."""
        key = MemoryKey.ecdsa()
        der = self.fulcio.certify(key, subject=subject, issuer=issuer, at=at)
        return Signer(key, der)

    def sign(
        self,
        by: Signer,
        *,
        file: bytes = DATA,
        payload: bytes | None = None,
        payload_type: str = IN_TOTO,
        kinds: tuple[tuple[str, str], ...] = (("hashedrekord", "0.0.2"),),
        stamps: int = 1,
        version: str = V0_3,
        at: datetime = NOW,
        logged_at: datetime | None = None,
    ) -> Document:
        """Sign a file, or a payload; log and stamp the signature."""
        signed = file if payload is None else pae(payload_type, payload)
        signature = by.key.sign(signed)
        entries = [
            self.log(kind, by, signed, signature, payload, at=logged_at or at)
            for kind in kinds
        ]
        tokens = [self.authority.stamp(signature, at=at) for _ in range(stamps)]
        return {
            "mediaType": version,
            "verificationMaterial": {
                **material(by, version),
                "tlogEntries": [entry.to_json() for entry in entries],
                "timestampVerificationData": {
                    "rfc3161Timestamps": [
                        {"signedTimestamp": b64encode(token)} for token in tokens
                    ]
                },
            },
            **content(file, payload, payload_type, signature),
        }

    def log(
        self,
        kind: tuple[str, str],
        by: Signer,
        signed: bytes,
        signature: bytes,
        payload: bytes | None,
        *,
        at: datetime,
    ) -> LogEntry:
        """Log a signature as an entry of a kind."""
        body = BODIES[kind](by, signed, signature, payload or b"")
        if kind[1] == "0.0.2" and kind[0] != "intoto":
            return replace(self.rekor.append(body), kind=kind)
        return self.rekor_v1.append(kind, body, at=at)


def retire(document: Document, **ends: datetime) -> Document:
    """Say in a trusted root when parts went out of use."""
    for name, end in ends.items():
        for part in document[name]:
            holder = part.get("publicKey", part)
            holder["validFor"]["end"] = format_instant(end)
    return document


def material(by: Signer, version: str) -> Document:
    if by.certificate is None:
        return {"publicKey": {"hint": by.key.public_key.hint}}
    raw = {"rawBytes": b64encode(by.certificate)}
    if version in (V0_1, V0_2):
        return {"x509CertificateChain": {"certificates": [raw]}}
    return {"certificate": raw}


def content(
    file: bytes, payload: bytes | None, payload_type: str, signature: bytes
) -> Document:
    if payload is not None:
        one = {"sig": b64encode(signature)}
        envelope = {"payload": b64encode(payload), "payloadType": payload_type}
        return {"dsseEnvelope": {**envelope, "signatures": [one]}}
    digest = {"algorithm": "SHA2_256", "digest": b64encode(Digest.of(file).raw)}
    return {
        "messageSignature": {
            "messageDigest": digest,
            "signature": b64encode(signature),
        }
    }


def identity(subject: str = SUBJECT, issuer: str = ISSUER, **changes) -> IdentityPolicy:
    """Ask for a subject, exactly."""
    pattern = SubjectPattern.exactly(subject)
    return IdentityPolicy(issuer=issuer, subject=pattern, **changes)


def by_key(signer: Signer, **changes) -> KeyPolicy:
    """Ask for a key."""
    return KeyPolicy(key=signer.key.public_key, **changes)


# ---------------------------------------------------------------------- log entries


def _body(version: str, kind: str, spec: Document) -> bytes:
    return dumps_json({"apiVersion": version, "kind": kind, "spec": spec})


def _sha256(data: bytes) -> Document:
    return {"algorithm": "sha256", "value": Digest.of(data).hex}


def _hashedrekord_v1(by: Signer, signed: bytes, signature: bytes, _: bytes) -> bytes:
    public = {"content": b64encode(by.pem)}
    spec = {
        "data": {"hash": _sha256(signed)},
        "signature": {"content": b64encode(signature), "publicKey": public},
    }
    return _body("0.0.1", "hashedrekord", spec)


def _hashedrekord_v2(by: Signer, signed: bytes, signature: bytes, _: bytes) -> bytes:
    key = by.key.public_key
    names = {"sha256": "SHA2_256", "sha384": "SHA2_384"}
    algorithm = key.hash.name if key.hash else "sha256"
    content = {
        "content": b64encode(signature),
        "verifier": verifier_of(key, by.certificate),
    }
    digest = b64encode(hash_of(algorithm, signed))
    data = {"algorithm": names[algorithm], "digest": digest}
    rekord = {"data": data, "signature": content}
    return _body("0.0.2", "hashedrekord", {"hashedRekordV002": rekord})


def _dsse_v1(by: Signer, _: bytes, signature: bytes, payload: bytes) -> bytes:
    one = {"signature": b64encode(signature), "verifier": b64encode(by.pem)}
    spec = {
        "envelopeHash": _sha256(b"the envelope as it was uploaded"),
        "payloadHash": _sha256(payload),
        "signatures": [one],
    }
    return _body("0.0.1", "dsse", spec)


def _dsse_v2(by: Signer, _: bytes, signature: bytes, payload: bytes) -> bytes:
    one = {
        "content": b64encode(signature),
        "verifier": verifier_of(by.key.public_key, by.certificate),
    }
    digest = {"algorithm": "SHA2_256", "digest": b64encode(Digest.of(payload).raw)}
    spec = {"dsseV002": {"payloadHash": digest, "signatures": [one]}}
    return _body("0.0.2", "dsse", spec)


def _intoto_v2(by: Signer, _: bytes, signature: bytes, payload: bytes) -> bytes:
    one = {
        "publicKey": b64encode(by.pem),
        "sig": b64encode(b64encode(signature).encode()),
    }
    envelope = {"payloadType": IN_TOTO, "signatures": [one]}
    spec = {
        "content": {
            "envelope": envelope,
            "hash": _sha256(b"the envelope as it was uploaded"),
            "payloadHash": _sha256(payload),
        }
    }
    return _body("0.0.2", "intoto", spec)


BODIES: dict[tuple[str, str], Callable[[Signer, bytes, bytes, bytes], bytes]] = {
    ("hashedrekord", "0.0.1"): _hashedrekord_v1,
    ("hashedrekord", "0.0.2"): _hashedrekord_v2,
    ("dsse", "0.0.1"): _dsse_v1,
    ("dsse", "0.0.2"): _dsse_v2,
    ("intoto", "0.0.2"): _intoto_v2,
}


def hash_of(name: str, data: bytes) -> bytes:
    """Hash with a named hash."""
    return hashlib.new(name, data).digest()
