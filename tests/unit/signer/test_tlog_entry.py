# SPDX-License-Identifier: Apache-2.0
"""A log entry counts if the log includes it, and if it is about this very signature."""

import copy
import json
from dataclasses import dataclass, replace

import pytest

from keys.digest import Digest
from keys.errors import FormatError, LimitExceededError
from keys.fields import Fields
from keys.public import PublicKey
from keys.strict import b64decode, b64encode
from signer.signed import Signed, Verifier
from signer.tlog.bodies import require_about
from signer.tlog.checkpoint import Checkpoint, sign_checkpoint
from signer.tlog.entry import (
    LogEntry,
    hashedrekord_body,
    pae_digest_of,
    parse_hashedrekord,
)
from signer.tlog.errors import (
    CheckpointSignatureError,
    LogEntryFormatError,
    LogEntryMismatchError,
    NotIncludedError,
    WrongLogError,
)
from signer.tlog.included import verify_log_entry
from signer.tlog.limits import MAX_ENTRY_BYTES, MAX_PROOF_HASHES
from signer.tlog.merkle import inclusion_proof, leaf_hash, node_hash, tree_root
from signer.tlog.note import full_key_hash
from tests.simulators.fulcio import CaTerms, SimulatedFulcio
from tests.simulators.memory_key import MemoryKey
from tests.simulators.signing import BEGIN, NOW

ORIGIN = "acme.log.example"
LOG_KEY, AUTHOR = MemoryKey.ed25519(), MemoryKey.ecdsa()
PAE = b"DSSEv1 4 type 4 body"
SIGNATURE = AUTHOR.sign(PAE)
DIGEST = Digest.of(PAE)
BODY = hashedrekord_body(digest=DIGEST, signature=SIGNATURE, key=AUTHOR.public_key)
LEAVES = [b"0", b"1", BODY, b"3", b"4"]


@dataclass(frozen=True)
class Trusted:
    origin: str = ORIGIN
    names: tuple[str, ...] = (ORIGIN,)
    key: PublicKey = LOG_KEY.public_key
    log_id: bytes = full_key_hash(ORIGIN, LOG_KEY.public_key)


def hashes(level: int, index: int) -> bytes:
    row = [leaf_hash(leaf) for leaf in LEAVES]
    for _ in range(level):
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
    return row[index]


ROOT = tree_root(5, hashes)


def checkpoint(size=5, root=ROOT, origin=ORIGIN, key=LOG_KEY) -> str:
    return sign_checkpoint(Checkpoint(origin, size, root), key=key).decode()


ENTRY = LogEntry(
    index=2,
    log_id=Trusted().log_id,
    body=BODY,
    proof=inclusion_proof(2, 5, hashes),
    tree_size=5,
    root=ROOT,
    checkpoint=checkpoint(),
)


def verified(entry=ENTRY, log=None, digest=DIGEST, signature=SIGNATURE, key=AUTHOR):
    return verify_log_entry(
        entry,
        log=log or Trusted(),
        signed=Signed(signature, digest),
        verifier=Verifier(key.public_key),
    )


def test_a_logged_signature_is_evidence():
    found = verified()
    assert (found.index, found.size, found.root, found.origin) == (2, 5, ROOT, ORIGIN)


REFUSED = {
    "another log's id": (replace(ENTRY, log_id=bytes(32)), WrongLogError),
    "a checkpoint of another key": (
        replace(ENTRY, checkpoint=checkpoint(key=MemoryKey.ed25519())),
        CheckpointSignatureError,
    ),
    "a checkpoint of another origin": (
        replace(ENTRY, checkpoint=checkpoint(origin="other.example")),
        CheckpointSignatureError,
    ),
    "another copy of the size": (replace(ENTRY, tree_size=6), NotIncludedError),
    "another copy of the root": (replace(ENTRY, root=bytes(32)), NotIncludedError),
    "size and root of no checkpoint": (
        replace(ENTRY, checkpoint=checkpoint(size=4, root=tree_root(4, hashes))),
        NotIncludedError,
    ),
    "another index": (replace(ENTRY, index=1), NotIncludedError),
    "an index past the end": (replace(ENTRY, index=5), NotIncludedError),
    "no proof": (replace(ENTRY, proof=()), NotIncludedError),
    "a flipped proof": (
        replace(ENTRY, proof=(bytes(32), *ENTRY.proof[1:])),
        NotIncludedError,
    ),
    "another body": (replace(ENTRY, body=b"3"), NotIncludedError),
}


