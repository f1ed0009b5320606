# SPDX-License-Identifier: Apache-2.0
"""Sigstore bundles v0.3, keyed: one shape in, the same shape out."""

import pytest
from sigstore_models.bundle.v1 import Bundle

from keys.errors import FormatError
from keys.strict import dumps_json, loads_json
from signer.attestation import (
    build_attestation,
    join_jsonl,
    parse_attestation,
    parse_jsonl,
    with_entry,
)
from signer.errors import AttestationFormatError
from tests.simulators.signing import Workshop, say

SHOP = Workshop()
AUTHOR = SHOP.people["author"]
RAW = SHOP.attest(say(SHOP.artifact(), b"data"), by=AUTHOR)
PENDING = SHOP.attest(say(SHOP.artifact(), b"data"), by=AUTHOR, pending=True)


def changed(edit, raw: bytes = RAW) -> bytes:
    document = loads_json(raw, max_bytes=len(raw))
    edit(document)
    return dumps_json(document)


def test_an_attestation_is_read_as_it_was_written():
    parsed = parse_attestation(RAW)

    again = build_attestation(
        envelope=parsed.envelope,
        key=AUTHOR.key.public_key,
        timestamps=parsed.timestamps,
        entries=parsed.entries,
    )

    assert again == RAW == parsed.raw
    assert parsed.key_id == AUTHOR.key.public_key.key_id
    assert parsed.digest == parsed.envelope.digest


def test_sigstores_own_reader_reads_it():
    bundle = Bundle.from_json(RAW.decode())

    material = bundle.verification_material
    parsed = parse_attestation(RAW)
    assert material.public_key.hint == parsed.hint
    assert material.tlog_entries[0].log_index == parsed.entries[0].index
    assert bundle.dsse_envelope.payload_type == parsed.envelope.payload_type


def drop(*path):
    def edit(document):
        for name in path[:-1]:
            document = document[name]
        del document[path[-1]]

    return edit


def put(value, *path):
    def edit(document):
        for name in path[:-1]:
            document = document[name]
        document[path[-1]] = value

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        drop("verificationMaterial", "tlogEntries"),
        drop("verificationMaterial", "timestampVerificationData"),
        drop("verificationMaterial", "timestampVerificationData", "rfc3161Timestamps"),
    ],
)
def test_an_empty_list_may_be_left_out_as_protobuf_does(edit):
    bare = build_attestation(
        envelope=parse_attestation(RAW).envelope, key=AUTHOR.key.public_key
    )

    parsed = parse_attestation(changed(edit, bare))

    assert (parsed.timestamps, parsed.entries) == ((), ())


MATERIAL = "verificationMaterial"
REFUSED = {
    "bundle v0.2": put(
        "application/vnd.dev.sigstore.bundle+json;version=0.2", "mediaType"
    ),
    "no material": drop(MATERIAL),
    "no key": drop(MATERIAL, "publicKey"),
    "a certificate": put({"rawBytes": "AA=="}, MATERIAL, "certificate"),
    "a chain": put({"certificates": []}, MATERIAL, "x509CertificateChain"),
    "a message signature": put({}, "messageSignature"),
    "a short hint": put("AAAA", MATERIAL, "publicKey", "hint"),
    "a hint in hex": put("ab" * 32, MATERIAL, "publicKey", "hint"),
    "an unknown field": put(1, "x"),
    "an unknown field of the material": put(1, MATERIAL, "x"),
    "an unknown field of the key": put(1, MATERIAL, "publicKey", "x"),
    "entries that are null": put(None, MATERIAL, "tlogEntries"),
    "a token that is no base64": put(
        [{"signedTimestamp": "%"}],
        MATERIAL, "timestampVerificationData", "rfc3161Timestamps",
    ),
    "an entry of Rekor v1": put(
        "0.0.1", MATERIAL, "tlogEntries", 0, "kindVersion", "version"
    ),
    "another key id": put("other", "dsseEnvelope", "signatures", 0, "keyid"),
}  # fmt: skip


@pytest.mark.parametrize(
    "edit", [pytest.param(edit, id=name) for name, edit in REFUSED.items()]
)
def test_another_shape_is_refused(edit):
    with pytest.raises(FormatError):
        parse_attestation(changed(edit))


def test_a_log_entry_is_added_and_nothing_else_changes():
    pending = parse_attestation(PENDING)
    entry = parse_attestation(RAW).entries[0]

    completed = parse_attestation(with_entry(pending, entry))

    assert completed.entries == (entry,)
    assert (completed.envelope, completed.timestamps, completed.hint) == (
        pending.envelope, pending.timestamps, pending.hint,
    )  # fmt: skip


def test_a_second_log_entry_is_not_added():
    parsed = parse_attestation(RAW)

    with pytest.raises(AttestationFormatError):
        with_entry(parsed, parsed.entries[0])


def test_attestations_travel_one_to_a_line():
    joined = join_jsonl([RAW, PENDING])

    assert parse_jsonl(joined) == (RAW, PENDING)
    assert parse_jsonl(b"") == ()
    assert join_jsonl([]) == b""


def test_a_hint_is_32_bytes_even_if_nothing_else_names_the_key():
    def edit(document):
        document[MATERIAL]["publicKey"]["hint"] = "AAAA"
        document["dsseEnvelope"]["signatures"][0]["keyid"] = ""

    with pytest.raises(AttestationFormatError, match="32 bytes"):
        parse_attestation(changed(edit))


@pytest.mark.parametrize("data", [b"{}", b"\n", b"{}\n\n", b"\n{}\n", b"{}\n{}"])
def test_lines_that_are_not_whole_are_refused(data):
    with pytest.raises(AttestationFormatError):
        parse_jsonl(data)


@pytest.mark.parametrize("line", [b"", b"{\n}"])
def test_what_is_not_one_line_is_not_joined(line):
    with pytest.raises(AttestationFormatError):
        join_jsonl([RAW, line])
