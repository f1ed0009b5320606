# SPDX-License-Identifier: Apache-2.0
"""Cases for a verifier of Sigstore bundles: what is offered, to whom, and the answer.

One table serves two readers: ``tests/attacks/test_bundle_steps.py`` runs it as it is,
and ``tests/vectors`` has it as files, for other implementations. Each attacker has real
keys and real witnesses and does everything else right.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta, timezone
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from keys.clock import format_instant
from keys.digest import Digest
from keys.strict import b64decode, b64encode, dumps_json, loads_json
from signer.signer_policy import IdentityPolicy, SignerPolicy
from signer.subject_pattern import SubjectPattern
from signer.tlog.note import sign_note
from signer.trusted_parts import Window
from tests.simulators.fulcio import (
    CaTerms,
    LeafTerms,
    SimulatedFulcio,
    SimulatedRekorV1,
    name_of,
    username,
)
from tests.simulators.memory_key import MemoryKey
from tests.simulators.signing import (
    BEGIN,
    DAY,
    NOW,
    SimulatedAuthority,
    SimulatedLog,
)
from tests.simulators.sigstore import (
    DATA,
    ISSUER,
    SUBJECT,
    V0_1,
    V0_2,
    V0_3_OLD,
    Document,
    Signer,
    SimulatedSigstore,
    by_key,
    identity,
    retire,
    statement,
)

HASHEDREKORD_V1, HASHEDREKORD_V2 = ("hashedrekord", "0.0.1"), ("hashedrekord", "0.0.2")
DSSE_V1, DSSE_V2, INTOTO = ("dsse", "0.0.1"), ("dsse", "0.0.2"), ("intoto", "0.0.2")
EXTENDED_KEY_USAGE = ExtensionOID.EXTENDED_KEY_USAGE
MINUTE = timedelta(minutes=1)
MATERIAL = "verificationMaterial"
STAMPS = (MATERIAL, "timestampVerificationData", "rfc3161Timestamps")
ENTRY = (MATERIAL, "tlogEntries", 0)


@dataclass(frozen=True)
class Offered:
    """What a verifier is given.

    Attributes:
        bundle: The bundle's bytes.
        root: The trusted root, as a document.
        policy: Who is asked for.
        artifact: The file's bytes.
        by_digest: Whether the verifier gets its digest only.
    """

    bundle: bytes
    root: Document
    policy: SignerPolicy
    artifact: bytes = DATA
    by_digest: bool = False


@dataclass(frozen=True)
class Case:
    """A case, its answer, and the step that gives it; neither if it is accepted."""

    make: Callable[[], Offered]
    code: str | None = None
    step: str | None = None

    @property
    def name(self) -> str:
        return self.make.__name__.replace("_", "-").strip("-")

    @property
    def about(self) -> str:
        return " ".join((self.make.__doc__ or self.make.__name__).split())


CASES: list[Case] = []


def accepted(make: Callable[[], Offered]) -> Callable[[], Offered]:
    CASES.append(Case(make))
    return make


def refused(step: str, code: str) -> Callable[[Any], Callable[[], Offered]]:
    def register(make: Callable[[], Offered]) -> Callable[[], Offered]:
        CASES.append(Case(make, code, step))
        return make

    return register


def offer(
    instance: SimulatedSigstore,
    document: Document | bytes,
    policy: SignerPolicy | None = None,
    *,
    root: Document | None = None,
    **more: Any,
) -> Offered:
    raw = document if isinstance(document, bytes) else dumps_json(document)
    return Offered(raw, root or instance.document(), policy or identity(), **more)


def at(document: Document, *path: str | int) -> Any:
    for name in path:
        document = document[name]  # type: ignore[index]
    return document


def put(document: Document, *path: str | int, value: Any) -> Document:
    at(document, *path[:-1])[path[-1]] = value
    return document


def keyed(**how: Any) -> tuple[SimulatedSigstore, Signer, Document]:
    instance, by = SimulatedSigstore(), Signer(MemoryKey.ecdsa())
    return instance, by, instance.sign(by, **how)


def keyless(**how: Any) -> tuple[SimulatedSigstore, Document]:
    instance = SimulatedSigstore()
    return instance, instance.sign(instance.keyless(), **how)


def forged(
    instance: SimulatedSigstore | None = None, **terms: Any
) -> tuple[SimulatedSigstore, Document]:
    """Sign with a certificate whose terms are chosen by who holds the CA's key."""
    instance = instance or SimulatedSigstore()
    key = MemoryKey.ecdsa()
    honest = LeafTerms(
        names=(name_of(SUBJECT),), issuer=ISSUER, issuer_v2=ISSUER, at=NOW
    )
    der = instance.fulcio.forge(key.public_key, replace(honest, **terms))
    return instance, instance.sign(Signer(key, der))


# ------------------------------------------------------------------------ accepted


@accepted
def a_file() -> Offered:
    """A file, a certificate, one entry of Rekor v2, one timestamp."""
    return offer(*keyless())


@accepted
def a_file_by_its_digest() -> Offered:
    """The same, and the verifier knows the file's digest only."""
    return offer(*keyless(), by_digest=True)


@accepted
def a_statement() -> Offered:
    """A statement about the file, logged as a digest of its PAE."""
    return offer(*keyless(payload=statement(DATA)))


@accepted
def a_statement_about_two_files() -> Offered:
    """The file is the second subject."""
    return offer(*keyless(payload=statement(b"another", DATA)))


@accepted
def bundle_v0_1_with_a_promise() -> Offered:
    """Rekor v1: the time is that of the log's promise."""
    return offer(*keyless(version=V0_1, kinds=(HASHEDREKORD_V1,), stamps=0))


@accepted
def bundle_v0_2_with_a_promise() -> Offered:
    """The same in v0.2."""
    return offer(*keyless(version=V0_2, kinds=(HASHEDREKORD_V1,), stamps=0))


@accepted
def bundle_v0_3_in_its_older_spelling() -> Offered:
    """The media type of v0.3 as it was first."""
    return offer(*keyless(version=V0_3_OLD))


@accepted
def a_dsse_entry_of_rekor_v1() -> Offered:
    """Kind dsse 0.0.1."""
    return offer(*keyless(payload=statement(DATA), kinds=(DSSE_V1,), stamps=0))


@accepted
def an_intoto_entry_of_rekor_v1() -> Offered:
    """Kind intoto 0.0.2."""
    return offer(*keyless(payload=statement(DATA), kinds=(INTOTO,), stamps=0))


