# SPDX-License-Identifier: Apache-2.0
"""What every provider of keys promises; a provider is one when this holds for it."""

import threading

import pytest

from keys.errors import KeyMismatchError, SignatureInvalidError, TrustacksError
from keys.providers.limits import DEADLINE_S
from keys.public import PublicKey
from tests.simulators.key_providers import (
    FAULTS,
    SECRET,
    AwsKms,
    Files,
    Tokens,
    Transit,
)
from tests.simulators.memory_key import MemoryKey

PROVIDERS = {
    "encfile": lambda request: Files(request.getfixturevalue("tmp_path")),
    "awskms": lambda request: AwsKms(request.getfixturevalue("kms")),
    "pkcs11": lambda request: Tokens(request.getfixturevalue("hsm")),
    "hv": lambda request: Transit(request.getfixturevalue("vault")),
}
KINDS = {
    "encfile": Files.kinds,
    "awskms": AwsKms.kinds,
    "pkcs11": Tokens.kinds,
    "hv": Transit.kinds,
}
THREADS, EACH = 8, 12
# Seconds. Long enough to open a key on a busy machine; a call that hangs takes longer.
SHORT_S = 4.0


def deadline_of(fault: str) -> float:
    return SHORT_S if fault == "slow" else DEADLINE_S


@pytest.fixture(params=PROVIDERS)
def provider(request):
    return PROVIDERS[request.param](request)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_provided_or_cannot_happen(provider, fault):
    assert (fault in provider.faults) != (fault in provider.cannot)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(name, kind, id=f"{name}-{kind}")
        for name, kinds in KINDS.items()
        for kind in kinds
    ],
)
def test_a_key_of_each_kind_signs_what_its_public_half_verifies(request, name, kind):
    provider = PROVIDERS[name](request)

    key = provider.open(provider.make(kind))

    assert key.public_key.details == kind
    for size in (0, 1, 100_000):
        message = b"m" * size
        PublicKey(key.public_key.spki).verify(key.sign(message), message)


def test_a_signature_is_bound_to_the_message_and_the_key(provider):
    key = provider.open(provider.make())
    signature = key.sign(b"message")

    for holder, message in (
        (key.public_key, b"massage"),
        (provider.open(provider.make()).public_key, b"message"),
        (MemoryKey.ecdsa().public_key, b"message"),
    ):
        with pytest.raises(SignatureInvalidError):
            holder.verify(signature, message)


def test_the_registered_key_opens_and_no_other_does(provider):
    uri, other = provider.make(), provider.open(provider.make())
    key = provider.open(uri)

    same = provider.open(uri, key_id=key.public_key.key_id)
    assert same.public_key == key.public_key
    with pytest.raises(KeyMismatchError) as refused:
        provider.open(uri, key_id=other.public_key.key_id)

    assert refused.value.evidence == {
        "expected": other.public_key.key_id,
        "got": key.public_key.key_id,
    }


def test_many_threads_sign_with_one_key(provider):
    key = provider.open(provider.make())
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for count in range(EACH):
                message = f"{number} {count}".encode()
                key.public_key.verify(key.sign(message), message)
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_key_opened_under_a_fault_signs_nothing(provider, fault):
    if fault in provider.cannot:
        assert provider.cannot[fault]
        return
    expected, uri = provider.faults[fault], provider.make()
    known = None if expected.fresh else provider.open(uri).public_key.key_id

    with expected.happen(uri) as broken, pytest.raises(TrustacksError) as refused:
        provider.open(broken, key_id=known, deadline_s=deadline_of(fault)).sign(
            b"message"
        )

    assert refused.value.code == expected.code
    assert SECRET not in str(refused.value.to_json())


@pytest.mark.parametrize("fault", FAULTS)
def test_an_open_key_that_a_fault_reaches_signs_nothing(provider, fault):
    expected = provider.faults.get(fault)
    if expected is None or not expected.late:
        return
    uri = provider.make()
    key = provider.open(uri, deadline_s=deadline_of(fault))
    key.sign(b"before")

    with expected.happen(uri), pytest.raises(TrustacksError) as refused:
        key.sign(b"message")

    assert refused.value.code == expected.code
    assert refused.value.exit_code == 3


@pytest.mark.parametrize("fault", ["down", "slow", "a signature of other bytes"])
def test_a_key_signs_again_when_the_fault_is_over(provider, fault):
    expected = provider.faults.get(fault)
    if expected is None or not expected.late:
        return
    uri = provider.make()
    key = provider.open(uri, deadline_s=deadline_of(fault))

    with expected.happen(uri), pytest.raises(TrustacksError):
        key.sign(b"message")

    again = provider.open(uri, key_id=key.public_key.key_id)
    again.public_key.verify(again.sign(b"message"), b"message")


def test_a_key_shows_no_secret_of_its_own(provider):
    key = provider.open(provider.make())

    shown = repr(key) + repr(key.inner)

    assert SECRET not in shown
    assert key.public_key.key_id[:16] in repr(key)
    assert not hasattr(key.inner, "sign")
