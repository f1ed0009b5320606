# SPDX-License-Identifier: Apache-2.0
"""Two readers of one text see one document, or none."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.errors import Base64FormatError, JsonFormatError, LimitExceededError
from keys.strict import (
    MAX_JSON_DEPTH,
    MAX_JSON_INTEGER,
    b64decode,
    b64encode,
    dumps_json,
    loads_json,
)

MANY = 1_000_000
SAFE_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_JSON_INTEGER, MAX_JSON_INTEGER)
    | SAFE_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(SAFE_TEXT, inner),
    max_leaves=20,
)


def load(data: bytes, **how):
    return loads_json(data, max_bytes=MANY, **how)


# ------------------------------------------------------------------ JSON

NOT_STRICT = {
    "a key twice": (b'{"threshold":2,"threshold":1}', JsonFormatError),
    "a key twice, deep": (b'[{"a":{"b":1,"b":1}}]', JsonFormatError),
    "a key twice, once escaped": (b'{"a":1,"\\u0061":2}', JsonFormatError),
    "NaN": (b"[NaN]", JsonFormatError),
    "Infinity": (b"[-Infinity]", JsonFormatError),
    "a fraction": (b"[1.0]", JsonFormatError),
    "an exponent": (b"[1e3]", JsonFormatError),
    "a comment": (b"[1] // one", JsonFormatError),
    "a trailing comma": (b"[1,]", JsonFormatError),
    "two documents": (b"{}{}", JsonFormatError),
    "nothing": (b"", JsonFormatError),
    "a byte order mark": (b"\xef\xbb\xbf{}", JsonFormatError),
    "UTF-16": ('{"a":1}'.encode("utf-16"), JsonFormatError),
    "an overlong slash": (b'"\xc0\xaf"', JsonFormatError),
    "a raw surrogate": (b'"\xed\xa0\x80"', JsonFormatError),
    "half a surrogate pair": (b'"\\ud83d"', JsonFormatError),
    "the other half": (b'{"\\uDE00":1}', JsonFormatError),
    "the halves the wrong way round": (b'"\\ude00\\ud83d"', JsonFormatError),
    "a control character": (b'"a\x00b"', JsonFormatError),
    "single quotes": (b"{'a':1}", JsonFormatError),
    "a leading zero": (b"[01]", JsonFormatError),
    "an integer of a million digits": (b"9" * 999_999, LimitExceededError),
}


@pytest.mark.parametrize(
    ("data", "error"), [pytest.param(*row, id=name) for name, row in NOT_STRICT.items()]
)
def test_what_two_readers_could_read_as_two_things_is_refused(data, error):
    with pytest.raises(error) as refused:
        load(data)

    assert refused.value.code == error.code


def test_a_whole_surrogate_pair_is_one_character():
    assert load(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"
    assert load(b'"\\\\ud83d"') == "\\ud83d", "an escaped backslash, then text"


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_depth_is_bounded_before_the_recursive_parser(opening):
    closing = b"]" if opening == b"[" else b"}"

    def nested(levels: int) -> bytes:
        return opening * levels + b"1" + closing * levels

    load(nested(MAX_JSON_DEPTH))
    with pytest.raises(LimitExceededError):
        load(nested(MAX_JSON_DEPTH + 1))
    with pytest.raises(LimitExceededError):
        load(opening * 150_000)


def test_brackets_in_strings_are_not_depth():
    text = '["' + "[{" * 1000 + '\\"' + "[" * 100 + '"]'

    assert load(text.encode()) == ["[{" * 1000 + '"' + "[" * 100]


@pytest.mark.parametrize("value", [MAX_JSON_INTEGER, -MAX_JSON_INTEGER])
def test_integers_end_where_other_readers_lose_count(value):
    beyond = value + (1 if value > 0 else -1)

    assert load(str(value).encode()) == value
    with pytest.raises(LimitExceededError):
        load(str(beyond).encode())


def test_size_is_bounded_by_the_caller():
    assert loads_json(b'"12"', max_bytes=4) == "12"
    with pytest.raises(LimitExceededError):
        loads_json(b'"123"', max_bytes=4)


def test_fractions_are_for_who_asks():
    assert load(b"[1.5]", floats=True) == [1.5]
    with pytest.raises(JsonFormatError):
        load(b"[NaN]", floats=True)


def test_a_message_names_document_line_and_column():
    with pytest.raises(JsonFormatError, match=r"trust policy: .* at line 2 column 1"):
        load(b"[1,\n]", what="trust policy")


@settings(deadline=None)
@given(VALUES)
def test_what_is_written_is_read_again_and_written_the_same(value):
    data = dumps_json(value)

    assert load(data) == value
    assert dumps_json(load(data)) == data


@settings(deadline=None)
@given(VALUES)
def test_what_we_write_any_reader_reads_the_same(value):
    assert json.loads(dumps_json(value)) == value


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_with_a_code(data):
    try:
        value = load(data)
    except (JsonFormatError, LimitExceededError):
        return
    assert json.loads(data) == value


def test_keys_are_sorted_and_nothing_is_escaped_that_need_not_be():
    assert (
        dumps_json({"b": "é", "a": [True, None]})
        == '{"a":[true,null],"b":"é"}'.encode()
    )


# ------------------------------------------------------------------ base64

NOT_CANONICAL = {
    "no padding": "YQ",
    "too much padding": "YQ===",
    "bits that nobody reads": "YR==",
    "a newline": "YQ==\n",
    "a blank": "Y Q==",
    "URL-safe": "-_8=",
    "not ASCII": "\N{FULLWIDTH LATIN CAPITAL LETTER Y}Q==",
    "padding inside": "YQ==YQ==",
}


@pytest.mark.parametrize(
    "text", [pytest.param(text, id=name) for name, text in NOT_CANONICAL.items()]
)
def test_base64_that_nobody_would_write_is_refused(text):
    with pytest.raises(Base64FormatError):
        b64decode(text)


@settings(deadline=None)
@given(st.binary())
def test_bytes_have_one_encoding(data):
    assert b64decode(b64encode(data)) == data


@settings(deadline=None)
@given(st.text(alphabet="YQRZ=+/-_ \n", max_size=12))
def test_only_the_one_encoding_is_read(text):
    try:
        data = b64decode(text)
    except Base64FormatError:
        return
    assert base64.b64encode(data).decode() == text


@pytest.mark.parametrize("escapes", [0, 1, 31, 32, 33, 200])
@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (r"\ud800", False),
        (r"\\\\\ud800", False),
        (r"\\ud800", True),
        (r"\\\\ud800", True),
        (r"\ud83d\ude00", True),
    ],
)
def test_half_a_surrogate_is_found_behind_any_number_of_escapes(escapes, text, whole):
    data = b'["' + rb"\n" * escapes + text.encode() + b'"]'
    if whole:
        assert loads_json(data, max_bytes=10**4)
        return
    with pytest.raises(JsonFormatError):
        loads_json(data, max_bytes=10**4)


@given(st.binary(max_size=40))
def test_only_canonical_base64_is_decoded(data):
    text = b64encode(data)
    assert b64decode(text) == data
    for digit in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/":
        place = len(text.rstrip("=")) - 1
        other = text[:place] + digit + text[place + 1 :]
        if data and other != text:
            try:
                assert b64encode(b64decode(other)) == other
            except Base64FormatError:
                assert text.endswith("=")