@accepted
def a_dsse_entry_of_rekor_v2() -> Offered:
    """Kind dsse 0.0.2, which later servers dropped."""
    return offer(*keyless(payload=statement(DATA), kinds=(DSSE_V2,)))


@accepted
def a_file_with_a_key() -> Offered:
    """A managed key; nobody asks when."""
    instance, by, document = keyed(stamps=0)
    return offer(instance, document, by_key(by))


@accepted
def a_statement_with_a_key() -> Offered:
    """A managed key, a promise and a timestamp, in the key's window."""
    how = {"payload": statement(DATA), "kinds": (DSSE_V1,)}
    instance, by, document = keyed(**how)
    return offer(instance, document, by_key(by, window=Window(NOW, NOW)))


@accepted
def a_key_without_a_hint() -> Offered:
    """The key is the caller's; what the bundle says of it is nothing to us."""
    instance, by, document = keyed()
    put(document, MATERIAL, "publicKey", value={"hint": "somebody else"})
    return offer(instance, document, by_key(by))


@accepted
def a_key_of_p_384() -> Offered:
    """A key of P-384 signs with SHA-384."""
    instance, by = SimulatedSigstore(), Signer(MemoryKey.ecdsa_p384())
    return offer(instance, instance.sign(by), by_key(by))


@accepted
def two_logs() -> Offered:
    """Two logs are asked for, of Rekor v1 and v2."""
    both = (HASHEDREKORD_V1, HASHEDREKORD_V2)
    return offer(*keyless(kinds=both), identity(logs=2))


@accepted
def two_operators_of_authorities() -> Offered:
    """Two authorities, each run by somebody else."""
    instance, document, root = _two_authorities("https://tsa.example.net")
    return offer(instance, document, identity(authorities=2), root=root)


@accepted
def an_address_as_the_subject() -> Offered:
    """A person's address."""
    instance = SimulatedSigstore()
    by = instance.keyless(subject="jane@example.com")
    return offer(instance, instance.sign(by), identity("jane@example.com"))


@accepted
def a_user_name_as_the_subject() -> Offered:
    """A user's name, in an other name of Sigstore's arc."""
    instance, document = forged(names=(username("jane!example.com"),))
    return offer(instance, document, identity("jane!example.com"))


@accepted
def a_subject_by_an_anchored_pattern() -> Offered:
    """Any ref that is one word, under a literal owner."""
    pattern = SubjectPattern.anchored(
        r"^https://ci\.example\.com/acme/overlay/\.github/workflows/release\.yml"
        r"@refs/heads/[a-z]+$"
    )
    return offer(*keyless(), IdentityPolicy(issuer=ISSUER, subject=pattern))


@accepted
def a_critical_extended_key_usage() -> Offered:
    """Fulcio's is not critical; one that is says the same."""
    return offer(*forged(purposes_critical=True))


@accepted
def an_issuer_in_the_older_extension_only() -> Offered:
    """Certificates before 2022 have no other."""
    return offer(*forged(issuer_v2=None))


@accepted
def a_certificate_timestamp_with_extensions() -> Offered:
    """As logs of static CT write them."""
    return offer(*forged(sct_extensions=b"\0\0\5\0\0\0\0\7"))


@accepted
def windows_that_end_in_this_second() -> Offered:
    """Windows include both ends."""
    instance, document = keyless(kinds=(HASHEDREKORD_V1,))
    ends = ("tlogs", "ctlogs", "certificateAuthorities", "timestampAuthorities")
    root = retire(instance.document(), **dict.fromkeys(ends, NOW))
    return offer(instance, document, root=root)


@accepted
def the_last_second_of_a_certificate() -> Offered:
    """notAfter is inclusive."""
    instance = SimulatedSigstore()
    by = instance.keyless(at=NOW - 10 * MINUTE)
    return offer(instance, instance.sign(by))


@accepted
def a_timestamp_of_a_stranger_beside_a_good_one() -> Offered:
    """It proves nothing, and spoils nothing."""
    instance, document = keyless()
    root = instance.document()
    stranger = SimulatedAuthority("https://tsa.example.org")
    token = stranger.stamp(_signature(document), at=NOW + 300 * DAY)
    at(document, *STAMPS).append({"signedTimestamp": b64encode(token)})
    return offer(instance, document, root=root)


@accepted
def empty_fields_that_are_null() -> Offered:
    """Some writers say null for what protobuf leaves out."""
    instance, document = keyless()
    put(document, *ENTRY, "inclusionPromise", value=None)
    put(document, *ENTRY, "integratedTime", value="0")
    return offer(instance, document)


@accepted
def zeros_that_are_left_out() -> Offered:
    """protobuf leaves out zero, and empty lists."""
    instance, document = keyless()
    entry = at(document, *ENTRY)
    del entry["logIndex"], entry["inclusionProof"]["logIndex"]
    del entry["inclusionProof"]["hashes"]
    return offer(instance, document)


@accepted
def numbers_that_are_no_text() -> Offered:
    """protobuf's JSON writes an int64 as text, and reads a number too."""
    instance, document = keyless(kinds=(HASHEDREKORD_V1,))
    entry = at(document, *ENTRY)
    for holder, name in (
        (entry, "logIndex"),
        (entry, "integratedTime"),
        (entry["inclusionProof"], "logIndex"),
        (entry["inclusionProof"], "treeSize"),
    ):
        holder[name] = int(holder[name])
    return offer(instance, document)


@accepted
def base64_with_line_breaks() -> Offered:
    """As base64(1) makes them, in every field of bytes that is long enough."""
    instance, document = keyless(payload=statement(DATA))
    for path in (
        (MATERIAL, "certificate", "rawBytes"),
        (*ENTRY, "canonicalizedBody"),
        (*STAMPS, 0, "signedTimestamp"),
        ("dsseEnvelope", "payload"),
        ("dsseEnvelope", "signatures", 0, "sig"),
    ):
        text = at(document, *path)
        lines = [text[i : i + 76] for i in range(0, len(text), 76)]
        put(document, *path, value="\n".join([*lines, ""]))
    return offer(instance, document)


@accepted
def a_key_id_that_is_null() -> Offered:
    """DSSE's keyid is a hint, and optional."""
    instance, document = keyless(payload=statement(DATA))
    put(document, "dsseEnvelope", "signatures", 0, "keyid", value=None)
    return offer(instance, document)


@accepted
def a_time_in_an_entry_of_rekor_v2() -> Offered:
    """Nobody's word, and nobody takes it: the timestamp says when."""
    instance, document = keyless()
    late = str(int((NOW + DAY).timestamp()))
    return offer(instance, put(document, *ENTRY, "integratedTime", value=late))


