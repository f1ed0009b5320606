# SPDX-License-Identifier: Apache-2.0
"""SigningConfig: strict, and what it asks for is done or refused."""

import contextlib
import importlib.util
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import TrustacksError
from keys.strict import dumps_json
from signer.keyless.errors import (
    NoServiceError,
    SigningConfigFormatError,
    SigningConfigUnsupportedError,
    UnsafeServiceError,
)
from signer.keyless.signing_config import MEDIA_TYPE, SigningConfig, checked_url

AT = datetime(2026, 3, 2, tzinfo=UTC)


def service(name: str = "a", **changes):
    return {
        "url": f"https://{name}.example.com/prefix/",
        "majorApiVersion": 1,
        "validFor": {"start": "2022-04-13T20:06:15.000Z"},
        "operator": name,
    } | changes


def document(**changes):
    return {
        "mediaType": MEDIA_TYPE,
        "caUrls": [service("ca")],
        "oidcUrls": [service("oidc")],
        "rekorTlogUrls": [service("log", majorApiVersion=2)],
        "tsaUrls": [service("tsa")],
        "rekorTlogConfig": {"selector": "ANY"},
        "tsaConfig": {"selector": "ANY"},
    } | changes


def parsed(**changes) -> SigningConfig:
    return SigningConfig.parse(dumps_json(document(**changes)))


def test_the_path_of_an_address_is_kept_and_its_last_slash_is_not():
    config = parsed()
    assert config.certificate_authority(AT).url == "https://ca.example.com/prefix"
    assert config.log(AT).version == 2
    assert config.issuer(AT).operator == "oidc"
    assert config.timestamp_authorities(AT).needed == 1


@pytest.mark.parametrize("host", ["sigstore", "sigstage"])
def test_those_of_the_public_instances_are_read(host):
    places = importlib.util.find_spec("sigstore").submodule_search_locations
    folder = Path(places[0]) / f"_store/https%3A%2F%2Ftuf-repo-cdn.{host}.dev"
    config = SigningConfig.parse((folder / "signing_config.v0.2.json").read_bytes())
    assert config.certificate_authority(AT).url.startswith("https://fulcio")
    assert config.timestamp_authorities(AT).services


def test_one_service_of_each_operator_is_asked_the_newest_in_use():
    logs = [
        service("log", majorApiVersion=1, url="https://one.example.com"),
        service("log", majorApiVersion=2, url="https://two.example.com"),
        service("log", majorApiVersion=3, url="https://three.example.com"),
        service("log", majorApiVersion=2, validFor={"start": "2027-01-01T00:00:00Z"}),
    ]
    assert parsed(rekorTlogUrls=logs).log(AT).url == "https://two.example.com"


SELECTED = {
    "any of two": ({"selector": "ANY"}, 2, (2, 1)),
    "all of two": ({"selector": "ALL"}, 2, (2, 2)),
    "exactly two of three": ({"selector": "EXACT", "count": 2}, 3, (2, 2)),
    "nothing said": (None, 2, (2, 1)),
}


@pytest.mark.parametrize(("wanted", "of", "asked"), SELECTED.values(), ids=SELECTED)
def test_as_many_authorities_are_asked_as_are_wanted(wanted, of, asked):
    services = [service(f"tsa{i}") for i in range(of)]
    chosen = parsed(tsaUrls=services, tsaConfig=wanted).timestamp_authorities(AT)
    assert (len(chosen.services), chosen.needed) == asked