@pytest.mark.parametrize(("entry", "error"), REFUSED.values(), ids=REFUSED)
def test_what_the_log_does_not_prove_is_refused(entry, error):
    with pytest.raises(error) as refused:
        verified(entry)
    assert refused.value.code == error.code


MISMATCHED = {
    "another statement": {"digest": Digest.of(b"other")},
    "another signature": {"signature": AUTHOR.sign(PAE)},
    "another signer": {"key": MemoryKey.ecdsa()},
}


@pytest.mark.parametrize("about", MISMATCHED.values(), ids=MISMATCHED)
def test_an_included_entry_about_something_else_is_refused(about):
    """CVE-2022-36056: an entry that exists, and has nothing to do with the artifact."""
    with pytest.raises(LogEntryMismatchError) as refused:
        verified(**about)
    assert refused.value.code == "log-entry-mismatch"
    assert refused.value.evidence == {"index": 2}


def test_the_body_is_the_canonical_hashedrekord_of_rekor_v2():
    spec = {
        "data": {"algorithm": "SHA2_256", "digest": b64encode(DIGEST.raw)},
        "signature": {
            "content": b64encode(SIGNATURE),
            "verifier": {
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "publicKey": {"rawBytes": b64encode(AUTHOR.public_key.spki)},
            },
        },
    }
    expected = {
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
        "spec": {"hashedRekordV002": spec},
    }
    assert json.loads(BODY) == expected
    rfc8785 = pytest.importorskip("rfc8785")
    assert rfc8785.dumps(expected) == BODY


def test_a_leaf_is_read_back():
    found = parse_hashedrekord(BODY)
    assert (found.digest, found.signature) == (DIGEST, SIGNATURE)
    assert found.key == AUTHOR.public_key
    assert pae_digest_of(BODY) == DIGEST


FULCIO = SimulatedFulcio(CaTerms(at=BEGIN))
CERTIFICATE = FULCIO.certify(
    AUTHOR, subject="jane@example.com", issuer="https://idp.example.com", at=NOW
)


def test_a_leaf_of_a_certificate_is_read_back_and_is_another_leaf():
    body = hashedrekord_body(
        digest=DIGEST,
        signature=SIGNATURE,
        key=AUTHOR.public_key,
        certificate=CERTIFICATE,
    )

    found = parse_hashedrekord(body)

    assert (found.key, found.certificate) == (AUTHOR.public_key, CERTIFICATE)
    assert (found.to_body(), pae_digest_of(body)) == (body, DIGEST)
    spec = json.loads(body)["spec"]["hashedRekordV002"]["signature"]["verifier"]
    assert spec == {
        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
        "x509Certificate": {"rawBytes": b64encode(CERTIFICATE)},
    }


def test_a_leaf_of_a_certificate_that_is_none_is_refused():
    body = hashedrekord_body(
        digest=DIGEST, signature=SIGNATURE, key=AUTHOR.public_key, certificate=b"none"
    )

    with pytest.raises(LogEntryFormatError):
        parse_hashedrekord(body)


def test_a_certificate_in_the_log_is_the_signer_s_own():
    body = hashedrekord_body(
        digest=DIGEST,
        signature=SIGNATURE,
        key=AUTHOR.public_key,
        certificate=CERTIFICATE,
    )
    signed = Signed(SIGNATURE, DIGEST)
    entry = replace(ENTRY, body=body)

    require_about(entry, signed, Verifier(AUTHOR.public_key, CERTIFICATE))
    with pytest.raises(LogEntryMismatchError):
        require_about(entry, signed, Verifier(AUTHOR.public_key))
    with pytest.raises(LogEntryMismatchError):
        require_about(ENTRY, signed, Verifier(AUTHOR.public_key, CERTIFICATE))


NOT_LEAVES = {
    "empty": b"",
    "not JSON": b"0",
    "a blank": BODY + b" ",
    "an added field": BODY.replace(b'{"apiVersion"', b'{"a":1,"apiVersion"'),
    "another version": BODY.replace(b'"apiVersion":"0.0.2"', b'"apiVersion":"0.0.1"'),
    "another kind": BODY.replace(b'"hashedrekord"', b'"dsse"'),
    "another algorithm": BODY.replace(b"SHA2_256", b"SHA2_512"),
    "other key details": BODY.replace(b"PKIX_ECDSA_P256_SHA_256", b"PKIX_ED25519"),
    "not base64": BODY.replace(b'"content":"M', b'"content":"?'),
    "a short digest": BODY.replace(
        b64encode(DIGEST.raw).encode(), b64encode(bytes(31)).encode()
    ),
    "no key": BODY.replace(b'"publicKey"', b'"x509Certificate"'),
    "long": b'"' + b"x" * MAX_ENTRY_BYTES + b'"',
}