@accepted
def five_timestamps() -> Offered:
    """One would do; all are of one authority, a second apart."""
    instance, document = keyless()
    for seconds in range(1, 5):
        token = instance.authority.stamp(
            _signature(document), at=NOW + timedelta(seconds=seconds)
        )
        at(document, *STAMPS).append({"signedTimestamp": b64encode(token)})
    return offer(instance, document)


@accepted
def a_retired_authority_beside_one_in_use() -> Offered:
    """Who drops its timestamp gets as far: it proves nothing, and spoils nothing."""
    instance, document, root = _two_authorities("https://tsa.example.net")
    root["timestampAuthorities"][0]["validFor"]["end"] = format_instant(NOW - DAY)
    return offer(instance, document, root=root)


@accepted
def a_retired_authority_beside_a_promise() -> Offered:
    """The log says when."""
    instance, document = keyless(kinds=(HASHEDREKORD_V1,))
    root = retire(instance.document(), timestampAuthorities=NOW - DAY)
    return offer(instance, document, root=root)


@accepted
def an_authority_that_must_not_stamp_beside_one_that_may() -> Offered:
    """Public roots list such a one: it is passed over, and the root is not refused."""
    instance, document, root = _two_authorities("https://tsa.example.net")
    other = SimulatedAuthority("https://tsa.example.org")
    _uncritical(other)
    listed = [{"rawBytes": b64encode(one)} for one in other.chain]
    root["timestampAuthorities"][0]["certChain"]["certificates"] = listed
    return offer(instance, document, root=root)


@accepted
def parts_of_a_root_without_windows() -> Offered:
    """A window is optional; without one a part is always in use."""
    instance, document = keyless()
    root = instance.document()
    for log in (*root["tlogs"], *root["ctlogs"]):
        del log["publicKey"]["validFor"], log["publicKey"]["keyDetails"]
    for one in (*root["certificateAuthorities"], *root["timestampAuthorities"]):
        del one["validFor"]
    return offer(instance, document, root=root)


@accepted
def parts_of_a_root_that_are_listed_twice() -> Offered:
    """They were in use in two windows, the second of which is today's."""
    instance, document = keyless(kinds=(HASHEDREKORD_V2, HASHEDREKORD_V1))
    names = ("tlogs", "ctlogs", "certificateAuthorities", "timestampAuthorities")
    root = retire(instance.document(), **dict.fromkeys(names, NOW - DAY))
    for name in names:
        root[name] += instance.document()[name]
    return offer(instance, document, root=root)


@accepted
def parts_of_a_root_that_nobody_can_use() -> Offered:
    """Another hash, and a field that is not known: passed over, the rest is read."""
    instance, document = keyless()
    root, other = instance.document(), SimulatedSigstore().document()
    for log in other["tlogs"]:
        log["hashAlgorithm"] = "SHA2_512"
    other["certificateAuthorities"][0]["trustedForLess"] = True
    other["timestampAuthorities"][0]["certChain"]["trustedForLess"] = True
    other["ctlogs"][0]["publicKey"]["trustedForLess"] = True
    for name in ("tlogs", "ctlogs", "certificateAuthorities", "timestampAuthorities"):
        root[name] = other[name] + root[name]
    root["partsOfAnotherKind"] = [{}]
    return offer(instance, document, root=root)


@accepted
def a_window_in_another_time_zone() -> Offered:
    """protobuf writes UTC, and reads any offset."""
    instance, document = keyless()
    root = instance.document()
    for log in root["tlogs"]:
        log["publicKey"]["validFor"] = {
            "start": "2026-01-01T01:00:00.5+01:00",
            "end": NOW.astimezone(timezone(timedelta(hours=-8))).isoformat(),
        }
    return offer(instance, document, root=root)


@accepted
def a_log_at_a_port() -> Offered:
    """A port says where a log is served; its name is the host's."""
    instance, document = keyless()
    root = instance.document()
    root["tlogs"][0]["baseUrl"] += ":8443/api"
    return offer(instance, document, root=root)


@accepted
def a_log_that_is_named_after_its_port() -> Offered:
    """Rekor v1 writes the port that it is served at into its name."""
    instance = SimulatedSigstore()
    instance.rekor_v1 = SimulatedRekorV1("rekor.example.com:3000")
    how = {"kinds": (HASHEDREKORD_V1,), "stamps": 0}
    return offer(instance, instance.sign(instance.keyless(), **how))


@accepted
def a_log_with_one_tree() -> Offered:
    """Rekor v1 whose checkpoints are of the host, without the number of a tree."""
    instance = SimulatedSigstore()
    instance.rekor_v1.origin = instance.rekor_v1.host
    how = {"kinds": (HASHEDREKORD_V1,), "stamps": 0}
    return offer(instance, instance.sign(instance.keyless(), **how))


# --------------------------------------------------------------------------- shape


@refused("shape", "json-format")
def a_key_of_json_twice() -> Offered:
    """Two readers would see two bundles."""
    instance, document = keyless()
    raw = dumps_json(document)
    twice = raw.replace(b'"mediaType"', b'"mediaType":"text/plain","mediaType"', 1)
    return offer(instance, twice)


@refused("shape", "field-format")
def another_media_type() -> Offered:
    instance, document = keyless()
    return offer(instance, put(document, "mediaType", value="application/json"))


@refused("shape", "field-format")
def an_unknown_field() -> Offered:
    instance, document = keyless()
    return offer(instance, put(document, MATERIAL, "more", value=1))


@refused("shape", "envelope-format")
def two_signatures() -> Offered:
    """m of n is m bundles, not one with m signatures."""
    instance, document = keyless(payload=statement(DATA))
    (one,) = at(document, "dsseEnvelope", "signatures")
    return offer(
        instance, put(document, "dsseEnvelope", "signatures", value=[one, one])
    )


@refused("shape", "sigstore-bundle-format")
def a_file_and_a_statement() -> Offered:
    """One bundle holds one of the two."""
    instance, document = keyless()
    other = instance.sign(instance.keyless(), payload=statement(DATA))
    return offer(instance, document | {"dsseEnvelope": other["dsseEnvelope"]})


@refused("shape", "sigstore-bundle-format")
def a_certificate_and_a_key() -> Offered:
    instance, document = keyless()
    return offer(instance, put(document, MATERIAL, "publicKey", value={"hint": "k"}))


