# SPDX-License-Identifier: Apache-2.0
"""The client bounds every answer, trusts none, and shows refusals under their code."""

import httpx
import pytest

from keys.errors import (
    LimitExceededError,
    UnavailableError,
    UnsafeConfigurationError,
    UsageError,
)
from trustacks import limits
from trustacks.client import Client, checked_url, segment
from trustacks.errors import ControlPlaneRefusalError, UnexpectedAnswerError

URL = "http://127.0.0.1:8080"


def client(handler, token=None):
    return Client(URL, token=token, transport=httpx.MockTransport(handler))


def answering(status, **content):
    return client(lambda _: httpx.Response(status, **content))


PROBLEM = {
    "type": "t",
    "title": "token expired",
    "status": 401,
    "detail": "expected a live token, got an expired one",
    "code": "token-expired",
    "hint": "log in again",
    "evidence": {"expired": "2026-01-01T00:00:00Z"},
}


def test_a_refusal_keeps_its_code_hint_and_evidence():
    with pytest.raises(ControlPlaneRefusalError) as refused:
        answering(401, json=PROBLEM).get("/v1/whoami")
    assert refused.value.to_json() == {
        "code": "token-expired",
        "message": "expected a live token, got an expired one",
        "hint": "log in again",
        "evidence": {"expired": "2026-01-01T00:00:00Z"},
    }
    assert refused.value.passed_exit_code == 1


@pytest.mark.parametrize(
    ("status", "exit_code"), [(400, 1), (409, 1), (429, 3), (500, 3)]
)
def test_a_server_that_could_not_look_is_an_environment_fault(status, exit_code):
    with pytest.raises(ControlPlaneRefusalError) as refused:
        answering(status, json=PROBLEM).get("/v1/whoami")
    assert refused.value.passed_exit_code == exit_code


STRANGE = {
    "a page": (200, {"text": "<html>"}),
    "two equal keys": (200, {"content": b'{"a":1,"a":2}'}),
    "nothing": (200, {"content": b""}),
    "an error page": (502, {"text": "bad gateway"}),
    "a problem without a code": (400, {"json": {"title": "x"}}),
    "a redirect": (302, {"headers": {"location": "http://example.com"}}),
}


@pytest.mark.parametrize(("status", "content"), STRANGE.values(), ids=STRANGE)
def test_an_answer_of_something_else_is_said(status, content):
    with pytest.raises(UnexpectedAnswerError):
        answering(status, **content).get("/v1/whoami")


def test_no_answer_is_unavailable():
    def refuse(request):
        raise httpx.ConnectError("connection refused", request=request)

    with pytest.raises(UnavailableError) as refused:
        client(refuse).get("/healthz")
    assert URL in refused.value.message


def test_a_closed_port_is_unavailable():
    with Client("http://127.0.0.1:1") as api, pytest.raises(UnavailableError):
        api.get("/healthz")


@pytest.mark.parametrize("over", [0, 1])
def test_an_answer_is_bounded(over):
    body = b"x" * (limits.MAX_TIMESTAMP_BYTES + over)
    api = answering(200, content=body)
    if over:
        with pytest.raises(LimitExceededError):
            api.timestamp(b"q")
    else:
        assert api.timestamp(b"q") == body


def test_the_token_is_sent_and_the_workspace_is_one_segment():
    seen = []

    def answer(request):
        seen.append(request)
        return httpx.Response(200, json={})

    client(answer, token="tst_1").workspace("a/../b?c").show()
    assert seen[0].url.raw_path == b"/v1/workspaces/a%2F..%2Fb%3Fc"
    assert seen[0].headers["authorization"] == "Bearer tst_1"


def test_no_token_sends_none():
    seen = []

    def answer(request):
        seen.append(request)
        return httpx.Response(200, content=b"root")

    path = "/w/acme/log/checkpoint"
    assert client(answer).fetch(path, max_bytes=4) == b"root"
    assert "authorization" not in seen[0].headers
    assert seen[0].url.path == path


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_dot_segment_is_no_name(name):
    with pytest.raises(UsageError):
        segment(name)


GOOD_URLS = {
    "this machine": ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
    "this machine by name": ("http://localhost", "http://localhost"),
    "this machine, six": ("http://[::1]:80", "http://[::1]:80"),
    "another by https": ("https://policy.example.com", "https://policy.example.com"),
    "below a path": ("https://example.com/ts/", "https://example.com/ts"),
}


@pytest.mark.parametrize(("url", "kept"), GOOD_URLS.values(), ids=GOOD_URLS)
def test_addresses_that_a_token_may_go_to(url, kept):
    assert checked_url(url) == kept


BAD_URLS = {
    "http to another machine": ("http://example.com", UnsafeConfigurationError),
    "http to a name like this machine": (
        "http://localhost.example.com",
        UnsafeConfigurationError,
    ),
    "a secret in the address": ("https://u:p@example.com", UsageError),
    "no scheme": ("example.com", UsageError),
    "another scheme": ("ftp://example.com", UsageError),
    "a query": ("https://example.com?a=b", UsageError),
    "not an address": ("http://[", UsageError),
}


@pytest.mark.parametrize(("url", "error"), BAD_URLS.values(), ids=BAD_URLS)
def test_addresses_that_a_token_may_not_go_to(url, error):
    with pytest.raises(error):
        checked_url(url)


@pytest.mark.parametrize("token", ["a b", "a\nb", "ü"])
def test_a_token_cannot_break_a_header(token):
    with pytest.raises(UsageError):
        Client(URL, token=token)
