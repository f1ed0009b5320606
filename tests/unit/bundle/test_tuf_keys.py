# SPDX-License-Identifier: Apache-2.0
"""Keys of TUF roles: one identity for one key, whatever it is written like."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import SSlibKey
from tuf.api.metadata import Metadata, Root

from bundle.tuf.errors import TufKeyError
from bundle.tuf.keys import (
    MAX_RSA_BITS,
    MIN_RSA_BITS,
    RoleSigner,
    distinct,
    identify,
    is_external,
    role_key,
)
from keys.digest import Digest
from keys.errors import KeyMismatchError, KeyUnavailableError
from signer.form import Custody
from tests.simulators.memory_key import MemoryKey


def pem(private) -> str:
    return (
        private.public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def key(keytype, scheme, public, keyid="a" * 64, **fields) -> SSlibKey:
    return SSlibKey(keyid, keytype, scheme, {"public": public}, fields)


P256 = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, MIN_RSA_BITS)
PSS = "rsassa-pss-sha256"


KINDS = pytest.mark.parametrize(
    "made",
    [
        MemoryKey.ecdsa,
        MemoryKey.ecdsa_p384,
        MemoryKey.ed25519,
        MemoryKey.rsa,
        pytest.param(lambda: MemoryKey.rsa(4096), id="rsa4096"),
    ],
)


@KINDS
def test_our_keys_have_the_identity_that_they_have_everywhere(made):
    ours = made()
    theirs = role_key(ours.public_key, Custody.EXTERNAL)
    assert identify(theirs) == ours.public_key.key_id


@KINDS
def test_a_role_signer_signs_what_python_tuf_verifies(made):
    ours = made()
    public = role_key(ours.public_key, Custody.EXTERNAL)
    signature = RoleSigner(ours, public).sign(b"metadata")
    public.verify_signature(signature, b"metadata")
    assert signature.keyid == public.keyid


def test_a_key_whose_halves_do_not_match_signs_nothing():
    mixed = MemoryKey(MemoryKey.ecdsa().private, MemoryKey.ecdsa().public_key)
    signer = RoleSigner(mixed, role_key(mixed.public_key, Custody.EXTERNAL))
    with pytest.raises(KeyMismatchError):
        signer.sign(b"metadata")


def test_a_key_id_is_the_hash_of_the_key_object_with_its_custody():
    public = MemoryKey.ecdsa().public_key
    ours = role_key(public, Custody.EXTERNAL)
    assert ours.keyid == Digest.of(encode_canonical(ours.to_dict()).encode()).hex
    assert ours.keyid != role_key(public, Custody.CONTROL_PLANE).keyid


@pytest.mark.parametrize(
    ("said", "external"),
    [
        ("external", True),
        ("control-plane", False),
        (None, False),
        ("External", False),
        (["external"], False),
        (True, False),
    ],
)
def test_only_the_plain_word_makes_a_key_external(said, external):
    fields = {} if said is None else {"x-trustacks-custody": said}
    assert (
        is_external(key("ecdsa", "ecdsa-sha2-nistp256", pem(P256), **fields))
        is external
    )


@pytest.mark.parametrize(
    "accepted",
    [
        key("ecdsa", "ecdsa-sha2-nistp256", pem(P256)),
        key(
            "ecdsa", "ecdsa-sha2-nistp384", pem(ec.generate_private_key(ec.SECP384R1()))
        ),
        key("rsa", PSS, pem(RSA)),
        key(
            "ed25519",
            "ed25519",
            ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex(),
        ),
    ],
    ids=lambda k: k.scheme,
)
def test_strong_keys_are_accepted(accepted):
    assert len(identify(accepted)) == 64


ED_HEX = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()


@pytest.mark.parametrize(
    "refused",
    [
        key(
            "ecdsa", "ecdsa-sha2-nistp256", pem(ec.generate_private_key(ec.SECP256K1()))
        ),
        key(
            "ecdsa", "ecdsa-sha2-nistp256", pem(ec.generate_private_key(ec.SECP384R1()))
        ),
        key("ecdsa", "ecdsa-sha2-nistp384", pem(P256)),
        key(
            "ecdsa", "ecdsa-sha2-nistp521", pem(ec.generate_private_key(ec.SECP521R1()))
        ),
        key("ecdsa", PSS, pem(P256)),
        key("rsa", PSS, pem(P256)),
        key("rsa", PSS, pem(rsa.generate_private_key(65537, 2048))),
        key("rsa", PSS, pem(rsa.generate_private_key(3, MIN_RSA_BITS))),
        key("rsa", "rsa-pkcs1v15-sha256", pem(RSA)),
        key("ed25519", "ed25519", pem(P256)),
        key("ed25519", "ed25519", ED_HEX[:-2]),
        key("ecdsa", "ecdsa-sha2-nistp256", ED_HEX),
        key("ecdsa", "ecdsa-sha2-nistp256", "-----BEGIN PUBLIC KEY-----"),
        key("ml-dsa", "ml-dsa-44/1", "x"),
    ],
    ids=lambda k: f"{k.keytype}-{k.scheme}",
)
def test_weak_or_mismatched_keys_are_refused(refused):
    with pytest.raises(TufKeyError):
        identify(refused)


def test_rsa_beyond_the_bound_is_refused():
    assert MAX_RSA_BITS == 8192
    huge = rsa.RSAPublicNumbers(65537, (1 << 8192) + 1).public_key()
    text = huge.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(TufKeyError):
        identify(key("rsa", PSS, text))


@pytest.mark.parametrize(
    "other",
    [
        "\n\n" + pem(P256),
        pem(P256).replace("\n", "\r\n"),
        "# comment\n" + pem(P256),
    ],
)
def test_another_spelling_is_the_same_key(other):
    twins = [
        key("ecdsa", "ecdsa-sha2-nistp256", pem(P256), "a" * 64),
        key("ecdsa", "ecdsa-sha2-nistp256", other, "b" * 64),
    ]
    with pytest.raises(TufKeyError):
        distinct(twins)


def test_hex_in_another_case_is_the_same_key():
    with pytest.raises(TufKeyError):
        distinct(
            [
                key("ed25519", "ed25519", ED_HEX, "a" * 64),
                key("ed25519", "ed25519", ED_HEX.upper(), "b" * 64),
            ]
        )


def test_what_a_key_refuses_is_said_as_it_is_and_the_metadata_stays_as_it_was():
    class Down(MemoryKey):
        def sign(self, message):
            raise KeyUnavailableError("down")

    private = MemoryKey.ecdsa()
    down = Down(private.private, private.public_key)
    metadata = Metadata(Root())

    with pytest.raises(KeyUnavailableError):
        RoleSigner(down, role_key(down.public_key, Custody.EXTERNAL)).sign_into(
            metadata
        )

    assert metadata.signatures == {}