@refused("shape", "sigstore-bundle-format")
def neither_certificate_nor_key() -> Offered:
    instance, document = keyless()
    del document[MATERIAL]["certificate"]
    return offer(instance, document)


@refused("shape", "sigstore-bundle-format")
def a_chain_in_v0_3() -> Offered:
    instance, document = keyless()
    one = document[MATERIAL].pop("certificate")
    chain = {"certificates": [one]}
    return offer(instance, put(document, MATERIAL, "x509CertificateChain", value=chain))


@refused("shape", "sigstore-bundle-format")
def a_chain_with_the_root() -> Offered:
    """Trust comes from the trusted root, and a bundle may not pretend to bring it."""
    instance, document = keyless(version=V0_2, kinds=(HASHEDREKORD_V1,))
    chain = at(document, MATERIAL, "x509CertificateChain", "certificates")
    chain.append({"rawBytes": b64encode(instance.fulcio.chain[1])})
    return offer(instance, document)


@refused("shape", "base64-format")
def base64_with_stray_bits() -> Offered:
    """Two texts of one digest."""
    instance, document = keyless()
    path = ("messageSignature", "messageDigest", "digest")
    return offer(instance, put(document, *path, value=_stray(at(document, *path))))


@refused("shape", "base64-format")
def base64_of_the_url_alphabet() -> Offered:
    instance, document = keyless()
    body = at(document, *ENTRY, "canonicalizedBody")
    put(document, *ENTRY, "canonicalizedBody", value=body[:-4] + "-_-_")
    return offer(instance, document)


@refused("shape", "base64-format")
def base64_with_a_blank() -> Offered:
    instance, document = keyless(payload=statement(DATA))
    text = at(document, "dsseEnvelope", "payload")
    return offer(instance, put(document, "dsseEnvelope", "payload", value=f"{text} "))


@refused("shape", "log-entry-format")
def a_negative_index() -> Offered:
    instance, document = keyless()
    return offer(instance, put(document, *ENTRY, "logIndex", value="-1"))


@refused("shape", "log-entry-format")
def two_indices_of_one_leaf() -> Offered:
    """Rekor v2 says the index twice, and sigstore-python 4.5.1 compares neither."""
    instance, document = keyless()
    return offer(instance, put(document, *ENTRY, "logIndex", value="7"))


@refused("shape", "inclusion-proof-missing")
def a_promise_and_no_proof() -> Offered:
    """A promise to include is no proof of inclusion."""
    instance, document = keyless(kinds=(HASHEDREKORD_V1,))
    del at(document, *ENTRY)["inclusionProof"]
    return offer(instance, document)


@refused("shape", "inclusion-proof-missing")
def a_proof_without_a_checkpoint() -> Offered:
    """Size and root that nobody signed."""
    instance, document = keyless(kinds=(HASHEDREKORD_V1,))
    del at(document, *ENTRY, "inclusionProof")["checkpoint"]
    return offer(instance, document)


@refused("shape", "sigstore-bundle-format")
def bundle_v0_1_without_a_promise() -> Offered:
    """v0.1 has one in every entry, and its readers ask for it."""
    return offer(*keyless(version=V0_1))


@refused("shape", "sigstore-bundle-format")
def one_timestamp_twice() -> Offered:
    """A copy adds nothing, and other clients refuse it."""
    instance, document = keyless()
    stamps = at(document, *STAMPS)
    return offer(instance, put(document, *STAMPS, value=stamps * 2))


@refused("shape", "sigstore-bundle-format")
def one_entry_twice() -> Offered:
    """A copy adds nothing, and other clients refuse it."""
    instance, document = keyless()
    entries = at(document, MATERIAL, "tlogEntries")
    return offer(instance, put(document, MATERIAL, "tlogEntries", value=entries * 2))


@refused("timestamps", "no-trusted-time")
def a_timestamp_and_a_root_without_authorities() -> Offered:
    """The log says when; but other clients want somebody to judge the timestamp by."""
    instance, document = keyless(kinds=(HASHEDREKORD_V1,))
    root = instance.document() | {"timestampAuthorities": []}
    return offer(instance, document, root=root)


@refused("timestamps", "timestamp-format")
def a_timestamp_that_embeds_rubbish() -> Offered:
    """Nobody uses the certificates in a token; rubbish in their place is refused."""
    instance, document = keyless()
    leaf = instance.authority.chain[0]
    token = b64decode(at(document, *STAMPS, 0, "signedTimestamp"))
    rubbish = token.replace(leaf, leaf[:4] + bytes(len(leaf) - 4))
    value = {"signedTimestamp": b64encode(rubbish)}
    return offer(instance, put(document, *STAMPS, 0, value=value))


@refused("shape", "field-format")
def thirty_three_timestamps() -> Offered:
    """Each costs a signature: 32 are read, as by other readers."""
    instance, document = keyless()
    token = at(document, *STAMPS)[0]
    return offer(instance, put(document, *STAMPS, value=[token] * 33))


@refused("time", "no-trusted-time")
def a_time_of_rekor_v2_and_no_timestamp() -> Offered:
    """A time that no promise holds is nobody's word."""
    instance, document = keyless(stamps=0)
    now = str(int(NOW.timestamp()))
    return offer(instance, put(document, *ENTRY, "integratedTime", value=now))


@refused("log", "unknown-log")
def a_log_with_a_field_that_is_not_known() -> Offered:
    """The field might say that the log is trusted for less: it is not trusted."""
    instance, document = keyless()
    root = instance.document()
    root["tlogs"][0]["publicKey"]["trustedForLess"] = True
    return offer(instance, document, root=root)


@refused("shape", "log-entry-format")
def a_promise_of_rekor_v2() -> Offered:
    """There is none, so that a time of Rekor v2 is nobody's word."""
    instance, document = keyless()
    promise = {"signedEntryTimestamp": b64encode(bytes(70))}
    put(document, *ENTRY, "integratedTime", value=str(int(NOW.timestamp())))
    return offer(instance, put(document, *ENTRY, "inclusionPromise", value=promise))


@refused("shape", "log-entry-format")
def a_kind_that_names_no_signature() -> Offered:
    """intoto 0.0.1 has payload and key, and no signature."""
    instance, document = keyless(payload=statement(DATA), kinds=(INTOTO,))
    kind = {"kind": "intoto", "version": "0.0.1"}
    return offer(instance, put(document, *ENTRY, "kindVersion", value=kind))


# ---------------------------------------------------------------------------- kind


