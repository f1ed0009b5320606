# SPDX-License-Identifier: Apache-2.0
"""A provider that answers badly in every way holds nothing up and learns nothing."""

import threading
import time
import traceback

import pytest

from keys.errors import UnsafeConfigurationError, UsageError
from tests.simulators.provider import (
    ProviderSimulator,
    body,
    completion,
    endless,
    forever,
    says,
    zipped,
)
from trustacks.drafting.conversation import Message
from trustacks.drafting.errors import (
    DraftProviderAnswerError,
    DraftProviderError,
    DraftProviderRefusedError,
)
from trustacks.drafting.limits import MAX_ANSWER_BYTES
from trustacks.drafting.provider import Provider

ASKED = (Message("system", "s"), Message("user", "u"))
KEY = "sk-never-to-be-seen"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def ask(simulator, seconds=20.0):
    return Provider(simulator.url, "m", KEY, seconds).ask(ASKED)


def test_the_key_model_and_messages_arrive_and_the_text_comes_back():
    with ProviderSimulator(says("hello")) as simulator:
        assert ask(simulator) == "hello"
    ((path, headers, sent),) = simulator.requests
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["accept-encoding"] == "identity"
    assert sent == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "u"},
        ],
    }


def test_without_a_key_none_is_sent():
    with ProviderSimulator(says("x")) as simulator:
        Provider(simulator.url, "m", None).ask(ASKED)
    assert "authorization" not in simulator.requests[0][1]


BAD = {
    "not JSON": body(b"<html>busy</html>"),
    "no bytes": body(b""),
    "a list": body(b"[]"),
    "no choices": body(b'{"choices": []}'),
    "null content": says(None),
    "content that is no text": says({"rule": "x"}),
    "a key twice": body(b'{"choices": [], "choices": [1]}'),
    "invalid UTF-8": body(completion("x").replace(b'"x"', b'"\xff"')),
    "half a surrogate pair": body(completion("x").replace(b'"x"', b'"\\ud800"')),
    "NaN": body(b'{"choices": NaN}'),
    "nesting": body(b"[" * 100_000 + b"]" * 100_000),
    "too large": body(completion("x" * MAX_ANSWER_BYTES)),
    "never ending": endless(OK, forever(b" " * 65_536)),
    "never ending chunks": endless(
        CHUNKED, forever(b"10000\r\n" + b" " * 65536 + b"\r\n")
    ),
    "gzip": zipped(completion("x")),
    "a gzip bomb": zipped(b" " * 50_000_000),
    "a redirect": body(b"", status=307, Location="http://127.0.0.1:9/v1"),
    "a created": body(completion("x"), status=201),
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD.keys())
def test_what_is_no_answer_is_refused(answer):
    with ProviderSimulator(answer) as simulator:
        with pytest.raises(DraftProviderAnswerError) as refused:
            ask(simulator)
        assert len(simulator.requests) == 1  # nothing followed, nothing tried again
    assert refused.value.exit_code == 3


@pytest.mark.parametrize(
    "answer",
    [
        endless(OK, forever(b" ")),
        endless(b"HTTP/1.1 200 OK\r\nX-Slow: ", forever(b"a")),
        endless(b"", forever(b"H")),
        endless(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", forever(b"")),
    ],
    ids=["a body", "headers", "a status line", "silence"],
)
def test_what_drips_ends_by_the_deadline(answer):
    with ProviderSimulator(answer) as simulator:
        began = time.monotonic()
        with pytest.raises(DraftProviderError, match="whole answer"):
            ask(simulator, seconds=0.5)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "answer",
    [
        endless(b"", lambda: iter(())),
        endless(b"nonsense\r\n\r\n", lambda: iter(())),
        endless(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", lambda: iter(())),
        body(b"", status=500),
        body(b"", status=503 - 1),
    ],
    ids=["closes", "is not HTTP", "closes early", "500", "502"],
)
def test_no_answer_is_the_environments_fault(answer):
    with (
        ProviderSimulator(answer) as simulator,
        pytest.raises(DraftProviderError) as refused,
    ):
        ask(simulator)
    assert (refused.value.code, refused.value.exit_code) == ("draft-provider", 3)


@pytest.mark.parametrize(
    ("status", "headers", "hint"),
    [
        (401, {}, "TRUSTACKS_DRAFT_KEY"),
        (403, {}, "TRUSTACKS_DRAFT_KEY"),
        (404, {}, "TRUSTACKS_DRAFT_MODEL"),
        (429, {"Retry_After": "17"}, "again after 17 s"),
        (429, {"Retry_After": "\x1b[2Jnow"}, "again later"),
        (429, {}, "again later"),
        (503, {"Retry_After": "5"}, "again after 5 s"),
    ],
)
def test_a_refusal_says_what_to_do_and_is_not_tried_again(status, headers, hint):
    with ProviderSimulator(body(b"{}", status=status, **headers)) as simulator:
        with pytest.raises(DraftProviderRefusedError) as refused:
            ask(simulator)
        assert len(simulator.requests) == 1
    assert hint in (refused.value.hint or "")


def test_what_is_compressed_is_said_to_be():
    refused = pytest.raises(DraftProviderAnswerError, match="compressed")
    with ProviderSimulator(zipped(completion("x"))) as simulator, refused:
        ask(simulator)


def test_a_redirect_is_said_to_be_one():
    refused = pytest.raises(DraftProviderAnswerError, match="got 307")
    with ProviderSimulator(BAD["a redirect"]) as simulator, refused:
        ask(simulator)


def test_nobody_there_is_said():
    with ProviderSimulator(says("x")) as simulator:
        url = simulator.url
    with pytest.raises(DraftProviderError, match="no answer from"):
        Provider(url, "m", KEY).ask(ASKED)


def test_a_key_does_not_travel_in_the_open():
    with pytest.raises(UnsafeConfigurationError):
        Provider("http://models.example.com/v1", "m", KEY)
    with pytest.raises(UnsafeConfigurationError):
        Provider("http://127.0.0.1.example.com/v1", "m", KEY)


@pytest.mark.parametrize("mark", ["//u:sk-x@h.example/v1", "//h.example/v1?key=sk-x"])
def test_an_address_with_a_key_in_it_is_refused_and_not_repeated(mark):
    with pytest.raises(UsageError) as refused:
        Provider(f"https:{mark}", "m", None)
    assert "sk-x" not in str(refused.value.to_json())


def test_a_key_that_no_header_holds_is_refused_and_not_repeated():
    with pytest.raises(UsageError) as refused:
        Provider("https://models.example.com/v1", "m", "sk-x\r\nX: y")
    assert "sk-x" not in str(refused.value.to_json())


def test_no_error_and_no_representation_has_the_key():
    for answer in (*BAD.values(), body(b"", status=401), body(b"", status=500)):
        with ProviderSimulator(answer) as simulator:
            provider = Provider(simulator.url, "m", KEY)
            assert KEY not in repr(provider)
            with pytest.raises(Exception) as refused:  # noqa: PT011 - any of them
                provider.ask(ASKED)
        shown = "".join(traceback.format_exception(refused.value))
        assert KEY not in shown + str(refused.value.to_json())


def test_a_proxy_is_not_asked_about_this_machine(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with ProviderSimulator(says("direct")) as simulator:
        assert ask(simulator) == "direct"


def test_threads_of_ended_calls_end():
    before = threading.active_count()
    with ProviderSimulator(says("x")) as simulator:
        for _ in range(5):
            ask(simulator)
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    assert threading.active_count() <= before
