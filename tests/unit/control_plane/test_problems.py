# SPDX-License-Identifier: Apache-2.0
import logging

import pytest
from fastapi import APIRouter, FastAPI

from control_plane import errors
from control_plane.api.middleware import Boundary
from control_plane.api.problems import install
from control_plane.api.schemas.base import Base64, Request
from control_plane.api.strict import StrictRoute
from control_plane.app import body_limit
from control_plane.errors import STATUS, status_of
from keys.errors import (
    JsonFormatError,
    NotFoundError,
    StorageUnavailableError,
    TrustacksError,
    VerificationError,
)
from signer.errors import UnknownSignerError
from tests.simulators.http import AsgiClient

LIMIT = 100


class Body(Request):
    number: int
    data: Base64 = ""


def _app():
    app = FastAPI()
    router = APIRouter(route_class=StrictRoute)

    @router.post("/echo")
    def echo(body: Body) -> dict[str, int]:
        return {"number": body.number}

    @router.get("/defect")
    def defect() -> None:
        raise RuntimeError("the password is hunter2")

    @router.get("/disk")
    def disk() -> None:
        raise StorageUnavailableError("cannot write /srv/secret/place", hint="x", a=1)

    @router.get("/refused")
    def refused() -> None:
        raise VerificationError("expected a, got b", hint="try c", place=3)

    app.include_router(router)
    install(app)
    app.add_middleware(Boundary, max_bytes=lambda _: LIMIT, answered=lambda *_: None)
    return app


@pytest.fixture
def http():
    with AsgiClient(_app()) as client:
        yield client


def _problem(answer, status, code):
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"https://trustacks.com/problems/{code}"
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


def test_a_refusal_says_what_why_and_what_to_do(http):
    body = _problem(http.get("/refused"), 422, "verification")
    assert (body["detail"], body["hint"]) == ("expected a, got b", "try c")
    assert body["evidence"] == {"place": 3}


def test_a_defect_leaks_nothing_and_is_logged_with_its_id(http, caplog):
    answer = http.get("/defect", headers={"x-request-id": "abc-1"})
    body = _problem(answer, 500, "service-defect")
    assert "hunter2" not in answer.text
    assert "RuntimeError" not in answer.text
    assert body["request_id"] == "abc-1"
    assert "abc-1" in caplog.text
    assert "hunter2" in caplog.text


def test_trouble_with_our_disk_keeps_its_paths_to_itself(http, caplog):
    with caplog.at_level(logging.ERROR):
        answer = http.get("/disk")
    body = _problem(answer, 503, "storage-unavailable")
    assert "/srv" not in answer.text
    assert (body["hint"], body["evidence"]) == (None, {})
    assert "/srv/secret/place" in caplog.text


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        pytest.param(b"{", 400, "json-format", id="syntax"),
        pytest.param(b'{"number":1,"number":2}', 400, "json-format", id="key-twice"),
        pytest.param(b'{"number":NaN}', 400, "json-format", id="nan"),
        pytest.param(b'{"number":1.5}', 400, "json-format", id="fraction"),
        pytest.param(b'"\xff"', 400, "json-format", id="not-utf8"),
        pytest.param(b"[" * 70, 422, "limit-exceeded", id="too-deep"),
        pytest.param(
            b'{"number":' + b"9" * 30 + b"}", 422, "limit-exceeded", id="huge"
        ),
        pytest.param(b"[]", 422, "request-invalid", id="not-an-object"),
        pytest.param(b'{"number":"1"}', 422, "request-invalid", id="text-for-number"),
        pytest.param(b'{"number":true}', 422, "request-invalid", id="bool-for-number"),
        pytest.param(b'{"number":1,"x":2}', 422, "request-invalid", id="unknown-field"),
        pytest.param(b"{}", 422, "request-invalid", id="missing-field"),
        pytest.param(b'{"number":1,"data":"A"}', 422, "request-invalid", id="base64"),
        pytest.param(b"", 422, "request-invalid", id="no-body"),
    ],
)
def test_a_malformed_body_is_refused_with_its_reason(http, content, status, code):
    headers = {"content-type": "application/json"}
    _problem(http.post("/echo", content=content, headers=headers), status, code)


def test_a_body_of_another_type_is_refused(http):
    headers = {"content-type": "text/plain"}
    answer = http.post("/echo", content=b'{"number":1}', headers=headers)
    _problem(answer, 422, "request-invalid")


def test_what_was_sent_is_not_repeated(http):
    answer = http.post("/echo", json={"number": "tst_secret"})
    assert "tst_secret" not in answer.text


def test_unknown_paths_and_methods_are_problems_too(http):
    _problem(http.get("/nothing"), 404, "not-found")
    answer = http.delete("/refused")
    _problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize(("size", "status"), [(LIMIT, 422), (LIMIT + 1, 413)])
def test_a_body_is_bounded_by_what_it_announces(http, size, status):
    headers = {"content-type": "application/json"}
    content = b'"' + b"x" * (size - 2) + b'"'
    answer = http.post("/echo", content=content, headers=headers)
    code = "body-too-large" if status == 413 else "request-invalid"
    _problem(answer, status, code)


@pytest.mark.parametrize(("size", "status"), [(LIMIT, 422), (LIMIT + 1, 413)])
def test_a_body_is_bounded_by_what_arrives(http, size, status):
    async def pieces():
        yield b'"' + b"x" * (size - 2)
        yield b'"'

    headers = {"content-type": "application/json", "transfer-encoding": "chunked"}
    answer = http.post("/echo", content=pieces(), headers=headers)
    code = "body-too-large" if status == 413 else "request-invalid"
    _problem(answer, status, code)


def test_an_absurd_length_is_refused_without_reading(http):
    headers = {"content-length": "9" * 5000, "content-type": "application/json"}
    answer = http.post("/echo", content=b"{}", headers=headers)
    _problem(answer, 413, "body-too-large")


@pytest.mark.parametrize("offered", ["", "a b", "x" * 65, "<script>"])
def test_a_strange_request_id_is_replaced(http, offered):
    answer = http.get("/refused", headers={"x-request-id": offered})
    assert len(answer.headers["x-request-id"]) == 32
    assert answer.headers["x-request-id"] != offered


def test_a_good_request_id_is_kept(http):
    answer = http.get("/refused", headers={"x-request-id": "x" * 64})
    assert answer.headers["x-request-id"] == "x" * 64


def test_only_layers_and_releases_may_be_large():
    large = 10 * 1024 * 1024
    assert body_limit("/v1/workspaces", large) == large
    assert body_limit("/v1/workspaces/acme/releases", large) == large
    assert body_limit("/v1/workspaces/acme/attestations", large) == 1024 * 1024
    assert body_limit("/v1/workspaces/acme/attestations", 7) == 7


def test_every_error_of_ours_has_a_status():
    leaves = [
        found
        for found in vars(errors).values()
        if isinstance(found, type) and issubclass(found, TrustacksError)
    ]
    assert len(leaves) > 20
    for leaf in leaves:
        assert status_of(leaf("x")) >= 400
    assert STATUS[TrustacksError] == 500


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (JsonFormatError("x"), 400),
        (NotFoundError("x"), 404),
        (UnknownSignerError("x"), 403),
        (errors.ReleaseStaleError("x"), 409),
        (errors.TokenExpiredError("x"), 401),
        (errors.NotPermittedError("x"), 403),
        (StorageUnavailableError("x"), 503),
    ],
)
def test_the_nearest_ancestor_decides_the_status(error, status):
    assert status_of(error) == status
