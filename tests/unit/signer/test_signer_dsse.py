# SPDX-License-Identifier: Apache-2.0
"""The bytes that are signed, and the one envelope that is read."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as OtherEnvelope

from keys.digest import Digest
from keys.errors import FieldFormatError, FormatError
from keys.fields import Fields
from signer.dsse import IN_TOTO, Envelope, pae, parse_envelope
from signer.errors import EnvelopeFormatError

GOOD = {
    "payload": "aGVsbG8=",
    "payloadType": IN_TOTO,
    "signatures": [{"sig": "c2ln", "keyid": "k"}],
}


def parse(**changes) -> Envelope:
    return parse_envelope(Fields(GOOD | changes, "envelope"))


def test_the_vector_of_the_standard():
    # DSSE 1.0.2 protocol.md, "Test Vectors"
    encoded = pae("http://example.com/HelloWorld", b"hello world")

    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_lengths_count_bytes_and_not_characters():
    assert pae("é", "é".encode()) == b"DSSEv1 2 \xc3\xa9 2 \xc3\xa9"


@settings(deadline=None)
@given(
    a=st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.binary()),
    b=st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.binary()),
)
def test_two_payloads_are_never_encoded_as_one(a, b):
    assert (pae(*a) == pae(*b)) == (a == b)


@settings(deadline=None)
@given(payload=st.binary(min_size=1, max_size=99))
def test_another_reader_signs_the_same_bytes(payload):
    ours = Envelope(IN_TOTO, payload, "", b"s")

    theirs = OtherEnvelope(payload, IN_TOTO, {})

    assert ours.pae == theirs.pae()
    assert ours.digest == Digest.of(theirs.pae())


def test_an_envelope_is_read_as_it_was_written():
    envelope = parse()

    assert envelope == Envelope(IN_TOTO, b"hello", "k", b"sig")
    assert parse_envelope(Fields(envelope.to_json(), "envelope")) == envelope


def test_the_key_id_may_be_empty():
    assert parse(signatures=[{"sig": "c2ln", "keyid": ""}]).keyid == ""


@pytest.mark.parametrize("count", [0, 2])
def test_any_number_of_signatures_but_one_is_refused(count):
    with pytest.raises(EnvelopeFormatError):
        parse(signatures=GOOD["signatures"] * count)


REFUSED = {
    "an unknown field": {"extra": 1},
    "an unknown field of the signature": {
        "signatures": [GOOD["signatures"][0] | {"x": 1}]
    },
    "URL-safe base64": {"payload": "_-8="},
    "base64 without padding": {"payload": "aGVsbG8"},
    "an empty payload": {"payload": ""},
    "an empty signature": {"signatures": [{"sig": "", "keyid": ""}]},
    "no key id": {"signatures": [{"sig": "c2ln"}]},
    "a payload that is no text": {"payload": 1},
    "no payload type": {"payloadType": ""},
}


@pytest.mark.parametrize(
    "changes", [pytest.param(c, id=name) for name, c in REFUSED.items()]
)
def test_an_envelope_out_of_form_is_refused(changes):
    with pytest.raises(FormatError):
        parse(**changes)


def test_a_field_that_is_missing_is_named():
    with pytest.raises(FieldFormatError, match="payloadType"):
        parse_envelope(Fields({**GOOD, "payloadType": None}, "envelope"))
