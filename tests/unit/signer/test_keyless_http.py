# SPDX-License-Identifier: Apache-2.0
"""A request to a service: bounded, tried again where that helps, nowhere else sent."""

import time

import pytest

from signer.keyless import limits
from signer.keyless.errors import (
    STAMPING,
    StampingAnswerError,
    StampingRefusedError,
    StampingSlowError,
    StampingUnavailableError,
)
from signer.keyless.http import Http
from tests.simulators.sigstore_http import (
    TSA,
    SigstoreHttp,
    drip,
    drip_without_length,
    hang_up,
    silent,
    status,
)


@pytest.fixture
def instance():
    with SigstoreHttp().serving() as running:
        yield running


def asked(instance, *faults, **settings):
    """Post to the authority; return what came, and the waits between tries."""
    waits = []
    instance.faults["tsa"] = list(faults)
    http = Http(wait=waits.append, **settings)
    try:
        kind = "application/timestamp-query"
        answer = http.post(
            f"{instance.url}{TSA}", b"not a request", kind=kind, refusals=STAMPING
        )
    except Exception as error:  # noqa: BLE001 - the test says which
        return error, waits
    return answer, waits


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_what_passes_is_tried_again(instance, code):
    answer, waits = asked(instance, status(code), hang_up, status(200, b"good"))
    assert answer.body == b"good"
    assert len(waits) == 2
    assert 0 < waits[0] <= limits.FIRST_WAIT_S < waits[1] + limits.FIRST_WAIT_S


def test_waits_grow_and_have_an_end(instance):
    error, waits = asked(instance, *[status(503)] * 9)
    assert isinstance(error, StampingUnavailableError)
    assert error.evidence == {"status": 503}
    assert len(waits) == limits.MAX_TRIES - 1 == instance.count("tsa") - 1
    assert all(0 < w <= limits.FIRST_WAIT_S * 2**i for i, w in enumerate(waits))


@pytest.mark.parametrize("code", [300, 302, 307, 400, 401, 403, 404, 409, 501])
def test_a_refusal_is_final_and_a_redirect_is_one(instance, code):
    elsewhere = f"{instance.url}/elsewhere"
    error, waits = asked(instance, status(code, b"no\n because", location=elsewhere))
    assert isinstance(error, StampingRefusedError)
    assert error.message.endswith(f"got status {code}: no because")
    assert waits == []
    assert instance.asked == [TSA]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"code":"x","detail":"no such token","hint":null}', "no such token"),
        (b'{"code":3,"message":"bad\\nkey","details":[]}', "bad key"),
        (b'{"detail":7}', '{"detail":7}'),
        (b'["no"]', '["no"]'),
        (b'{"detail":"twice","detail":"no"}', '{"detail":"twice","detail":"no"}'),
        (b"[" * 500, "[" * 200),
        (b"\xff", "\ufffd"),
        (b"", "no reason"),
    ],
)
def test_a_refusal_is_shown_without_what_wraps_it(instance, body, shown):
    error, _ = asked(instance, status(400, body))
    assert error.message.endswith(f"got status 400: {shown}")


def test_a_service_may_say_how_long_to_wait(instance):
    _, waits = asked(instance, status(429, retry_after="7"), status(200))
    assert waits == [7.0]


@pytest.mark.parametrize("said", ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "9" * 40, ""])
def test_another_way_to_say_so_is_passed_over(instance, said):
    _, waits = asked(instance, status(429, retry_after=said), status(200))
    assert 0 < waits[0] <= limits.FIRST_WAIT_S


def test_nobody_waits_beyond_the_end(instance):
    error, waits = asked(instance, status(429, retry_after="99999"))
    assert isinstance(error, StampingUnavailableError)
    assert waits == []


@pytest.mark.parametrize("fault", [silent, drip, drip_without_length])
def test_a_service_that_takes_too_long_is_left(instance, fault):
    began = time.monotonic()
    error, _ = asked(instance, *[fault] * 9, request_s=0.2, service_s=0.7)
    assert isinstance(error, StampingSlowError)
    assert time.monotonic() - began < 3


def test_nobody_is_there():
    instance = SigstoreHttp(url="http://127.0.0.1:1")
    error, waits = asked(instance)
    assert isinstance(error, StampingUnavailableError)
    assert len(waits) == limits.MAX_TRIES - 1


def test_an_answer_has_a_bound(instance):
    most = limits.MAX_ANSWER_BYTES
    assert len(asked(instance, status(200, b"x" * most))[0].body) == most
    error, _ = asked(instance, status(200, b"x" * (most + 1)))
    assert isinstance(error, StampingAnswerError)
