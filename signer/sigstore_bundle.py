# SPDX-License-Identifier: Apache-2.0
"""Any Sigstore bundle: of a file or a statement, with a key or a certificate.

``signer.attestation`` reads the narrow form that this project writes; this is what
others write, v0.1 to v0.3. Parsing promises nothing; ``signer.verify_bundle`` does.
"""

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes

from keys.digest import Digest
from keys.strict import loads_json
from signer.certificate.path import load_certificate
from signer.dsse import Envelope, parse_envelope
from signer.errors import (
    ArtifactMismatchError,
    PredicateTypeError,
    SigstoreBundleFormatError,
)
from signer.foreign_statement import read_predicate_type
from signer.limits import (
    MAX_ATTESTATION_BYTES,
    MAX_CHAIN_CERTIFICATES,
    MAX_SIGNATURE_BYTES,
)
from signer.material import read_certificate, read_entries, read_timestamps
from signer.protojson import ProtoFields
from signer.said import require_payload_type, require_subject
from signer.signed import Signed
from signer.statement import read_digests
from signer.tlog.entry import LogEntry

V0_3: Final = (
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
)
V0_1: Final = "application/vnd.dev.sigstore.bundle+json;version=0.1"
MEDIA_TYPES: Final = (
    *V0_3,
    V0_1,
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
)
# FIPS 180-4, as protobuf-specs (sigstore_common.proto) call them.
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "SHA2_256": hashes.SHA256(),
    "SHA2_384": hashes.SHA384(),
    "SHA2_512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class Artifact:
    """The file that a bundle is asked to be about.

    Attributes:
        digest: Its SHA-256.
        data: Its bytes; none if only the digest is at hand.
    """

    digest: Digest
    data: bytes | None = None

    @classmethod
    def of(cls, artifact: bytes | Digest) -> "Artifact":
        """Return the artifact of these bytes, or of that digest."""
        if isinstance(artifact, Digest):
            return cls(artifact)
        return cls(Digest.of(artifact), artifact)


@dataclass(frozen=True, slots=True)
class MessageSignature:
    """A signature over a file itself.

    Attributes:
        signature: The signature.
        algorithm: The hash of ``digest``.
        digest: What the bundle says of the file; empty if it says nothing.
    """

    signature: bytes
    algorithm: hashes.HashAlgorithm
    digest: bytes


@dataclass(frozen=True, slots=True)
class SigstoreBundle:
    """A parsed bundle, not verified.

    Attributes:
        raw: The bytes that were parsed.
        certificate: The signer's certificate, DER; none if a key signed.
        content: What was signed, or the signature over a file.
        timestamps: RFC 3161 responses over the signature, DER.
        entries: Log entries.
    """

    raw: bytes
    certificate: bytes | None
    content: Envelope | MessageSignature
    timestamps: tuple[bytes, ...]
    entries: tuple[LogEntry, ...]

    def signed(self, artifact: Artifact) -> Signed:
        """Return what the signature is over.

        Raises:
            ArtifactMismatchError: The bundle says that it is about another file.
            ArtifactNeededError: It says so by another hash than SHA-256, and only the
                artifact's SHA-256 is at hand.
        """
        content = self.content
        if isinstance(content, Envelope):
            message = content.pae
            digest = Digest.of(message)
            return Signed(content.signature, digest, message, content.payload)
        signed = Signed(content.signature, artifact.digest, artifact.data)
        # A hint, which nobody signed; but who contradicts himself is not asked further.
        if content.digest and content.digest != signed.digest(content.algorithm):
            raise ArtifactMismatchError(
                f"expected a bundle about {artifact.digest}, "
                f"got one about {content.digest.hex()}"
            )
        return signed

    def require_about(self, artifact: Artifact) -> None:
        """Refuse a statement that is not about the artifact; the signature held.

        Raises:
            PayloadTypeError: What was signed is not declared to be a statement.
            StatementFormatError: It is not one.
            SubjectMismatchError: It is about others.
        """
        if isinstance(self.content, Envelope):
            require_payload_type(self.content)
            require_subject(read_digests(self.content.payload), artifact.digest)

    def require_says(self, predicate_type: str) -> None:
        """Refuse what is not a statement of that type; the signature held.

        Raises:
            PredicateTypeError: A statement of another type, or none.
        """
        found = None
        if isinstance(self.content, Envelope):
            found = read_predicate_type(self.content.payload)
        if found != predicate_type:
            got = "a file" if found is None else repr(found[:100])
            raise PredicateTypeError(
                f"expected predicate type {predicate_type}, got {got}"
            )