@refused("kind", "signer-kind")
def a_key_where_an_identity_is_asked_for() -> Offered:
    """GHSA-fx35-mq7g-6g98: the identity would be checked against nothing."""
    instance, _, document = keyed()
    return offer(instance, document)


@refused("kind", "signer-kind")
def an_identity_where_a_key_is_asked_for() -> Offered:
    """Even the certificate's own key is not asked for in this way."""
    instance = SimulatedSigstore()
    by = instance.keyless()
    return offer(instance, instance.sign(by, kinds=()), by_key(by, logs=0))


# --------------------------------------------------------------------- certificate


@refused("certificate", "certificate-format")
def a_certificate_that_is_none() -> Offered:
    instance, document = keyless()
    value = {"rawBytes": b64encode(b"not a certificate")}
    return offer(instance, put(document, MATERIAL, "certificate", value=value))


@refused("certificate", "certificate-profile")
def a_ca_that_signs_files() -> Offered:
    return offer(*forged(ca=True))


@refused("certificate", "certificate-profile")
def a_key_usage_without_signatures() -> Offered:
    return offer(*forged(digital_signature=False))


@refused("certificate", "certificate-profile")
def a_certificate_for_servers() -> Offered:
    return offer(*forged(purposes=(ExtendedKeyUsageOID.SERVER_AUTH,)))


@refused("certificate", "certificate-profile")
def a_certificate_for_any_purpose() -> Offered:
    """anyExtendedKeyUsage is not codeSigning."""
    return offer(*forged(purposes=(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)))


@refused("certificate", "certificate-profile")
def a_certificate_for_two_purposes() -> Offered:
    """For code, and for servers besides."""
    both = (ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.SERVER_AUTH)
    return offer(*forged(purposes=both))


@refused("certificate", "certificate-profile")
def a_certificate_for_no_purpose() -> Offered:
    return offer(*forged(purposes=()))


@refused("certificate", "certificate-profile")
def two_subjects() -> Offered:
    """The one that is asked for, and another."""
    names = (name_of(SUBJECT), name_of("mallory@example.com"))
    return offer(*forged(names=names))


@refused("certificate", "certificate-profile")
def no_subject() -> Offered:
    return offer(*forged(names=()))


@refused("certificate", "certificate-profile")
def a_host_as_the_subject() -> Offered:
    return offer(*forged(names=(x509.DNSName("ci.example.com"),)))


@refused("certificate", "certificate-profile")
def two_issuers() -> Offered:
    """The older extension names the one that is asked for, the newer another."""
    return offer(*forged(issuer_v2="https://token.example.net"))


@refused("certificate", "certificate-profile")
def no_issuer() -> Offered:
    return offer(*forged(issuer=None, issuer_v2=None))


@refused("certificate", "certificate-profile")
def a_critical_extension_that_nobody_reads() -> Offered:
    unread = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.1"), b"x")
    return offer(*forged(extra=((unread, True),)))


# ------------------------------------------------------------- artifact, signature


@refused("artifact", "artifact-mismatch")
def a_bundle_about_another_file() -> Offered:
    return offer(*keyless(file=b"another file"))


@refused("signature", "signature-invalid")
def a_false_signature_and_no_log_is_asked_for() -> Offered:
    """Nothing else would notice."""
    instance, by = SimulatedSigstore(), Signer(MemoryKey.ecdsa())
    document = instance.sign(by, file=b"another file", kinds=(), stamps=0)
    good = instance.sign(by)["messageSignature"]["messageDigest"]
    put(document, "messageSignature", "messageDigest", value=good)
    return offer(instance, document, by_key(by, logs=0))


@refused("signature", "signature-invalid")
def a_signature_of_another_file() -> Offered:
    """The bundle's digest is this file's; the signature is another's."""
    instance = SimulatedSigstore()
    by = instance.keyless()
    document = instance.sign(by, file=b"another file")
    good = instance.sign(by)["messageSignature"]["messageDigest"]
    return offer(
        instance, put(document, "messageSignature", "messageDigest", value=good)
    )


@refused("signature", "signature-invalid")
def another_payload_under_the_signature() -> Offered:
    instance, document = keyless(payload=statement(b"another file"))
    put(document, "dsseEnvelope", "payload", value=b64encode(statement(DATA)))
    return offer(instance, document)


@refused("signature", "signature-invalid")
def the_certificate_of_somebody_else() -> Offered:
    """Who signed has another key than who is named."""
    instance = SimulatedSigstore()
    by, other = instance.keyless(), MemoryKey.ecdsa()
    return offer(instance, instance.sign(Signer(other, by.certificate)))


@refused("signature", "artifact-needed")
def a_digest_where_the_key_hashes_otherwise() -> Offered:
    """A key of P-384 signs SHA-384, and only SHA-256 is at hand."""
    instance, by = SimulatedSigstore(), Signer(MemoryKey.ecdsa_p384())
    return offer(instance, instance.sign(by), by_key(by), by_digest=True)


# ---------------------------------------------------------------------- timestamps


@refused("timestamps", "timestamp-mismatch")
def a_timestamp_of_another_signature() -> Offered:
    instance, document = keyless()
    other = instance.sign(instance.keyless())
    return offer(instance, put(document, *STAMPS, value=at(other, *STAMPS)))


@refused("timestamps", "timestamp-mismatch")
def a_good_timestamp_with_a_false_one_beside_it() -> Offered:
    """Of a trusted authority, and of something else."""
    instance, document = keyless()
    other = instance.sign(instance.keyless())
    at(document, *STAMPS).extend(at(other, *STAMPS))
    return offer(instance, document)


@refused("time", "timestamp-window")
def a_retired_timestamp_authority() -> Offered:
    """Its word proves nothing, and nobody else says when."""
    instance, document = keyless()
    root = retire(instance.document(), timestampAuthorities=NOW - DAY)
    return offer(instance, document, root=root)


@refused("timestamps", "timestamp-format")
def rubbish_for_a_timestamp() -> Offered:
    instance, document = keyless()
    return offer(instance, put(document, *STAMPS, value=[{"signedTimestamp": "MAAA"}]))


# ----------------------------------------------------------------------------- log


@refused("log", "unknown-log")
def a_log_of_a_stranger() -> Offered:
    instance = SimulatedSigstore()
    root = instance.document()
    instance.rekor = SimulatedLog(instance.rekor.origin)
    return offer(instance, instance.sign(instance.keyless()), root=root)


