# SPDX-License-Identifier: Apache-2.0
"""Identity tokens: parsed to be shown; what cannot be one is refused."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import TrustacksError
from keys.strict import dumps_json
from signer.keyless.errors import (
    TokenAudienceError,
    TokenExpiredError,
    TokenFormatError,
)
from signer.keyless.token import parse_token

AT = datetime(2026, 3, 2, tzinfo=UTC)
CLAIMS = {
    "iss": "https://token.actions.githubusercontent.com",
    "sub": "repo:acme/overlay:ref:refs/heads/main",
    "aud": "sigstore",
    "exp": int((AT + timedelta(minutes=5)).timestamp()),
    "job_workflow_ref": "acme/overlay/.github/workflows/release.yml@refs/heads/main",
    "repository_visibility": "private",
}


def part(value) -> str:
    raw = value if isinstance(value, bytes) else dumps_json(value)
    return urlsafe_b64encode(raw).decode().rstrip("=")


TWICE = b'{"iss":"a","iss":"b"}'


def token(claims=CLAIMS, **changes) -> str:
    return ".".join(
        [part({"alg": "RS256"}), part(claims | changes), part(b"signature")]
    )


def test_what_a_token_says_is_shown_and_the_token_is_not():
    claims = parse_token(token())
    assert claims.issuer in claims.text()
    assert "job_workflow_ref = acme/overlay" in claims.text()
    assert claims.raw not in claims.text()
    assert claims.raw not in repr(claims)
    assert "visibility" not in claims.text()


@pytest.mark.parametrize("name", ["iss", "sub", "email"])
@pytest.mark.parametrize(
    "text", ["a\n  issuer = b", "a\x1b[2K", "a\u202eb", "a\u2028b"]
)
def test_a_name_that_draws_another_line_is_no_name(name, text):
    """What is shown before anything is signed is what the token says."""
    with pytest.raises(TokenFormatError, match="shown"):
        parse_token(token(**{name: text}))


@pytest.mark.parametrize("aud", ["sigstore", ["other", "sigstore"]])
def test_one_of_its_audiences_is_us(aud):
    assert parse_token(token(aud=aud)).audience == "sigstore"


@pytest.mark.parametrize("aud", ["other", [], ["a", "b"]])
def test_a_token_for_somebody_else_is_not_sent(aud):
    with pytest.raises(TokenAudienceError):
        parse_token(token(aud=aud))


def test_another_audience_can_be_ours():
    assert parse_token(token(aud="ours"), audience="ours").audience == "ours"


def test_a_token_that_is_about_to_end_is_not_used():
    claims = parse_token(token())
    claims.require_good(AT)
    with pytest.raises(TokenExpiredError):
        claims.require_good(AT + timedelta(minutes=4, seconds=31))


BAD = {
    "nothing": "",
    "two parts": "a.b",
    "four parts": token() + ".x",
    "an empty part": f"{part({})}..{part(b'x')}",
    "padding": token() + "=",
    "the other alphabet": token().replace(".", "+.", 1),
    "stray bits": f"{part({'alg': 'x'})}.{part(CLAIMS)}.ab9",
    "no JSON": f"{part({})}.{part(b'rubbish')}.{part(b'x')}",
    "a list": f"{part({})}.{part([1])}.{part(b'x')}",
    "a key twice": f"{part({})}.{part(TWICE)}.{part(b'x')}",
    "no subject": token({k: v for k, v in CLAIMS.items() if k != "sub"}),
    "no issuer": token({k: v for k, v in CLAIMS.items() if k != "iss"}),
    "no end": token({k: v for k, v in CLAIMS.items() if k != "exp"}),
    "an end as text": token(exp="1"),
    "an end that is true": token(exp=True),
    "an end beyond time": token(exp=10**15),
    "audiences that are numbers": token(aud=[1]),
    "too long": token(sub="x" * 20_000),
}


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD)
def test_what_is_no_token_is_refused(raw):
    with pytest.raises(TokenFormatError):
        parse_token(raw)


def test_an_issuer_may_say_seconds_with_a_point():
    assert parse_token(token(exp=CLAIMS["exp"] + 0.5)).expires.microsecond == 0


@given(st.text(max_size=60) | st.dictionaries(st.sampled_from(list(CLAIMS)), st.text()))
def test_anything_is_read_or_refused_by_a_code(value):
    raw = value if isinstance(value, str) else token(value)
    with pytest.raises(TrustacksError):
        parse_token(raw)