def parse_sigstore_bundle(raw: bytes) -> SigstoreBundle:
    """Parse a Sigstore bundle of any version.

    Raises:
        FormatError: Another media type or shape, not exactly one signature, both a key
            and a certificate, a root certificate, an unknown field, or base64 that is
            not canonical.
        LimitExceededError: Larger or more than a bound.

    Source: sigstore protobuf-specs, sigstore_bundle.proto.
    """
    value = loads_json(raw, max_bytes=MAX_ATTESTATION_BYTES, what="bundle")
    fields = ProtoFields(value, "bundle")
    media_type = fields.one_of("mediaType", MEDIA_TYPES)
    material = fields.object("verificationMaterial")
    bundle = SigstoreBundle(
        raw=raw,
        certificate=_signer(material, may_chain=media_type not in V0_3),
        content=_content(fields),
        timestamps=read_timestamps(material),
        entries=read_entries(material),
    )
    material.done()
    fields.done()
    # sigstore_bundle.proto: 0.1 has a promise in every entry; readers of it ask for one
    if media_type == V0_1 and any(one.promise is None for one in bundle.entries):
        raise SigstoreBundleFormatError("bundle v0.1: expected a promise, got none")
    return bundle


def _signer(material: ProtoFields, *, may_chain: bool) -> bytes | None:
    """Read the certificate; a key's hint selects nothing and vetoes nothing."""
    kinds = ("certificate", "publicKey", "x509CertificateChain")
    found = [kind for kind in kinds if material.has(kind)]
    if len(found) != 1:
        raise SigstoreBundleFormatError(
            f"bundle: expected one of {', '.join(kinds)}, got {len(found)}"
        )
    signer = material.object(found[0])
    if found == ["certificate"]:
        return read_certificate(signer)
    if found == ["publicKey"]:
        if signer.has("hint"):
            signer.text("hint", empty=True)
        signer.done()
        return None
    if not may_chain:
        raise SigstoreBundleFormatError("bundle: expected one certificate, got a chain")
    return _head_of_chain(signer)


def _head_of_chain(chain: ProtoFields) -> bytes:
    """Read the signer's certificate; no other is used, and a root may not be there.

    Source: Sigstore client specification, "Alternative Workflows": intermediates
    "distributed out-of-band" are the only ones.
    """
    found = chain.objects("certificates", max_items=MAX_CHAIN_CERTIFICATES)
    chain.done()
    certificates = [read_certificate(one) for one in found]
    if not certificates:
        raise SigstoreBundleFormatError("bundle: expected certificates, got none")
    if any(map(_is_root, certificates[1:])):
        raise SigstoreBundleFormatError("bundle: expected no root certificate, got one")
    return certificates[0]


def _is_root(der: bytes) -> bool:
    certificate = load_certificate(der, refusal=SigstoreBundleFormatError)
    return certificate.issuer == certificate.subject


def _content(fields: ProtoFields) -> Envelope | MessageSignature:
    kinds = ("dsseEnvelope", "messageSignature")
    found = [kind for kind in kinds if fields.has(kind)]
    if len(found) != 1:
        raise SigstoreBundleFormatError(
            f"bundle: expected one of {' or '.join(kinds)}, got {len(found)}"
        )
    content = fields.object(found[0])
    if found == ["dsseEnvelope"]:
        return parse_envelope(content, names_key=False)
    algorithm, digest = _message_digest(content)
    signature = content.base64("signature", max_bytes=MAX_SIGNATURE_BYTES)
    content.done()
    return MessageSignature(signature, algorithm, digest)


def _message_digest(content: ProtoFields) -> tuple[hashes.HashAlgorithm, bytes]:
    if not content.has("messageDigest"):
        return hashes.SHA256(), b""
    said = content.object("messageDigest")
    algorithm = _HASHES[said.one_of("algorithm", tuple(_HASHES))]
    digest = said.base64("digest", max_bytes=algorithm.digest_size)
    said.done()
    return algorithm, digest
