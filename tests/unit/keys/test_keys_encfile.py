# SPDX-License-Identifier: Apache-2.0
"""Encrypted key files: nothing unencrypted, nothing that others can read."""

import stat

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from keys.errors import (
    KeyAccessDeniedError,
    KeyFormatError,
    KeyProviderError,
    UsageError,
    WriteConflictError,
)
from keys.providers import open_signing_key
from keys.providers.encfile import create_key
from keys.schemes import (
    ECDSA_P256,
    ECDSA_P384,
    ED25519,
    RSA_PSS_3072,
    RSA_PSS_4096,
)

PASSPHRASE = "correct horse"


def tell(_prompt: str) -> str:
    return PASSPHRASE


@pytest.mark.parametrize(
    "details", [ECDSA_P256, ECDSA_P384, ED25519, RSA_PSS_3072, RSA_PSS_4096]
)
def test_a_key_is_made_once_and_opened_again(tmp_path, details):
    path = tmp_path / "key"
    made = create_key(path, PASSPHRASE, details=details)

    opened = open_signing_key(f"encfile:{path}", tell)

    assert opened.public_key == made.public_key
    assert opened.public_key.details == details
    opened.public_key.verify(opened.sign(b"message"), b"message")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"ENCRYPTED" in path.read_bytes()


def test_an_existing_key_is_never_replaced(tmp_path):
    path = tmp_path / "key"
    create_key(path, PASSPHRASE)
    before = path.read_bytes()

    with pytest.raises(WriteConflictError):
        create_key(path, PASSPHRASE)

    assert path.read_bytes() == before


def test_an_empty_passphrase_makes_no_file(tmp_path):
    with pytest.raises(KeyAccessDeniedError):
        create_key(tmp_path / "key", "")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("passphrase", ["", "wrong", PASSPHRASE + " "])
def test_another_passphrase_does_not_open_it(tmp_path, passphrase):
    path = tmp_path / "key"
    create_key(path, PASSPHRASE)

    with pytest.raises(KeyAccessDeniedError) as refused:
        open_signing_key(f"encfile:{path}", lambda _: passphrase)

    assert refused.value.exit_code == 3
    assert not passphrase or passphrase not in str(refused.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610])
def test_a_file_that_others_can_touch_is_refused_before_anybody_is_asked(
    tmp_path, mode
):
    path = tmp_path / "key"
    create_key(path, PASSPHRASE)
    path.chmod(mode)

    def never(_prompt: str) -> str:
        raise AssertionError

    with pytest.raises(KeyProviderError, match="0600"):
        open_signing_key(f"encfile:{path}", never)


def store(path, key, encryption) -> None:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    path.chmod(0o600)


def test_an_unencrypted_key_is_refused_even_if_it_opens(tmp_path):
    store(tmp_path / "key", rsa.generate_private_key(65537, 2048), NoEncryption())

    with pytest.raises(KeyAccessDeniedError, match="encrypted"):
        open_signing_key(f"encfile:{tmp_path / 'key'}", tell)


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP256K1()),
        x25519.X25519PrivateKey.generate(),
    ],
    ids=["weak RSA", "secp256k1", "X25519"],
)
def test_another_kind_of_key_is_refused(tmp_path, key):
    encryption = BestAvailableEncryption(PASSPHRASE.encode())
    store(tmp_path / "key", key, encryption)

    with pytest.raises(KeyFormatError):
        open_signing_key(f"encfile:{tmp_path / 'key'}", tell)


def test_a_missing_key_says_how_to_make_one(tmp_path):
    with pytest.raises(KeyProviderError) as refused:
        open_signing_key(f"encfile:{tmp_path / 'none'}", tell)

    assert refused.value.hint


def test_a_link_to_a_key_is_not_followed(tmp_path):
    create_key(tmp_path / "key", PASSPHRASE)
    (tmp_path / "link").symlink_to(tmp_path / "key")

    with pytest.raises(Exception) as refused:  # noqa: PT011 (its code is asserted)
        open_signing_key(f"encfile:{tmp_path / 'link'}", tell)

    assert refused.value.code == "storage-unavailable"


@pytest.mark.parametrize(
    "uri", ["", "encfile:", "file:/key", "encfile", "os:/etc/passwd"]
)
def test_an_unknown_scheme_opens_nothing(uri):
    with pytest.raises(UsageError):
        open_signing_key(uri, tell)


def test_a_key_does_not_show_itself(tmp_path):
    made = create_key(tmp_path / "key", PASSPHRASE)

    short = made.public_key.key_id[:16]
    assert repr(made) == f"CheckedKey({short})"
    assert repr(made.inner) == f"FileKey({short})"
