# SPDX-License-Identifier: Apache-2.0
"""Every untrusted JSON and base64 text goes through here, and nothing is repaired.

``json.loads`` keeps the last of two equal keys and reads NaN; ``base64.b64decode``
skips junk and accepts non-canonical trailing bits. Both differences have let two
readers see two documents in one signature.
"""

import base64
import binascii
import json
import re
from collections import Counter
from functools import lru_cache, partial
from typing import Any, Final

from keys.errors import Base64FormatError, JsonFormatError, LimitExceededError

# Deeper than any document of ours (7), and far below Python's recursion limit.
MAX_JSON_DEPTH: Final = 64
# 2**53 - 1: what every other reader (JavaScript, protobuf's JSON) holds exactly.
MAX_JSON_INTEGER: Final = 9_007_199_254_740_991

# Decoders kept, one for each name of a text in a message: making one takes as long as
# decoding a short text.
_KEPT_DECODERS: Final = 64

# The longest accepted integer: a sign and 16 digits. int() on long text is quadratic.
_MAX_INTEGER_CHARS: Final = 17

# One without an end reaches to the end: a match that failed would be tried again at
# every quote in it, in quadratic time.
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_ESCAPED_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
# RFC 4648 table 1: the digits whose last two, and last four, bits are zero.
_TWO_ZEROS: Final = "AEIMQUYcgkosw048"
_FOUR_ZEROS: Final = "AQgw"
# A checkpoint in a bundle has a line break in each of eight lines.
_FEW_ESCAPES: Final = 32
_NOT_BRACKETS: Final = bytes(b for b in range(256) if b not in b"[]{}")


def loads_json(
    data: bytes, *, max_bytes: int, what: str = "document", floats: bool = False
) -> Any:
    """Parse strict JSON (RFC 8259, I-JSON RFC 7493 §2).

    Args:
        data: The bytes, UTF-8 without a byte order mark.
        max_bytes: The bound on ``data``, bytes.
        what: What the text is, for messages.
        floats: Whether fractions are allowed (proposals; never signed documents).

    Raises:
        LimitExceededError: Too large, too deep, or an integer beyond 2**53 - 1.
        JsonFormatError: Syntax, encoding, duplicate key, NaN, a float, or a text that
            is not Unicode (half a surrogate pair).
    """
    if len(data) > max_bytes:
        raise LimitExceededError(
            f"{what}: expected at most {max_bytes} bytes, got {len(data)}"
        )
    _refuse_depth(data, what)
    try:
        value = _decoder(what, floats=floats).decode(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise JsonFormatError(
            f"{what}: expected UTF-8, got byte {error.start}"
        ) from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise JsonFormatError(f"{what}: {error.msg} at {place}") from error
    if _may_have_surrogates(data):
        _refuse_surrogates(value, what)
    return value


def dumps_json(value: Any) -> bytes:
    """Write canonical JSON: sorted keys, no blanks, UTF-8.

    Equal to RFC 8785 for what we write: ASCII keys, no floats.
    """
    text = json.dumps(
        value,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )
    return text.encode("utf-8")


def b64encode(data: bytes) -> str:
    """Encode in the standard alphabet with padding (RFC 4648 §4)."""
    return base64.b64encode(data).decode("ascii")


def b64decode(text: str, *, what: str = "value") -> bytes:
    """Decode canonical base64 (RFC 4648 §4, §3.5): no junk, no stray bits.

    Raises:
        Base64FormatError: Anything that ``b64encode`` would not have written.
    """
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise Base64FormatError(
            f"{what}: expected base64, got {text[:40]!r}"
        ) from error
    # Only the last group of a text without junk can have bits that no byte has, and it
    # is padded then: the last digit has two of them, or four.
    if text[-1:] == "=" and (
        text[-3] not in _FOUR_ZEROS if text[-2] == "=" else text[-2] not in _TWO_ZEROS
    ):
        raise Base64FormatError(f"{what}: expected canonical base64, got {text[:40]!r}")
    return data


@lru_cache(_KEPT_DECODERS)
def _decoder(what: str, *, floats: bool) -> json.JSONDecoder:
    """Return a decoder for texts of one name; it keeps nothing of what it decodes."""
    return json.JSONDecoder(
        object_pairs_hook=partial(_unique, what),
        parse_constant=partial(_refuse, what),
        parse_float=float if floats else partial(_refuse, what),
        parse_int=partial(_integer, what),
    )


def _unique(what: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise JsonFormatError(f"{what}: expected unique keys, got {twice!r} twice")
    return value


def _refuse(what: str, name: str) -> Any:
    raise JsonFormatError(f"{what}: expected integers only, got {name}")


def _may_have_surrogates(data: bytes) -> bool:
    """Return whether there is an escape of half a pair; few texts have an escape."""
    place = data.find(b"\\")
    for _ in range(_FEW_ESCAPES):
        if place < 0 or _ESCAPED_SURROGATE.match(data, place):
            return place >= 0
        place = data.find(b"\\", place + 2)  # what it escapes begins no escape
    return _ESCAPED_SURROGATE.search(data) is not None


def _refuse_surrogates(value: Any, what: str) -> None:
    """RFC 7493 §2.1: strings "MUST NOT include [...] Surrogates"; UTF-8 has none."""
    try:
        dumps_json(value)
    except UnicodeEncodeError as error:
        raise JsonFormatError(
            f"{what}: expected Unicode text, got half a surrogate pair"
        ) from error


def _integer(what: str, digits: str) -> int:
    if len(digits) > _MAX_INTEGER_CHARS or abs(int(digits)) > MAX_JSON_INTEGER:
        raise LimitExceededError(
            f"{what}: expected integers up to 2**53 - 1, got {digits[:24]}"
        )
    return int(digits)


def _has_few_brackets(data: bytes) -> bool:
    """Return whether fewer open than may be nested; stops at the first too many."""
    left = MAX_JSON_DEPTH
    for bracket in (b"{", b"["):
        place = data.find(bracket)
        while place >= 0:
            left -= 1
            if left < 0:
                return False
            place = data.find(bracket, place + 1)
    return True


def _refuse_depth(data: bytes, what: str) -> None:
    """Refuse nesting before the recursive parser sees it."""
    if _has_few_brackets(data):
        return
    depth = 0
    for byte in _STRING.sub(b"", data).translate(None, delete=_NOT_BRACKETS):
        depth += 1 if byte in b"[{" else -1
        if depth > MAX_JSON_DEPTH:
            raise LimitExceededError(
                f"{what}: expected at most {MAX_JSON_DEPTH} levels, got more"
            )
