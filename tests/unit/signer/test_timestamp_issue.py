# SPDX-License-Identifier: Apache-2.0
"""The authority answers every request, and grants only what it understands."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.tsa import create_chain
from signer.timestamp import asn1 as der
from signer.timestamp.algorithms import SHA256
from signer.timestamp.issue import (
    BAD_ALGORITHM,
    BAD_DATA_FORMAT,
    BAD_REQUEST,
    TIME_NOT_AVAILABLE,
    UNACCEPTED_EXTENSION,
    UNACCEPTED_POLICY,
    issue_token,
    reject,
)
from signer.timestamp.limits import MAX_REQUEST_BYTES
from signer.timestamp.request import build_request, open_response
from tests.simulators.memory_key import MemoryKey

AT = datetime(2026, 1, 31, 9, 0, 0, tzinfo=UTC)
POLICY = "2.25.1"
KEY = MemoryKey.ecdsa()
CHAIN = create_chain(MemoryKey.ecdsa(), KEY, at=AT)
LEAF = x509.load_der_x509_certificate(CHAIN[0])


def issue(request: bytes, at=AT) -> bytes:
    return issue_token(
        request, key=KEY, certificate=CHAIN[0], at=at, serial=77, policy=POLICY
    )


def request(**changes) -> bytes:
    asked = asn1.decode_der(der.TimeStampReq, build_request(b"message", nonce=5))
    for name, value in changes.items():
        setattr(asked, name, value)
    return asn1.encode_der(asked)


def imprint(oid, length):
    return der.MessageImprint(
        hash_algorithm=der.AlgorithmIdentifier(algorithm=oid, parameters=None),
        hashed_message=bytes(length),
    )


def failure(response: bytes) -> int:
    """Return the number of the only bit of a rejection's failure information."""
    parsed = asn1.decode_der(der.TimeStampResp, response)
    assert parsed.status.status == der.REJECTION
    assert parsed.token is None
    assert parsed.status.status_string
    bits = parsed.status.fail_info
    number = int.from_bytes(bits.as_bytes()) >> bits.padding_bits()
    assert number == 1, "one bit, and it is the last one"
    return len(bits.as_bytes()) * 8 - bits.padding_bits() - 1


def test_a_request_is_answered_with_what_it_asked():
    signed, info = open_response(issue(request()))
    assert info.nonce == 5
    assert info.serial_number == 77
    assert info.policy.dotted_string == POLICY
    assert info.gen_time.as_datetime() == AT
    assert len(signed.certificates) == 1
    assert asn1.encode_der(signed.certificates[0]) == CHAIN[0]


def test_no_certificate_is_sent_to_who_did_not_ask():
    signed, _ = open_response(issue(request(cert_req=False)))
    assert signed.certificates is None


def test_no_nonce_is_made_up():
    assert open_response(issue(request(nonce=None)))[1].nonce is None


def test_fractions_of_a_second_are_not_stamped():
    _, info = open_response(issue(request(), at=AT + timedelta(microseconds=999_999)))
    assert info.gen_time.as_datetime() == AT


SHA2 = {
    "SHA-256": ("2.16.840.1.101.3.4.2.1", 32),
    "SHA-384": ("2.16.840.1.101.3.4.2.2", 48),
    "SHA-512": ("2.16.840.1.101.3.4.2.3", 64),
}


@pytest.mark.parametrize(("oid", "length"), SHA2.values(), ids=SHA2)
def test_every_hash_of_sha2_is_stamped_as_it_came(oid, length):
    asked = imprint(der.Oid(oid), length)
    _, info = open_response(issue(request(message_imprint=asked)))
    assert asn1.encode_der(info.message_imprint) == asn1.encode_der(asked)


REJECTED = {
    "empty": (b"", BAD_DATA_FORMAT),
    "not DER": (b"GET / HTTP/1.1", BAD_DATA_FORMAT),
    "cut": (request()[:-1], BAD_DATA_FORMAT),
    "longer": (request() + b"\0", BAD_DATA_FORMAT),
    "too long": (bytes(MAX_REQUEST_BYTES + 1), BAD_DATA_FORMAT),
    "another version": (request(version=2), BAD_REQUEST),
    "SHA-1": (
        request(message_imprint=imprint(der.Oid("1.3.14.3.2.26"), 20)),
        BAD_ALGORITHM,
    ),
    "MD5": (
        request(message_imprint=imprint(der.Oid("1.2.840.113549.2.5"), 16)),
        BAD_ALGORITHM,
    ),
    "a short hash": (request(message_imprint=imprint(SHA256, 31)), BAD_DATA_FORMAT),
    "a long hash": (request(message_imprint=imprint(SHA256, 33)), BAD_DATA_FORMAT),
    "another policy": (request(policy=der.Oid("1.2.3")), UNACCEPTED_POLICY),
    "an extension": (
        request(
            extensions=[der.Extension(oid=der.Oid("1.2.3"), critical=False, value=b"")]
        ),
        UNACCEPTED_EXTENSION,
    ),
}


@pytest.mark.parametrize(("asked", "bit"), REJECTED.values(), ids=REJECTED)
def test_what_cannot_be_granted_is_rejected_with_its_reason(asked, bit):
    assert failure(issue(asked)) == bit


def test_our_policy_may_be_asked_for():
    assert open_response(issue(request(policy=der.Oid(POLICY))))


BEGIN, END = LEAF.not_valid_before_utc, LEAF.not_valid_after_utc


@pytest.mark.parametrize("at", [BEGIN, END], ids=["begin", "end"])
def test_the_authority_stamps_while_it_is_valid(at):
    assert open_response(issue(request(), at=at))


@pytest.mark.parametrize(
    "at",
    [BEGIN - timedelta(seconds=1), END + timedelta(seconds=1)],
    ids=["before", "after"],
)
def test_the_authority_does_not_stamp_when_it_is_not_valid(at):
    assert failure(issue(request(), at=at)) == TIME_NOT_AVAILABLE


def test_a_request_as_long_as_the_limit_is_read_and_no_longer_one():
    def asked(octets):
        return request(nonce=1 << (octets * 8))

    octets = next(n for n in range(900, 1024) if len(asked(n)) == MAX_REQUEST_BYTES)
    assert open_response(issue(asked(octets)))[1].nonce == 1 << (octets * 8)
    assert failure(issue(asked(octets + 1))) == BAD_DATA_FORMAT


@pytest.mark.parametrize("bit", [0, 2, 5, 7, 8, 14, 15, 16, 25])
def test_any_reason_can_be_said(bit):
    assert failure(reject(bit, "why")) == bit


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_answered(asked):
    assert failure(issue(asked)) == BAD_DATA_FORMAT
