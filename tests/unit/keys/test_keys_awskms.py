# SPDX-License-Identifier: Apache-2.0
"""AWS KMS: the forms of its URIs, two permissions, digests only, and bounded patience."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import (
    ConfigurationError,
    KeyAnswerError,
    KeyDisabledError,
    KeyFormatError,
    KeyMismatchError,
    KeyProviderMissingError,
    KeyTimeoutError,
    KeyUriError,
    TrustacksError,
)
from keys.providers import open_signing_key
from keys.providers.awskms_uri import KmsUri, is_arn
from keys.providers.limits import KMS_ATTEMPTS, MAX_URI_CHARS
from tests.simulators.kms import REGION, Fault

ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
MULTI = "mrk-0123456789abcdef0123456789abcdef"
ARN = f"arn:aws:kms:eu-west-1:111122223333:key/{ID}"
ALIAS_ARN = "arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/acme/root"

ACCEPTED = {
    ID: (ID, None, None),
    f"///{ID}": (ID, None, None),
    MULTI: (MULTI, None, None),
    "alias/acme-root": ("alias/acme-root", None, None),
    "///alias/acme/root": ("alias/acme/root", None, None),
    ARN: (ARN, "eu-west-1", None),
    f"///{ARN}": (ARN, "eu-west-1", None),
    ALIAS_ARN: (ALIAS_ARN, "us-gov-west-1", None),
    f"///{ID}?region=ap-southeast-2": (ID, "ap-southeast-2", None),
    f"{ARN}?region=eu-west-1": (ARN, "eu-west-1", None),
    f"//kms.example.com/{ID}": (ID, None, "https://kms.example.com"),
    f"//kms.example.com:8443/{ID}": (ID, None, "https://kms.example.com:8443"),
    f"//127.0.0.1:4566/{ID}": (ID, None, "http://127.0.0.1:4566"),
    f"//localhost/{ID}": (ID, None, "http://localhost"),
    f"//127.0.0.1.example.com/{ID}": (ID, None, "https://127.0.0.1.example.com"),
}
REFUSED = [
    "",
    "//",
    "///",
    "//alias/x",
    "alias/",
    "alias/a b",
    "alias/" + "x" * 251,
    ID.upper(),
    ID[:-1],
    f"{ID}\n",
    f"///{ID}/",
    f"{ID}?region=",
    f"{ID}?region=Europe",
    f"{ID}?region=eu-west-1&region=eu-west-1",
    f"{ID}?endpoint=http://evil.example",
    f"{ARN}?region=us-east-1",
    f"http://evil.example/{ID}",
    f"//user:secret@evil.example/{ID}",
    f"//evil.example:999999/{ID}",
    f"arn:aws:s3:eu-west-1:111122223333:key/{ID}",
    f"arn:aws:kms:eu-west-1:1111:key/{ID}",
    "arn:aws:kms:eu-west-1:111122223333:key/alias/x",
    f"arn:aws:kms:eu-west-1:111122223333:{ID}",
    "arn:aws:kms:eu-west-1:111122223333:grant/x",
]


def never(_prompt: str) -> str:
    raise AssertionError


@pytest.mark.parametrize("rest", ACCEPTED)
def test_the_forms_of_other_tools_are_read(rest):
    found = KmsUri.parse(rest)

    assert (found.key, found.region, found.endpoint_url) == ACCEPTED[rest]


@pytest.mark.parametrize("rest", REFUSED)
def test_nothing_else_is(rest):
    with pytest.raises(KeyUriError):
        KmsUri.parse(rest)


@given(st.text(max_size=300))
def test_no_text_raises_anything_but_a_refusal(text):
    try:
        found = KmsUri.parse(text)
    except KeyUriError:
        return
    assert found.key in text


def test_only_an_arn_is_one():
    assert is_arn(ARN)
    assert is_arn(ALIAS_ARN)
    for other in (ID, "alias/x", None, [ARN], f"{ARN}\n"):
        assert not is_arn(other)


def test_a_uri_is_bounded_and_not_repeated():
    for uri in (
        "awskms:" + "a" * (MAX_URI_CHARS - 7),
        "awskms:" + "a" * (MAX_URI_CHARS - 6),
    ):
        with pytest.raises(KeyUriError) as refused:
            open_signing_key(uri, never)
        long = len(uri) > MAX_URI_CHARS
        assert (f"at most {MAX_URI_CHARS}" in refused.value.message) is long


def test_two_permissions_are_enough(kms):
    key = open_signing_key(kms.uri(kms.create()), never)
    key.sign(b"message")
    key.sign(b"another")

    assert kms.door.asked == ["GetPublicKey", "Sign", "Sign"]


def test_an_alias_is_resolved_once(kms):
    first, second = kms.create(), kms.create()
    kms.client.create_alias(AliasName="alias/acme-root", TargetKeyId=first)
    uri = kms.uri("alias/acme-root")
    key = open_signing_key(uri, never)
    kms.client.update_alias(AliasName="alias/acme-root", TargetKeyId=second)

    key.public_key.verify(key.sign(b"message"), b"message")
    with pytest.raises(KeyMismatchError):
        open_signing_key(uri, never, key_id=key.public_key.key_id)
    other = open_signing_key(uri, never)
    assert other.public_key != key.public_key
    assert key.inner.arn == kms.arn(first)


def test_an_arn_names_its_region(kms):
    key = open_signing_key(f"awskms://{kms.host}/{kms.arn(kms.create())}", never)

    key.public_key.verify(key.sign(b"message"), b"message")


@pytest.mark.parametrize("code", [Fault.THROTTLED, Fault.BROKEN, Fault.DOWN])
def test_what_may_pass_is_tried_again_and_not_for_ever(kms, code):
    key = open_signing_key(kms.uri(kms.create()), never)
    kms.door.begin()
    kms.door.fail(code, times=KMS_ATTEMPTS - 1)
    key.sign(b"message")
    assert len(kms.door.asked) == KMS_ATTEMPTS

    kms.door.begin()
    kms.door.fail(code)
    with pytest.raises(TrustacksError) as refused:
        key.sign(b"message")
    assert refused.value.code == "key-unavailable"
    assert len(kms.door.asked) == KMS_ATTEMPTS


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.DENIED, "key-access-denied"),
        (Fault.NO_CREDENTIALS, "key-access-denied"),
        (Fault.STRANGE, "key-answer"),
        (Fault.HTML, "key-answer"),
        (Fault.EMPTY, "key-answer"),
        (Fault.ILL_TYPED, "key-answer"),
    ],
)
def test_what_will_not_pass_is_tried_once(kms, fault, code):
    uri = kms.uri(kms.create())
    key = open_signing_key(uri, never)
    kms.door.begin()
    kms.door.fail(fault)

    for work in (lambda: key.sign(b"message"), lambda: open_signing_key(uri, never)):
        with pytest.raises(TrustacksError) as refused:
            work()
        assert refused.value.code == code
        assert refused.value.hint
        assert "<" not in refused.value.message or "'<script>'" in refused.value.message

    assert len(kms.door.asked) == 2


def test_an_answer_that_never_ends_is_left_in_time(kms):
    key = open_signing_key(kms.uri(kms.create()), never, deadline_s=3)
    kms.door.fail(Fault.DRIPPING)

    with pytest.raises(KeyTimeoutError):
        key.sign(b"message")


@pytest.mark.parametrize("state", ["disabled", "to be deleted"])
def test_a_key_that_may_not_sign_neither_opens_nor_signs(kms, state):
    name = kms.create()
    key = open_signing_key(kms.uri(name), never)
    if state == "disabled":
        kms.client.disable_key(KeyId=name)
    else:
        kms.client.schedule_key_deletion(KeyId=name)

    for work in (
        lambda: key.sign(b"message"),
        lambda: open_signing_key(kms.uri(name), never),
    ):
        with pytest.raises(KeyDisabledError):
            work()
    assert kms.door.signed == 0


@pytest.mark.parametrize("spec", ["ECC_NIST_P521", "ECC_SECG_P256K1", "RSA_2048"])
def test_a_key_of_another_kind_does_not_open(kms, spec):
    with pytest.raises(KeyFormatError):
        open_signing_key(kms.uri(kms.create(spec)), never)


def test_a_key_that_signs_whole_messages_only_does_not_open(kms):
    kms.door.fail(Fault.EDWARDS)

    with pytest.raises(KeyFormatError):
        open_signing_key(kms.uri(kms.create()), never)


def test_a_key_without_an_arn_does_not_open(kms):
    """A name in its place could be moved between two signatures."""
    kms.door.fail(Fault.ALIAS_ANSWERS)

    with pytest.raises(KeyAnswerError):
        open_signing_key(kms.uri(kms.create()), never)


@pytest.mark.parametrize("spec", ["RSA_3072"])
def test_a_key_of_another_use_does_not_open(kms, spec):
    name = kms.create(spec, usage="ENCRYPT_DECRYPT")

    with pytest.raises(KeyDisabledError):
        open_signing_key(kms.uri(name), never)


def test_without_a_region_the_hint_says_where_to_name_it(kms, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)

    with pytest.raises(ConfigurationError) as refused:
        open_signing_key(f"awskms:///{ID}", never)
    assert "?region=" in refused.value.hint


def test_region_and_endpoint_may_be_the_environments(kms, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", f"http://{kms.host}")

    key = open_signing_key(f"awskms:{kms.create()}", never)

    key.public_key.verify(key.sign(b"message"), b"message")


def test_without_credentials_nothing_is_asked(kms, monkeypatch):
    uri = kms.uri(kms.create())
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(TrustacksError) as refused:
        open_signing_key(uri, never)

    assert refused.value.code == "key-access-denied"
    assert kms.door.asked == []


def test_without_boto3_the_hint_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)

    with pytest.raises(KeyProviderMissingError) as refused:
        open_signing_key(f"awskms:{ARN}", never)

    assert "trustacks[kms]" in refused.value.hint
