# SPDX-License-Identifier: Apache-2.0
"""A Sigstore instance in memory: certificates, a log of them, Rekor v1 and v2, stamps.

Real cryptography throughout. ``certify`` does what Fulcio does and no more: it takes a
proof of possession, and whom the issuer vouched for. ``forge`` is a thief with the
CA's key: every field can be a lie, and is signed all the same.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keys.digest import Digest
from keys.public import PublicKey
from keys.strict import b64encode, dumps_json
from signer.tlog.checkpoint import Checkpoint
from signer.tlog.entry import LogEntry, Promise
from signer.tlog.merkle import inclusion_proof, leaf_hash, node_hash, tree_root
from signer.tlog.note import sign_note
from tests.simulators.memory_key import MemoryKey

Oid = x509.ObjectIdentifier
ISSUER_V1, ISSUER_V2, USERNAME = (
    Oid(f"1.3.6.1.4.1.57264.1.{last}") for last in (1, 8, 7)
)
SCT_LIST = Oid("1.3.6.1.4.1.11129.2.4.2")
CODE_SIGNING = ExtendedKeyUsageOID.CODE_SIGNING
LIFE = timedelta(minutes=10)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SimulatedCtLog:
    """A log of certificates: it signs for what a CA is about to issue."""

    def __init__(self, base_url: str = "https://ct.example.com") -> None:
        self.base_url = base_url
        self.key = MemoryKey.ecdsa()

    @property
    def log_id(self) -> bytes:
        return Digest.of(self.key.public_key.spki).raw

    def sct(
        self, tbs: bytes, *, issuer: PublicKey, at: datetime, extensions: bytes = b""
    ) -> bytes:
        """Return a ``SignedCertificateTimestamp`` (RFC 6962 §3.2)."""
        when = (at - EPOCH) // timedelta(milliseconds=1)
        tail = struct.pack(">H", len(extensions)) + extensions
        entry = Digest.of(issuer.spki).raw + len(tbs).to_bytes(3) + tbs
        signed = struct.pack(">BBQH", 0, 0, when, 1) + entry + tail
        signature = self.key.sign(signed)
        head = b"\0" + self.log_id + struct.pack(">Q", when) + tail
        return head + b"\4\3" + struct.pack(">H", len(signature)) + signature


@dataclass(frozen=True, kw_only=True)
class LeafTerms:
    """What a certificate says; an honest one with nothing but subject and issuer set."""

    names: tuple[x509.GeneralName, ...]
    issuer: str | None
    issuer_v2: str | None
    at: datetime  # from when it is valid
    life: timedelta = LIFE
    purposes: tuple[Oid, ...] = (CODE_SIGNING,)
    purposes_critical: bool = False
    ca: bool | None = None
    digital_signature: bool = True
    extra: tuple[tuple[x509.ExtensionType, bool], ...] = ()
    scts: int = 1
    sct_extensions: bytes = b""
    sct_at: datetime | None = None
    sct_of: Callable[[bytes], bytes] = field(default=lambda tbs: tbs)


def name_of(subject: str) -> x509.GeneralName:
    """Return a subject as Fulcio names it: a URI, or an address."""
    if "://" in subject:
        return x509.UniformResourceIdentifier(subject)
    return x509.RFC822Name(subject)


def username(text: str) -> x509.GeneralName:
    """Return a user's name as Fulcio names it."""
    return x509.OtherName(USERNAME, asn1.encode_der(text))


@dataclass(frozen=True, kw_only=True)
class CaTerms:
    """What the certificate of an issuing CA says."""

    at: datetime
    life: timedelta = timedelta(days=3650)
    ca: bool = True
    path_length: int | None = 0
    purposes: tuple[Oid, ...] = (CODE_SIGNING,)


class SimulatedFulcio:
    """A certificate authority: root, issuing CA, and the log that it shows them to."""

    def __init__(
        self,
        terms: CaTerms,
        *,
        uri: str = "https://fulcio.example.com",
        ct_log: SimulatedCtLog | None = None,
        root_path_length: int = 1,
        new_key: Callable[[], MemoryKey] = MemoryKey.ecdsa,
    ) -> None:
        self.uri = uri
        self.ct_log = ct_log or SimulatedCtLog()
        self.root_key, self.key = new_key(), new_key()
        of_root = CaTerms(at=terms.at, path_length=root_path_length, purposes=())
        root = _authority(uri, self.root_key, of_root, by=None)
        by = (root, self.root_key)
        self.certificate = _authority(f"{uri} issuing", self.key, terms, by=by)
        self.chain = tuple(
            one.public_bytes(Encoding.DER) for one in (self.certificate, root)
        )

    @property
    def digest(self) -> Digest:
        return Digest.of(self.chain[0])

    def certify(
        self, key: MemoryKey, *, subject: str, issuer: str, at: datetime
    ) -> bytes:
        """Issue a certificate for who holds ``key``, as the issuer vouches."""
        key.public_key.verify(key.sign(subject.encode()), subject.encode())
        terms = LeafTerms(
            names=(name_of(subject),), issuer=issuer, issuer_v2=issuer, at=at
        )
        return self.forge(key.public_key, terms)

    def forge(
        self, key: PublicKey, terms: LeafTerms, *, signed_by: MemoryKey | None = None
    ) -> bytes:
        """Issue whatever is asked for, in the CA's name."""
        ca_key = signed_by or self.key
        builder = _leaf(key, terms, self.certificate, self.key.public_key)
        before = builder.sign(ca_key.private, ca_key.public_key.hash)
        sct = self.ct_log.sct(
            terms.sct_of(before.tbs_certificate_bytes),
            issuer=self.key.public_key,
            at=terms.sct_at or terms.at,
            extensions=terms.sct_extensions,
        )
        if terms.scts:
            one = struct.pack(">H", len(sct)) + sct
            listed = struct.pack(">H", len(one) * terms.scts) + one * terms.scts
            value = x509.UnrecognizedExtension(SCT_LIST, asn1.encode_der(listed))
            builder = builder.add_extension(value, critical=False)
        issued = builder.sign(ca_key.private, ca_key.public_key.hash)
        return issued.public_bytes(Encoding.DER)


