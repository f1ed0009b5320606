# SPDX-License-Identifier: Apache-2.0
"""Attack: small documents that take a strict reader far longer than their size.

A reader that needs quadratic time would need minutes for each of these; the bound is a
hundred times what a linear one takes on a busy machine.
"""

import time

import pytest

from keys.errors import JsonFormatError, LimitExceededError
from keys.strict import MAX_JSON_DEPTH, loads_json

DEEP = b"[" * (MAX_JSON_DEPTH + 1)
SECONDS = 5.0

BOMBS = {
    "quotes that each begin a string without an end": (
        DEEP + b'\\"' * 500_000,
        LimitExceededError,
    ),
    "the same below the depth": (
        b'["' + b"[" * MAX_JSON_DEPTH + b'\\"' * 500_000,
        JsonFormatError,
    ),
    "a string that ends in a backslash": (
        DEEP[1:] + b'{"' + b"a" * 500_000 + b"\\",
        LimitExceededError,
    ),
    "many keys, and the last of them twice": (
        b"{" + b",".join(b'"%d":0' % n for n in range(60_000)) + b',"59999":0}',
        JsonFormatError,
    ),
}


@pytest.mark.parametrize(
    ("data", "error"), [pytest.param(*row, id=name) for name, row in BOMBS.items()]
)
def test_a_refusal_takes_no_longer_than_the_document_is_long(data, error):
    begun = time.process_time()

    with pytest.raises(error) as refused:
        loads_json(data, max_bytes=len(data))

    assert refused.value.code == error.code
    assert time.process_time() - begun < SECONDS