@pytest.mark.parametrize("body", NOT_LEAVES.values(), ids=NOT_LEAVES)
def test_what_is_no_leaf_of_ours_is_refused(body):
    assert body != BODY
    with pytest.raises(FormatError):
        parse_hashedrekord(body)


# ------------------------------------------------------------------ as JSON


def test_an_entry_is_read_as_it_was_written():
    value = json.loads(json.dumps(ENTRY.to_json()))
    assert LogEntry.parse(Fields(value, "entry")) == ENTRY
    assert value["logIndex"] == "2"
    assert value["inclusionProof"]["treeSize"] == "5"
    assert "inclusionPromise" not in value


def test_sigstores_own_model_reads_it():
    models = pytest.importorskip("sigstore_models.rekor.v1")
    read = models.TransparencyLogEntry.from_dict(ENTRY.to_json())
    assert read.log_index == 2
    assert (
        read.canonicalized_body == BODY
        or b64decode(str(read.canonicalized_body)) == BODY
    )


def edited(**changes) -> dict:
    value = copy.deepcopy(ENTRY.to_json())
    for path, new in changes.items():
        *parents, name = path.split("__")
        holder = value
        for parent in parents:
            holder = holder[parent]
        if new is None:
            del holder[name]
        else:
            holder[name] = new
    return value


HASH = b64encode(bytes(32))
MALFORMED = {
    "no log id": edited(logId=None),
    "no proof": edited(inclusionProof=None),
    "no checkpoint": edited(inclusionProof__checkpoint=None),
    "no body": edited(canonicalizedBody=None),
    "an inclusion promise": edited(inclusionPromise={"signedEntryTimestamp": HASH}),
    "an integrated time": edited(integratedTime="1700000000"),
    "another kind": edited(kindVersion__kind="dsse"),
    "another version": edited(kindVersion__version="0.0.1"),
    "an integer index": edited(logIndex=2),
    "a negative index": edited(logIndex="-1"),
    "a leading zero": edited(logIndex="02"),
    "other digits": edited(logIndex="\u0662"),
    "an index too large": edited(logIndex=str(2**63)),
    "a size too large": edited(inclusionProof__treeSize=str(2**63)),
    "a very long index": edited(logIndex="9" * 4000),
    "two indices": edited(inclusionProof__logIndex="3"),
    "a short root": edited(inclusionProof__rootHash=b64encode(bytes(31))),
    "a short log id": edited(logId__keyId=b64encode(bytes(4))),
    "a short sibling": edited(inclusionProof__hashes=[b64encode(bytes(31))]),
    "a sibling of another type": edited(inclusionProof__hashes=[1]),
    "stray bits": edited(inclusionProof__hashes=[HASH[:-2] + "B="]),
    "an unknown field": edited(more="x"),
    "an unknown field within": edited(inclusionProof__more="x"),
    "an unknown field of the checkpoint": edited(inclusionProof__checkpoint__more="x"),
    "an unknown field of the log id": edited(logId__more="x"),
    "an unknown field of the kind": edited(kindVersion__more="x"),
}


@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_entry_is_refused(value):
    with pytest.raises(FormatError) as refused:
        LogEntry.parse(Fields(value, "entry"))
    assert refused.value.code in ("field-format", "log-entry-format", "base64-format")


def test_a_proof_up_to_the_limit_is_read_and_no_longer_one():
    most = edited(inclusionProof__hashes=[HASH] * MAX_PROOF_HASHES)
    assert len(LogEntry.parse(Fields(most, "entry")).proof) == MAX_PROOF_HASHES
    more = edited(inclusionProof__hashes=[HASH] * (MAX_PROOF_HASHES + 1))
    with pytest.raises(FormatError):
        LogEntry.parse(Fields(more, "entry"))


def test_a_body_up_to_the_limit_is_read_and_no_longer_one():
    most = edited(canonicalizedBody=b64encode(bytes(MAX_ENTRY_BYTES)))
    assert len(LogEntry.parse(Fields(most, "entry")).body) == MAX_ENTRY_BYTES
    more = edited(canonicalizedBody=b64encode(bytes(MAX_ENTRY_BYTES + 3)))
    with pytest.raises((LogEntryFormatError, LimitExceededError, FormatError)):
        LogEntry.parse(Fields(more, "entry"))