@refused("log", "unknown-log")
def a_good_entry_with_a_stranger_s_beside_it() -> Offered:
    instance, document = keyless()
    other = SimulatedSigstore()
    (entry,) = other.sign(other.keyless())[MATERIAL]["tlogEntries"]
    at(document, MATERIAL, "tlogEntries").append(entry)
    return offer(instance, document)


@refused("log", "checkpoint-signature")
def a_checkpoint_that_the_log_did_not_sign() -> Offered:
    instance, document = keyless()
    stranger = SimulatedLog(instance.rekor.origin)
    stranger.bodies = instance.rekor.bodies
    note = {"envelope": stranger.checkpoint().decode()}
    return offer(
        instance, put(document, *ENTRY, "inclusionProof", "checkpoint", value=note)
    )


@refused("log", "wrong-log")
def a_checkpoint_of_another_tree_of_the_log_s_key() -> Offered:
    """Signed by the log's key and under its name, and of another origin."""
    instance = SimulatedSigstore()
    instance.rekor_v1.origin = "rekor.example.net - 1"
    document = instance.sign(instance.keyless(), kinds=(HASHEDREKORD_V1,))
    return offer(instance, document)


@refused("log", "note-format")
def a_checkpoint_without_a_size() -> Offered:
    """Signed by the log, and no checkpoint."""
    instance, document = keyless()
    log = instance.rekor
    text = f"{log.origin}\nno size\n{b64encode(bytes(32))}\n"
    note = {"envelope": sign_note(text, log.origin, log.key).decode()}
    return offer(
        instance, put(document, *ENTRY, "inclusionProof", "checkpoint", value=note)
    )


@refused("log", "not-included")
def a_size_that_is_not_the_checkpoint_s() -> Offered:
    """sigstore-python 4.5.1 takes the proof's own copy of the size."""
    instance, document = _among_others()
    put(document, *ENTRY, "inclusionProof", "treeSize", value="6")
    return offer(instance, document)


@refused("log", "not-included")
def an_index_that_is_not_the_leaf_s() -> Offered:
    instance, document = _among_others()
    put(document, *ENTRY, "inclusionProof", "logIndex", value="1")
    return offer(instance, put(document, *ENTRY, "logIndex", value="1"))


@refused("log", "not-included")
def an_index_past_the_end() -> Offered:
    instance, document = _among_others()
    put(document, *ENTRY, "inclusionProof", "logIndex", value="9")
    return offer(instance, put(document, *ENTRY, "logIndex", value="9"))


@refused("log", "not-included")
def an_entry_that_was_never_logged() -> Offered:
    instance, document = _among_others()
    other = instance.sign(instance.keyless())
    body = at(other, *ENTRY, "canonicalizedBody")
    return offer(instance, put(document, *ENTRY, "canonicalizedBody", value=body))


def _mismatch(kind: tuple[str, str], payload: bytes | None) -> Offered:
    """Return a good bundle whose entry is another good bundle's, of one signer."""
    instance = SimulatedSigstore()
    by = instance.keyless()
    how = {"payload": payload, "kinds": (kind,)}
    document, other = instance.sign(by, **how), instance.sign(by, **how)
    put(document, MATERIAL, "tlogEntries", value=other[MATERIAL]["tlogEntries"])
    return offer(instance, document)


@refused("log", "log-entry-mismatch")
def a_hashedrekord_v1_of_another_signature() -> Offered:
    """CVE-2022-36056, in each kind of entry."""
    return _mismatch(HASHEDREKORD_V1, None)


@refused("log", "log-entry-mismatch")
def a_hashedrekord_v2_of_another_signature() -> Offered:
    return _mismatch(HASHEDREKORD_V2, None)


@refused("log", "log-entry-mismatch")
def a_dsse_v1_of_another_signature() -> Offered:
    return _mismatch(DSSE_V1, statement(DATA))


@refused("log", "log-entry-mismatch")
def a_dsse_v2_of_another_signature() -> Offered:
    return _mismatch(DSSE_V2, statement(DATA))


@refused("log", "log-entry-mismatch")
def an_intoto_of_another_signature() -> Offered:
    return _mismatch(INTOTO, statement(DATA))


@refused("log", "log-entry-mismatch")
def an_entry_of_the_key_and_not_the_certificate() -> Offered:
    """The right signature, logged in the name of the bare key."""
    instance = SimulatedSigstore()
    by = instance.keyless()
    document = instance.sign(by)
    signature = _signature(document)
    entry = instance.log(HASHEDREKORD_V2, Signer(by.key), DATA, signature, None, at=NOW)
    return offer(
        instance, put(document, MATERIAL, "tlogEntries", value=[entry.to_json()])
    )


@refused("log", "log-entry-mismatch")
def an_entry_of_a_file_for_a_statement() -> Offered:
    """hashedrekord 0.0.1 over a PAE: it is not said what is hashed."""
    return offer(*keyless(payload=statement(DATA), kinds=(HASHEDREKORD_V1,)))


@refused("log", "log-entry-mismatch")
def an_entry_of_two_signatures() -> Offered:
    """One of them is this one."""

    def edit(body: Document) -> None:
        signatures = body["spec"]["signatures"]
        signatures.append(signatures[0])

    return _logged(DSSE_V1, statement(DATA), edit)


@refused("log", "log-entry-format")
def an_entry_that_says_another_kind_within() -> Offered:
    def edit(body: Document) -> None:
        body["kind"] = "rekord"

    return _logged(HASHEDREKORD_V1, None, edit)


@refused("log", "log-entry-format")
def an_entry_with_a_field_that_nobody_reads() -> Offered:
    def edit(body: Document) -> None:
        body["spec"]["more"] = 1

    return _logged(DSSE_V1, statement(DATA), edit)


# ------------------------------------------------------- promises, windows, counts


@refused("promises", "promise-invalid")
def a_promise_of_another_time() -> Offered:
    """The integrated time is what makes an expired certificate good."""
    instance = SimulatedSigstore()
    by = instance.keyless(at=NOW - DAY)
    document = instance.sign(by, kinds=(HASHEDREKORD_V1,), stamps=0)
    time = str(int((NOW - DAY + MINUTE).timestamp()))
    return offer(instance, put(document, *ENTRY, "integratedTime", value=time))


@refused("promises", "promise-invalid")
def a_promise_of_another_index() -> Offered:
    instance, document = keyless(kinds=(HASHEDREKORD_V1,))
    return offer(instance, put(document, *ENTRY, "logIndex", value="7"))


@refused("log-window", "log-window")
def a_retired_log() -> Offered:
    """Its key signs on, for whoever has it."""
    instance, document = keyless()
    return offer(instance, document, root=retire(instance.document(), tlogs=NOW - DAY))