class SimulatedRekorV1:
    """Rekor v1: one key, a tree of this year, indices over all trees, and promises."""

    def __init__(self, host: str = "rekor.example.com", *, before: int = 1000) -> None:
        self.host = host
        self.origin = f"{host} - 2605736670972794746"
        self.key = MemoryKey.ecdsa()
        self.before = before
        self.bodies: list[bytes] = []

    @property
    def log_id(self) -> bytes:
        return Digest.of(self.key.public_key.spki).raw

    def hash(self, level: int, index: int) -> bytes:
        if level == 0:
            return leaf_hash(self.bodies[index])
        left, right = (self.hash(level - 1, 2 * index + side) for side in (0, 1))
        return node_hash(left, right)

    def append(self, kind: tuple[str, str], body: bytes, *, at: datetime) -> LogEntry:
        self.bodies.append(body)
        place, size = len(self.bodies) - 1, len(self.bodies)
        root = tree_root(size, self.hash)
        text = Checkpoint(self.origin, size, root).to_text() + "Timestamp: 1\n"
        return LogEntry(
            index=self.before + place,
            log_id=self.log_id,
            body=body,
            proof=inclusion_proof(place, size, self.hash),
            tree_size=size,
            root=root,
            checkpoint=sign_note(text, self.host, self.key).decode(),
            kind=kind,
            place=place,
            promise=self.promise(body, self.before + place, at),
        )

    def promise(self, body: bytes, index: int, at: datetime) -> Promise:
        integrated = int(at.timestamp())
        said = dumps_json(
            {
                "body": b64encode(body),
                "integratedTime": integrated,
                "logID": self.log_id.hex(),
                "logIndex": index,
            }
        )
        return Promise(integrated, self.key.sign(said))


def _leaf(
    key: PublicKey, terms: LeafTerms, issuer: x509.Certificate, issuer_key: PublicKey
) -> x509.CertificateBuilder:
    public, issuing = _load(key), _load(issuer_key)
    found: list[tuple[x509.ExtensionType, bool]] = [
        (key_usage(sign=terms.digital_signature, certify=bool(terms.ca)), True),
        (x509.SubjectKeyIdentifier.from_public_key(public), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing), False),
    ]
    if terms.purposes:
        purposes = x509.ExtendedKeyUsage(terms.purposes)
        found.append((purposes, terms.purposes_critical))
    if terms.names:
        found.append((x509.SubjectAlternativeName(terms.names), True))
    if terms.ca is not None:
        found.append((x509.BasicConstraints(ca=terms.ca, path_length=None), True))
    if terms.issuer is not None:
        value = terms.issuer.encode()
        found.append((x509.UnrecognizedExtension(ISSUER_V1, value), False))
    if terms.issuer_v2 is not None:
        value = asn1.encode_der(terms.issuer_v2)
        found.append((x509.UnrecognizedExtension(ISSUER_V2, value), False))
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(terms.at)
        .not_valid_after(terms.at + terms.life)
    )
    for extension, critical in (*found, *terms.extra):
        builder = builder.add_extension(extension, critical=critical)
    return builder


def _authority(
    name: str,
    key: MemoryKey,
    terms: CaTerms,
    *,
    by: tuple[x509.Certificate, MemoryKey] | None,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    constraints = x509.BasicConstraints(ca=terms.ca, path_length=terms.path_length)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by[0].subject if by else subject)
        .public_key(_load(key.public_key))
        .serial_number(x509.random_serial_number())
        .not_valid_before(terms.at)
        .not_valid_after(terms.at + terms.life)
        .add_extension(constraints, critical=True)
        .add_extension(key_usage(sign=False, certify=True), critical=True)
    )
    if terms.purposes:
        usage = x509.ExtendedKeyUsage(terms.purposes)
        builder = builder.add_extension(usage, critical=False)
    signer = by[1] if by else key
    return builder.sign(signer.private, signer.public_key.hash)


def key_usage(*, sign: bool, certify: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certify,
        crl_sign=certify,
        encipher_only=False,
        decipher_only=False,
    )


def pem_of(der: bytes) -> bytes:
    """Return a certificate as PEM."""
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def _load(key: PublicKey) -> ec.EllipticCurvePublicKey:
    return load_der_public_key(key.spki)
