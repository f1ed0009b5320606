# SPDX-License-Identifier: Apache-2.0
"""The seam: no signature leaves that the registered public key does not verify."""

from dataclasses import replace

import pytest

from keys.errors import KeyMismatchError
from keys.providers.encfile import FileKey, create_key
from keys.signing import CheckedKey
from tests.simulators.memory_key import MemoryKey

P256, OTHER, EDWARDS = MemoryKey.ecdsa(), MemoryKey.ecdsa(), MemoryKey.ed25519()


@pytest.mark.parametrize("public", [OTHER, EDWARDS], ids=["a twin", "another kind"])
def test_a_key_whose_halves_do_not_match_signs_nothing(public):
    wrong = CheckedKey.of(replace(P256, public_key=public.public_key))

    with pytest.raises(KeyMismatchError) as refused:
        wrong.sign(b"message")

    assert refused.value.exit_code == 3
    assert refused.value.evidence == {"key_id": public.public_key.key_id}


def test_another_key_than_the_registered_one_cannot_be_built():
    with pytest.raises(KeyMismatchError) as refused:
        CheckedKey(P256, OTHER.public_key)

    assert refused.value.evidence == {
        "expected": OTHER.public_key.key_id,
        "got": P256.public_key.key_id,
    }


def test_a_provider_that_changes_its_mind_is_held_to_the_registered_key():
    class Fickle(MemoryKey):
        asked = 0

        @property
        def public_key(self):
            Fickle.asked += 1
            return (P256 if Fickle.asked <= 2 else OTHER).public_key

        @public_key.setter
        def public_key(self, value):
            pass

        def sign_unchecked(self, message):
            return OTHER.sign(message)

    key = CheckedKey.of(object.__new__(Fickle))

    with pytest.raises(KeyMismatchError):
        key.sign(b"message")
    assert key.public_key == P256.public_key


def test_what_matches_signs():
    key = CheckedKey(P256, P256.public_key)

    key.public_key.verify(key.sign(b"message"), b"message")


def test_what_a_provider_opens_cannot_sign_by_itself(tmp_path):
    made = create_key(tmp_path / "key", "secret")

    assert isinstance(made, CheckedKey)
    assert isinstance(made.inner, FileKey)
    assert not hasattr(made.inner, "sign")
