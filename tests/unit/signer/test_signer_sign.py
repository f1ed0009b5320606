# SPDX-License-Identifier: Apache-2.0
"""Signing: statements only, witnesses in order, nothing out that cannot be read."""

from dataclasses import dataclass, field, replace

import pytest

from keys.errors import (
    SignatureInvalidError,
    UnavailableError,
    UnsafeConfigurationError,
)
from signer.attestation import parse_attestation, with_entry
from signer.errors import NotLoggedError
from signer.sign import attest, attest_bare, attest_pending, sign_statement
from tests.simulators.memory_key import MemoryKey
from tests.simulators.signing import Workshop, say

SHOP = Workshop()
AUTHOR = SHOP.people["author"]
STATEMENT = say(SHOP.artifact(), b"data")
OTHER = say(SHOP.artifact(), b"other data")


@dataclass
class Witnesses:
    """A notary that keeps a diary, and may lie about what the log did."""

    answer: object = None
    diary: list[str] = field(default_factory=list)

    def timestamp(self, signature: bytes) -> bytes:
        self.diary.append("timestamp")
        return SHOP.notary(AUTHOR).timestamp(signature)

    def log(self, attestation: bytes) -> bytes:
        self.diary.append("log")
        if callable(self.answer):
            return self.answer(attestation)
        return SHOP.notary(AUTHOR).log(attestation)


def test_the_timestamp_comes_before_the_log_entry():
    witnesses = Witnesses()

    parsed = parse_attestation(attest(STATEMENT, key=AUTHOR.key, notary=witnesses))

    assert witnesses.diary == ["timestamp", "log"]
    assert parsed.envelope.payload == STATEMENT
    assert (len(parsed.timestamps), len(parsed.entries)) == (1, 1)


def test_a_pending_attestation_has_a_time_and_no_entry():
    raw = attest_pending(STATEMENT, key=AUTHOR.key, timestamp=Witnesses().timestamp)

    parsed = parse_attestation(raw)
    assert (len(parsed.timestamps), parsed.entries) == (1, ())


def test_a_bare_attestation_has_neither():
    parsed = parse_attestation(attest_bare(STATEMENT, key=AUTHOR.key))

    assert (parsed.timestamps, parsed.entries) == ((), ())


def test_no_signature_has_a_name_that_cosign_would_pass_over():
    parsed = parse_attestation(attest(STATEMENT, key=AUTHOR.key, notary=Witnesses()))

    assert (parsed.envelope.keyid, parsed.hint) == ("", AUTHOR.key.public_key.hint)


@pytest.mark.parametrize(
    "payload",
    [b"", b"a nonce of thirty-two bytes.....", b"{}", b"\x00" * 32, STATEMENT[:-1]],
)
def test_nothing_but_a_statement_is_ever_signed(payload):
    class Untouched(MemoryKey):
        def sign(self, message):
            raise AssertionError

    key = Untouched(AUTHOR.key.private, AUTHOR.key.public_key)

    with pytest.raises(Exception) as refused:  # noqa: PT011 (its code is asserted)
        sign_statement(payload, key=key)

    assert refused.value.code in {"json-format", "statement-format"}


@pytest.mark.parametrize(
    "made", [MemoryKey.ed25519, MemoryKey.ecdsa_p384, MemoryKey.rsa]
)
def test_only_p256_signs(made):
    with pytest.raises(UnsafeConfigurationError):
        sign_statement(STATEMENT, key=made())


def test_a_key_whose_halves_do_not_match_is_found_before_anybody_sees_the_signature():
    witnesses = Witnesses()
    wrong = replace(AUTHOR.key, public_key=MemoryKey.ecdsa().public_key)

    with pytest.raises(SignatureInvalidError):
        attest(STATEMENT, key=wrong, notary=witnesses)

    assert witnesses.diary == []


def test_a_witness_that_is_down_is_not_hidden():
    def down(_signature: bytes) -> bytes:
        raise UnavailableError("expected an answer, got none")

    with pytest.raises(UnavailableError):
        attest_pending(STATEMENT, key=AUTHOR.key, timestamp=down)


LIES = {
    "no entry": (lambda raw: raw, NotLoggedError),
    "another statement of ours": (
        lambda _: SHOP.attest(OTHER, by=AUTHOR), NotLoggedError,
    ),
    "the statement by somebody else": (
        lambda _: SHOP.attest(STATEMENT, by=SHOP.people["releaser"]), NotLoggedError,
    ),
    "the statement, signed by somebody else in our name": (
        lambda _: SHOP.attest_anything(
            STATEMENT,
            by=replace(
                AUTHOR, key=replace(MemoryKey.ecdsa(), public_key=AUTHOR.key.public_key)
            ),
        ),
        SignatureInvalidError,
    ),
    "an entry about another signature": (
        lambda raw: swap_entry(raw, SHOP.attest(STATEMENT, by=AUTHOR)), NotLoggedError,
    ),
}  # fmt: skip


def swap_entry(raw: bytes, other: bytes) -> bytes:
    return with_entry(parse_attestation(raw), parse_attestation(other).entries[0])


@pytest.mark.parametrize(
    ("answer", "error"), [pytest.param(*row, id=name) for name, row in LIES.items()]
)
def test_a_log_that_lies_about_what_it_took_is_found_out(answer, error):
    with pytest.raises(error):
        attest(STATEMENT, key=AUTHOR.key, notary=Witnesses(answer))


def test_after_a_lost_answer_the_first_signature_is_as_good():
    first = SHOP.attest(STATEMENT, by=AUTHOR)

    completed = attest(STATEMENT, key=AUTHOR.key, notary=Witnesses(lambda _: first))

    assert completed == first