LOGS = [service(f"log{i}") for i in range(2)]
REFUSED = {
    "two logs, all of them": (
        {"rekorTlogUrls": LOGS, "rekorTlogConfig": {"selector": "ALL"}},
        SigningConfigUnsupportedError,
    ),
    "two logs, exactly": (
        {"rekorTlogUrls": LOGS, "rekorTlogConfig": {"selector": "EXACT", "count": 2}},
        SigningConfigUnsupportedError,
    ),
    "three of two logs": (
        {"rekorTlogUrls": LOGS, "rekorTlogConfig": {"selector": "EXACT", "count": 3}},
        NoServiceError,
    ),
    "two of one authority": (
        {"tsaConfig": {"selector": "EXACT", "count": 2}},
        NoServiceError,
    ),
    "no authority": ({"tsaUrls": []}, NoServiceError),
    "no log": ({"rekorTlogUrls": None}, NoServiceError),
    "no CA": ({"caUrls": []}, NoServiceError),
    "a CA of another version": (
        {"caUrls": [service(majorApiVersion=2)]},
        NoServiceError,
    ),
    "a CA that ended": (
        {
            "caUrls": [
                service(
                    validFor={
                        "start": "2022-01-01T00:00:00Z",
                        "end": "2023-01-01T00:00:00Z",
                    }
                )
            ]
        },
        NoServiceError,
    ),
}


@pytest.mark.parametrize(("changes", "refusal"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_is_refused(changes, refusal):
    config = parsed(**changes)
    with pytest.raises(refusal):
        _ = (
            config.certificate_authority(AT),
            config.timestamp_authorities(AT),
            config.log(AT),
        )


STRANGE = {
    "another media type": {"mediaType": MEDIA_TYPE.replace("0.2", "0.1")},
    "an unknown field": {"more": 1},
    "an unknown field of a service": {"caUrls": [service(more=1)]},
    "an unknown selector": {"tsaConfig": {"selector": "SOME"}},
    "an undefined selector": {"tsaConfig": {"selector": "SERVICE_SELECTOR_UNDEFINED"}},
    "exactly none": {"tsaConfig": {"selector": "EXACT", "count": 0}},
    "exactly, and not how many": {"tsaConfig": {"selector": "EXACT"}},
    "any, and how many": {"tsaConfig": {"selector": "ANY", "count": 1}},
    "a version that is none": {"caUrls": [service(majorApiVersion=0)]},
    "a version as text": {"caUrls": [service(majorApiVersion="1")]},
    "no window": {"caUrls": [service(validFor={})]},
    "more services than a bound": {"caUrls": [service()] * 33},
}


@pytest.mark.parametrize("changes", STRANGE.values(), ids=STRANGE)
def test_what_is_out_of_form_is_refused(changes):
    with pytest.raises(TrustacksError) as refused:
        parsed(**changes)
    assert refused.value.code in {"field-format", SigningConfigFormatError.code}


@pytest.mark.parametrize(
    "url",
    [
        "http://fulcio.example.com",
        "https://",
        "https://user@fulcio.example.com",
        "https://fulcio.example.com?x",
        "https://fulcio.example.com/#x",
        "https://fulcio.example.com/a b",
        "https://fulcio.example.com\\@evil.example.com",
        "https://fulcio.example.com:x",
        "ftp://fulcio.example.com",
        "https://fülcio.example.com",
        "file:///etc/passwd",
        "",
    ],
)
def test_an_address_that_no_token_may_go_to_is_refused(url):
    with pytest.raises(UnsafeServiceError):
        checked_url(url)


def test_http_is_for_this_machine_only():
    assert checked_url("http://127.0.0.1:1/x/") == "http://127.0.0.1:1/x"
    assert checked_url("http://localhost") == "http://localhost"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*service(), "selector", "count"]), inner)
    ),
    max_leaves=9,
)


@given(st.sampled_from(sorted(document())), JSON)
def test_any_field_may_hold_anything_and_is_read_or_refused(name, value):
    # What is raised is a refusal with a code, or this test fails by itself.
    with contextlib.suppress(TrustacksError):
        assert isinstance(parsed(**{name: value}), SigningConfig)


@given(st.binary(max_size=200))
def test_rubbish_is_refused_by_a_code(data):
    with pytest.raises(TrustacksError):
        SigningConfig.parse(data)
