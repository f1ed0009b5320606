# SPDX-License-Identifier: Apache-2.0
"""Words arrive as they were sent, and nothing else is taken for words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.rego.frames import HEAD, pack, unpack


@given(st.lists(st.binary()))
def test_words_arrive_as_they_were_sent(words):
    message = pack(words)
    (length,) = HEAD.unpack_from(message)
    assert length == len(message) - HEAD.size
    assert unpack(message[HEAD.size :]) == words


@given(st.binary())
def test_whatever_arrives_is_words_in_one_form_or_refused(body):
    try:
        words = unpack(body)
    except ValueError:
        return
    assert pack(words)[HEAD.size :] == body


@given(st.lists(st.binary(), min_size=1), st.data())
def test_a_message_that_was_cut_is_refused(words, data):
    body = pack(words)[HEAD.size :]
    end = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(ValueError, match="expected"):
        unpack(body[:end])
