# SPDX-License-Identifier: Apache-2.0
"""URIs of RFC 7512: one private key of one token, and never a PIN."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import KeyUriError, TrustacksError
from keys.providers import open_signing_key
from keys.providers.pkcs11.uri import Pkcs11Uri

ACCEPTED = {
    "token=acme;object=root": ({"token": "acme"}, "root", None, None, None),
    "object=root;token=acme": ({"token": "acme"}, "root", None, None, None),
    "serial=0a1b;id=%01%FF": ({"serial": "0a1b"}, None, b"\x01\xff", None, None),
    "token=a%20b;object=%C3%A9;id=%61;type=private": (
        {"token": "a b"},
        "\N{LATIN SMALL LETTER E WITH ACUTE}",
        b"a",
        None,
        None,
    ),
    "model=M;manufacturer=X;serial=1;token=t;id=1": (
        {"token": "t", "serial": "1", "manufacturer": "X", "model": "M"},
        None,
        b"1",
        None,
        None,
    ),
    "token=t;id=1?module-path=/usr/lib/p.so": (
        {"token": "t"},
        None,
        b"1",
        Path("/usr/lib/p.so"),
        None,
    ),
    "token=t;id=1?module-path=/p.so&pin-source=file:/run/pin": (
        {"token": "t"},
        None,
        b"1",
        Path("/p.so"),
        Path("/run/pin"),
    ),
    "token=t;id=1?pin-source=/run/pin": (
        {"token": "t"},
        None,
        b"1",
        None,
        Path("/run/pin"),
    ),
}
REFUSED = [
    "",
    "token=t",
    "object=o",
    "model=m;object=o",
    "token=;object=o",
    "token=t;object=",
    "token=t;token=t;object=o",
    "token=t;object=o;",
    "token=t;object=o;slot-id=1",
    "token=t;object=o;x-vendor=1",
    "token=t;object=o;type=public",
    "token=t;object=o;type=cert",
    "token=t;object=%ff",
    "token=t;object=%0a",
    "token=t;object=%4",
    "token=t;object=a b",
    "token=t;object=o#x",
    "token=t;object=o?module-name=softhsm",
    "token=t;object=o?module-path=p.so",
    "token=t;object=o?module-path=/p.so&module-path=/q.so",
    "token=t;object=o?pin-source=file:pin",
    "token=t;object=o?pin-source=|/bin/echo",
    "token=t;object=o?pin-source=%7C/bin/echo",
    "token=t;object=o?pin-source=https://evil.example",
    "token=t;object=o??",
]


def never(_prompt: str) -> str:
    raise AssertionError


@pytest.mark.parametrize("rest", ACCEPTED)
def test_a_uri_of_one_key_is_read(rest):
    found = Pkcs11Uri.parse(rest)

    seen = (found.token, found.object, found.id, found.module, found.pin_file)
    assert seen == ACCEPTED[rest]


@pytest.mark.parametrize("rest", REFUSED)
def test_what_is_not_obeyed_is_refused(rest):
    with pytest.raises(KeyUriError):
        Pkcs11Uri.parse(rest)


@pytest.mark.parametrize(
    "uri",
    [
        "pkcs11:token=t;object=o?pin-value=8642",
        "pkcs11:token=t;object=o;pin-value=8642",
        "pkcs11:token=t;object=o?module-path=/p.so&pin-value=8642",
        "pkcs12:token=t;object=o?pin-value=8642",
    ],
)
def test_a_pin_in_a_uri_is_refused_and_not_repeated(uri):
    with pytest.raises(TrustacksError) as refused:
        open_signing_key(uri, never)

    assert refused.value.code == "key-uri"
    assert "pkcs12" in uri or "pin-source" in refused.value.hint
    assert "8642" not in str(refused.value.to_json())


@given(st.text(max_size=200))
def test_no_text_raises_anything_but_a_refusal(text):
    try:
        found = Pkcs11Uri.parse(text)
    except KeyUriError:
        return
    assert found.token
    assert found.object or found.id


@given(st.binary(min_size=1, max_size=40), st.text(min_size=1, max_size=20))
def test_whatever_is_percent_encoded_is_read_back(key_id, label):
    encoded = "".join(f"%{byte:02x}" for byte in key_id)
    text = "".join(f"%{byte:02X}" for byte in label.encode("utf-8", "replace"))
    rest = f"token=t;id={encoded};object={text}"
    if not label.encode("utf-8", "replace").decode().isprintable():
        with pytest.raises(KeyUriError):
            Pkcs11Uri.parse(rest)
        return

    found = Pkcs11Uri.parse(rest)

    assert found.id == key_id
    assert found.object == label.encode("utf-8", "replace").decode()