@refused("log-window", "log-window")
def a_retired_log_that_promises_an_earlier_time() -> Offered:
    """The promise says before the end, a timestamp says after it."""
    instance = SimulatedSigstore()
    document = instance.sign(
        instance.keyless(), kinds=(HASHEDREKORD_V1,), logged_at=NOW - MINUTE
    )
    root = retire(instance.document(), tlogs=NOW - MINUTE)
    return offer(instance, document, root=root)


@refused("log-window", "log-window")
def a_retired_log_and_nobody_says_when() -> Offered:
    """A key needs no time, but the word of a retired log does."""
    instance, by, document = keyed(stamps=0)
    root = retire(instance.document(), tlogs=NOW + DAY)
    return offer(instance, document, by_key(by), root=root)


@refused("log-count", "too-few-logs")
def no_log() -> Offered:
    return offer(*keyless(kinds=()))


@refused("log-count", "too-few-logs")
def one_log_twice() -> Offered:
    """Two entries of one log are one log."""
    both = (HASHEDREKORD_V2, HASHEDREKORD_V2)
    return offer(*keyless(kinds=both), identity(logs=2))


@refused("time-count", "too-few-authorities")
def one_authority_twice() -> Offered:
    """Two stamps of one authority are one authority."""
    return offer(*keyless(stamps=2), identity(authorities=2))


@refused("time-count", "too-few-authorities")
def two_authorities_of_one_operator() -> Offered:
    """Two certificates, one operator: he can say whatever he likes twice."""
    instance, document, root = _two_authorities("https://tsa.example.net")
    for authority in root["timestampAuthorities"]:
        authority["operator"] = "example.com"
    return offer(instance, document, identity(authorities=2), root=root)


# --------------------------------------------------------------------- key's window


@refused("window", "outside-window")
def a_key_after_its_window() -> Offered:
    instance, by, document = keyed()
    policy = by_key(by, window=Window(BEGIN, NOW - MINUTE))
    return offer(instance, document, policy)


@refused("window", "no-trusted-time")
def a_key_with_a_window_and_nobody_says_when() -> Offered:
    instance, by, document = keyed(stamps=0)
    return offer(instance, document, by_key(by, window=Window(BEGIN)))


# ------------------------------------------------------------------ identity's steps


@refused("time", "no-trusted-time")
def nobody_says_when() -> Offered:
    """Rekor v2 says no time."""
    return offer(*keyless(stamps=0))


@refused("time", "no-trusted-time")
def only_a_stranger_says_when() -> Offered:
    instance = SimulatedSigstore()
    root = instance.document()
    instance.authority = SimulatedAuthority("https://tsa.example.org")
    return offer(instance, instance.sign(instance.keyless()), root=root)


@refused("time", "timestamp-certificate")
def an_authority_whose_key_usage_is_not_critical() -> Offered:
    """RFC 3161 §2.3: the extension "MUST be critical"."""
    instance = SimulatedSigstore()
    _uncritical(instance.authority)
    return offer(instance, instance.sign(instance.keyless()))


@refused("chain", "certificate-untrusted")
def a_ca_of_a_stranger() -> Offered:
    instance = SimulatedSigstore()
    root = instance.document()
    ct_log = instance.fulcio.ct_log
    instance.fulcio = SimulatedFulcio(CaTerms(at=BEGIN - DAY), ct_log=ct_log)
    return offer(instance, instance.sign(instance.keyless()), root=root)


@refused("chain", "certificate-untrusted")
def a_certificate_that_its_own_key_signed() -> Offered:
    """Anybody can write the names of CA, issuer and subject into a certificate."""
    instance, key = SimulatedSigstore(), MemoryKey.ecdsa()
    terms = LeafTerms(
        names=(name_of(SUBJECT),), issuer=ISSUER, issuer_v2=ISSUER, at=NOW
    )
    der = instance.fulcio.forge(key.public_key, terms, signed_by=key)
    return offer(instance, instance.sign(Signer(key, der)))


@refused("chain", "certificate-untrusted")
def a_ca_for_servers() -> Offered:
    """A trusted CA that is not for signing code."""
    return _with_ca(purposes=(ExtendedKeyUsageOID.SERVER_AUTH,))


@refused("chain", "certificate-untrusted")
def a_ca_that_is_no_ca() -> Offered:
    return _with_ca(ca=False, path_length=None)


@refused("ca-window", "ca-window")
def a_retired_ca() -> Offered:
    """sigstore-python 4.5.1 accepts what a retired CA issues."""
    instance, document = keyless()
    root = retire(instance.document(), certificateAuthorities=NOW - DAY)
    return offer(instance, document, root=root)


@refused("ca-window", "ca-window")
def a_ca_whose_own_certificate_expired() -> Offered:
    """Its window in the trusted root has no end; its certificate has."""
    return _with_ca(life=timedelta(days=20))


@refused("validity", "certificate-window")
def a_certificate_that_expired_before_it_signed() -> Offered:
    instance = SimulatedSigstore()
    by = instance.keyless(at=NOW - 11 * MINUTE)
    return offer(instance, instance.sign(by))


@refused("validity", "certificate-window")
def a_certificate_that_is_not_valid_yet() -> Offered:
    instance = SimulatedSigstore()
    by = instance.keyless(at=NOW + MINUTE)
    return offer(instance, instance.sign(by))


@refused("validity", "certificate-window")
def two_times_one_of_which_is_too_late() -> Offered:
    """The log's promise is in time; the authority saw the signature a day later."""
    instance = SimulatedSigstore()
    document = instance.sign(
        instance.keyless(at=NOW - DAY),
        kinds=(HASHEDREKORD_V1,),
        logged_at=NOW - DAY + MINUTE,
    )
    return offer(instance, document)


@refused("sct", "sct-missing")
def no_certificate_timestamp() -> Offered:
    return offer(*forged(scts=0))


@refused("sct", "sct-missing")
def two_certificate_timestamps() -> Offered:
    return offer(*forged(scts=2))


@refused("sct", "unknown-ct-log")
def a_certificate_timestamp_of_a_stranger() -> Offered:
    instance = SimulatedSigstore()
    root = instance.document()
    other = SimulatedSigstore().fulcio.ct_log
    instance.fulcio.ct_log = other
    return offer(instance, instance.sign(instance.keyless()), root=root)


