# SPDX-License-Identifier: Apache-2.0
"""The embedded timestamp authority, as others see it."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import verification

from control_plane.tsa import POLICY, TimestampService, create_chain
from keys.errors import KeyProviderError, UnsafeConfigurationError
from signer.timestamp.chain import check_chain, open_chain, parse_chain
from signer.timestamp.errors import AuthorityCertificateError
from signer.timestamp.request import build_request, open_response
from signer.timestamp.token import verify_token
from tests.simulators.memory_key import MemoryKey

AT = datetime(2026, 1, 31, 9, 0, 0, tzinfo=UTC)
CA, KEY = MemoryKey.ecdsa(), MemoryKey.ecdsa()
CHAIN = create_chain(CA, KEY, at=AT)


@dataclass
class Trusted:
    chain: list[bytes]

    def covers(self, at):
        return True


def test_what_the_service_stamps_is_verified():
    service = TimestampService(KEY, CHAIN)
    response = service.respond(build_request(b"signature", nonce=9), AT)
    assert verify_token(response, message=b"signature", authority=Trusted(CHAIN)) == AT
    assert open_response(response)[1].policy.dotted_string == POLICY


def test_no_number_of_the_policy_is_longer_than_clients_in_go_read():
    assert all(int(arc) < 2**31 for arc in POLICY.split("."))


def test_serial_numbers_do_not_repeat():
    service, request = TimestampService(KEY, CHAIN), build_request(b"s", nonce=9)
    serials = {
        open_response(service.respond(request, AT))[1].serial_number for _ in range(50)
    }
    assert len(serials) == 50
    assert max(serials).bit_length() > 100


def test_a_request_that_cannot_be_granted_is_answered():
    response = TimestampService(KEY, CHAIN).respond(b"nonsense", AT)
    assert response[:1] == b"\x30"


def test_the_chain_is_leaf_first_and_holds():
    leaf, root = parse_chain(CHAIN)
    check_chain((leaf, root))
    open_chain(tuple(CHAIN)).require_valid(AT)
    assert leaf.issuer == root.subject == root.issuer
    assert leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).critical
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_root_is_one_that_a_certificate_store_takes():
    _, root = parse_chain(CHAIN)
    assert verification.Store([root])
    root.verify_directly_issued_by(root)
    assert (
        root.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        == CA.public_key.spki
    )


UNSAFE = {
    "one key for both": (KEY, KEY),
    "an Ed25519 authority": (CA, MemoryKey.ed25519()),
}


@pytest.mark.parametrize(("ca_key", "key"), UNSAFE.values(), ids=UNSAFE)
def test_an_unsafe_chain_is_not_made(ca_key, key):
    with pytest.raises(UnsafeConfigurationError) as refused:
        create_chain(ca_key, key, at=AT)
    assert refused.value.code == "unsafe-configuration"


def test_a_ca_that_signs_otherwise_is_not_taken():
    with pytest.raises((UnsafeConfigurationError, AuthorityCertificateError)):
        create_chain(MemoryKey.ed25519(), KEY, at=AT)


def test_a_ca_key_whose_halves_do_not_match_certifies_nothing():
    class Mismatched:
        public_key = CA.public_key
        sign = MemoryKey.ecdsa().sign

    with pytest.raises(AuthorityCertificateError):
        create_chain(Mismatched(), KEY, at=AT)


def test_a_service_with_the_key_of_another_certificate_is_not_made():
    with pytest.raises(UnsafeConfigurationError):
        TimestampService(MemoryKey.ecdsa(), CHAIN)


def test_a_service_with_a_broken_chain_is_not_made():
    with pytest.raises(AuthorityCertificateError):
        TimestampService(KEY, [CHAIN[0], create_chain(CA, MemoryKey.ecdsa(), at=AT)[0]])


def test_a_key_that_fails_is_an_error_and_not_a_rejection():
    class Lost:
        public_key = KEY.public_key

        def sign(self, message):
            raise KeyProviderError("expected the token, got none")

    with pytest.raises(KeyProviderError):
        TimestampService(Lost(), CHAIN).respond(build_request(b"s", nonce=1), AT)
