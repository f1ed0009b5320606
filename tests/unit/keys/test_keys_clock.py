# SPDX-License-Identifier: Apache-2.0
"""Instants have one form and one zone."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.clock import format_instant, parse_instant, require_utc, utc_now
from keys.digest import Digest
from keys.errors import FieldFormatError, UsageError


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 (bound)
def test_an_instant_is_written_and_read_to_the_second(instant):
    whole = instant.replace(microsecond=0)

    assert parse_instant(format_instant(instant)) == whole


@settings(deadline=None)
@given(st.text(max_size=24))
def test_no_text_raises_anything_else(text):
    with contextlib.suppress(FieldFormatError):
        assert format_instant(parse_instant(text)) == text


@pytest.mark.parametrize(
    "instant",
    [
        pytest.param(datetime(2026, 1, 1), id="naive"),  # noqa: DTZ001 (the point)
        pytest.param(
            datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1))), id="elsewhere"
        ),
    ],
)
def test_another_zone_is_the_callers_mistake(instant):
    with pytest.raises(UsageError):
        require_utc(instant)
    with pytest.raises(UsageError):
        format_instant(instant)


def test_now_is_utc_and_whole():
    now = utc_now()

    assert (now.tzinfo, now.microsecond) == (UTC, 0)


def test_a_digest_is_a_value_with_one_spelling():
    digest = Digest.of(b"x")

    assert Digest.parse(str(digest)) == digest
    assert digest.raw.hex() == digest.hex
    assert digest.hex.startswith(digest.short)
    for text in (
        digest.hex,
        f"sha512:{digest.hex}",
        f"{digest} ",
        f"sha256:{digest.hex}\n",
    ):
        with pytest.raises(FieldFormatError):
            Digest.parse(text)