@refused("sct", "sct-signature")
def a_certificate_timestamp_of_another_certificate() -> Offered:
    return offer(*forged(sct_of=lambda tbs: tbs[:-1] + bytes([tbs[-1] ^ 1])))


@refused("ct-log-window", "ct-log-window")
def a_retired_log_of_certificates() -> Offered:
    """sigstore-python 4.5.1 accepts what a retired log of certificates signs."""
    instance, document = keyless()
    return offer(instance, document, root=retire(instance.document(), ctlogs=NOW - DAY))


@refused("ct-log-window", "ct-log-window")
def a_retired_log_of_certificates_that_dates_back() -> Offered:
    """Its own time is before its end; the signature's is not."""
    instance, document = forged(sct_at=NOW - 2 * DAY)
    return offer(instance, document, root=retire(instance.document(), ctlogs=NOW - DAY))


@refused("issuer", "issuer-mismatch")
def another_issuer() -> Offered:
    instance = SimulatedSigstore()
    by = instance.keyless(issuer="https://token.example.net")
    return offer(instance, instance.sign(by))


@refused("issuer", "issuer-mismatch")
def an_issuer_that_begins_alike() -> Offered:
    instance = SimulatedSigstore()
    by = instance.keyless(issuer=f"{ISSUER}.example.net")
    return offer(instance, instance.sign(by))


@refused("identity", "identity-mismatch")
def another_subject() -> Offered:
    instance = SimulatedSigstore()
    by = instance.keyless(subject="https://ci.example.com/mallory/x@refs/heads/main")
    return offer(instance, instance.sign(by))


@refused("identity", "identity-mismatch")
def a_subject_that_begins_alike() -> Offered:
    """A branch named main-and-more."""
    instance = SimulatedSigstore()
    by = instance.keyless(subject=f"{SUBJECT}-and-more")
    return offer(instance, instance.sign(by))


@refused("identity", "identity-mismatch")
def a_subject_that_a_prefix_of_the_pattern_matches() -> Offered:
    """A pattern holds to its end."""
    pattern = SubjectPattern.anchored(
        r"^https://ci\.example\.com/acme/overlay/\.github/workflows/release\.yml"
        r"@refs/heads/[a-z]+$"
    )
    instance = SimulatedSigstore()
    by = instance.keyless(subject=f"{SUBJECT}/../mallory")
    policy = IdentityPolicy(issuer=ISSUER, subject=pattern)
    return offer(instance, instance.sign(by), policy)


# --------------------------------------------------------------------------- about


@refused("about", "payload-type")
def a_payload_that_is_no_statement() -> Offered:
    how = {"payload": statement(DATA), "payload_type": "application/json"}
    return offer(*keyless(**how))


@refused("about", "subject-mismatch")
def a_statement_about_another_file() -> Offered:
    return offer(*keyless(payload=statement(b"another file")))


@refused("about", "subject-mismatch")
def a_statement_about_a_digest_of_another_hash() -> Offered:
    """The right digits under the name of another hash."""
    subject = [{"name": "file", "digest": {"sha3_256": Digest.of(DATA).hex}}]
    return offer(*keyless(payload=statement(DATA, subject=subject)))


@refused("about", "statement-format")
def a_field_beside_those_of_a_statement() -> Offered:
    """sigstore-go refuses it; who ignores it lets two readers read two statements."""
    return offer(*keyless(payload=statement(DATA, Subject=[])))


@refused("about", "json-format")
def a_statement_with_a_key_of_json_twice() -> Offered:
    twice = statement(DATA).replace(b'"subject"', b'"subject":[],"subject"', 1)
    return offer(*keyless(payload=twice))


@refused("about", "statement-format")
def a_statement_of_another_type() -> Offered:
    other = statement(DATA, _type="https://example.com/Statement/v1")
    return offer(*keyless(payload=other))


# --------------------------------------------------------------------------- tools


def _signature(document: Document) -> bytes:
    return b64decode(at(document, "messageSignature", "signature"))


def _stray(text: str) -> str:
    """Set a bit of base64 that no byte has; 32 bytes leave two of them."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body = text.removesuffix("=")
    return f"{body[:-1]}{digits[digits.index(body[-1]) ^ 1]}="


def _uncritical(authority: SimulatedAuthority) -> None:
    """Issue the authority's leaf again, with its key usage not critical."""
    old = x509.load_der_x509_certificate(authority.chain[0])
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.issuer)
        .public_key(old.public_key())
        .serial_number(old.serial_number)
        .not_valid_before(old.not_valid_before_utc)
        .not_valid_after(old.not_valid_after_utc)
    )
    for extension in old.extensions:
        critical = extension.critical and extension.oid != EXTENDED_KEY_USAGE
        builder = builder.add_extension(extension.value, critical=critical)
    leaf = builder.sign(authority.ca.private, hashes.SHA256())
    authority.chain = [leaf.public_bytes(Encoding.DER), *authority.chain[1:]]


def _among_others() -> tuple[SimulatedSigstore, Document]:
    """Sign where the log has leaves before and after."""
    instance = SimulatedSigstore()
    for number in range(3):
        instance.rekor.append(b"before %d" % number)
    document = instance.sign(instance.keyless())
    instance.rekor.append(b"after")
    entry = instance.rekor.entry(3)
    return instance, put(document, *ENTRY, value=entry.to_json())


def _logged(
    kind: tuple[str, str], payload: bytes | None, edit: Callable[[Document], None]
) -> Offered:
    """Log a body that was edited, by a log that takes it."""
    instance, document = keyless(kinds=(kind,), payload=payload)
    raw = instance.rekor_v1.bodies.pop()
    body = loads_json(raw, max_bytes=len(raw))
    edit(body)
    entry = instance.rekor_v1.append(kind, dumps_json(body), at=NOW)
    return offer(instance, put(document, *ENTRY, value=entry.to_json()))


def _two_authorities(
    uri: str,
) -> tuple[SimulatedSigstore, Document, Document]:
    instance, document = keyless()
    root = instance.document()
    first = instance.authority
    instance.authority = SimulatedAuthority(uri)
    token = instance.authority.stamp(_signature(document), at=NOW)
    at(document, *STAMPS).append({"signedTimestamp": b64encode(token)})
    root["timestampAuthorities"] += instance.document()["timestampAuthorities"]
    instance.authority = first
    return instance, document, root


def _with_ca(**terms: Any) -> Offered:
    instance = SimulatedSigstore()
    instance.fulcio = SimulatedFulcio(CaTerms(at=BEGIN - DAY, **terms))
    return offer(instance, instance.sign(instance.keyless()))
