# SPDX-License-Identifier: Apache-2.0
"""Calls to the Control Plane's API, typed, bounded, and nothing trusted on the way.

The client checks the form of an answer, not its truth: what is believed is verified by
``signer`` and ``bundle`` against a pinned root. A token travels only over https, or
over http to this machine. Redirects are not followed.
"""

import types
from collections.abc import Mapping
from typing import Any, Final, Self
from urllib.parse import quote, urlencode

import httpx

from keys.errors import (
    FormatError,
    LimitExceededError,
    UnavailableError,
    UnsafeConfigurationError,
    UsageError,
)
from keys.loopback import is_loopback
from keys.strict import b64encode, dumps_json, loads_json
from trustacks.answers import bytes_of
from trustacks.errors import ControlPlaneRefusalError, UnexpectedAnswerError
from trustacks.limits import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    MAX_ANSWER_BYTES,
    MAX_TIMESTAMP_BYTES,
)

_FIRST_ERROR: Final = 400
# From here on the Control Plane could not look; below, it looked and refused.
_FIRST_SERVER_ERROR: Final = 500
_TOO_MANY_REQUESTS: Final = 429
_ENVIRONMENT: Final = 3


class Client:
    """The Control Plane's API.

    Args:
        url: Its address, such as ``https://policy.example.com``.
        token: The bearer token, or None for what needs none.
        transport: Where requests go; tests give ``httpx.MockTransport``.

    Raises:
        UsageError: Not an http or https address.
        UnsafeConfigurationError: http to another machine.

    Every call raises ``UnavailableError`` when there is no answer,
    ``ControlPlaneRefusalError`` with the Control Plane's own code when it refuses, and
    ``UnexpectedAnswerError`` for an answer that is not of this API.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = checked_url(url)
        headers = {"User-Agent": "trustacks", "Accept": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {_header_text(token)}"
        self._http = httpx.Client(
            base_url=self.url,
            headers=headers,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            transport=transport,
            trust_env=not is_loopback(httpx.URL(self.url).host),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: types.TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, path: str, **query: str) -> Any:
        """Return the JSON answer to a GET."""
        return _json(self._call("GET", path, query=query))

    def post(self, path: str, value: Any) -> Any:
        """Return the JSON answer to a POST of a JSON value."""
        content = dumps_json(value)
        kind = "application/json"
        return _json(self._call("POST", path, content=content, kind=kind))

    def form(self, path: str, values: Mapping[str, str]) -> Any:
        """Return the JSON answer to a POST of a form, as OAuth's endpoints take it."""
        content = urlencode(values).encode()
        kind = "application/x-www-form-urlencoded"
        return _json(self._call("POST", path, content=content, kind=kind))

    def delete(self, path: str) -> None:
        """Delete."""
        self._call("DELETE", path)

    def workspace(self, name: str) -> "WorkspaceApi":
        """Return the part of the API that belongs to a workspace."""
        return WorkspaceApi(self, name)

    def timestamp(self, request: bytes) -> bytes:
        """Return the RFC 3161 answer to a DER request."""
        return self._call(
            "POST",
            "/api/v1/timestamp",
            content=request,
            kind="application/timestamp-query",
            max_bytes=MAX_TIMESTAMP_BYTES,
        )

    def fetch(self, path: str, *, max_bytes: int) -> bytes:
        """Return the bytes at a path."""
        return self._call("GET", path, max_bytes=max_bytes)

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        content: bytes | None = None,
        kind: str | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> bytes:
        headers = {"Content-Type": kind} if kind else None
        try:
            with self._http.stream(
                method, path, params=query or None, content=content, headers=headers
            ) as answer:
                body = _bounded(answer, max_bytes)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            why = str(error).lower() or type(error).__name__
            raise UnavailableError(
                f"no answer from {self.url}: {why}",
                hint="is the address right, and the Control Plane running?",
            ) from error
        if answer.status_code >= _FIRST_ERROR or answer.is_redirect:
            raise _refusal(answer.status_code, body)
        return body


class WorkspaceApi:
    """The calls below ``/v1/workspaces/{name}``.

    Args:
        client: The API.
        name: The workspace's name.
    """

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.name = name
        self._base = f"/v1/workspaces/{segment(name)}"

    def show(self) -> Any:
        """Return the workspace: its id, form, root to pin, and log."""
        return self.client.get(self._base)

    def get(self, path: str, **query: str) -> Any:
        """Return the JSON answer to a GET below the workspace."""
        return self.client.get(f"{self._base}{path}", **query)

    def post(self, path: str, value: Any) -> Any:
        """Return the JSON answer to a POST below the workspace."""
        return self.client.post(f"{self._base}{path}", value)

    def delete(self, path: str) -> None:
        """Delete below the workspace."""
        self.client.delete(f"{self._base}{path}")

    def log(self, attestation: bytes) -> bytes:
        """Submit an attestation to the log; return it completed by its entry."""
        answer = self.post("/attestations", {"attestation": b64encode(attestation)})
        return bytes_of(answer, "attestation")

    def pack(self, *, max_bytes: int) -> bytes:
        """Return the workspace's evidence pack."""
        return self.client.fetch(f"{self._base}/audit/pack", max_bytes=max_bytes)


def checked_url(url: str) -> str:
    """Return an address that a token may be sent to, without a trailing slash.

    Raises:
        UsageError: Not an http or https address, or one that holds more.
        UnsafeConfigurationError: http to another machine.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise UsageError(f"expected an address, got {url!r}") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.userinfo:
        raise UsageError(
            f"expected an address like https://policy.example.com, got {url!r}"
        )
    if parsed.query or parsed.fragment:
        raise UsageError(f"expected an address without query or fragment, got {url!r}")
    if parsed.scheme == "http" and not is_loopback(parsed.host):
        raise UnsafeConfigurationError(
            f"expected https to {parsed.host}, got http: a token would be readable",
            hint="http is allowed only to this machine",
        )
    return url.rstrip("/")


def segment(text: str) -> str:
    """Return ``text`` as one segment of a path, whatever it holds.

    Raises:
        UsageError: Empty, or a dot segment, which a server would resolve.
    """
    if text in {"", ".", ".."}:
        raise UsageError(f"expected a name, got {text!r}")
    return quote(text, safe="")


def _header_text(token: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError("expected a token of printable ASCII, got something else")
    return token


def _bounded(answer: httpx.Response, max_bytes: int) -> bytes:
    body = bytearray()
    for part in answer.iter_bytes():
        body += part
        if len(body) > max_bytes:
            raise LimitExceededError(
                f"answer: expected at most {max_bytes} bytes, got more"
            )
    return bytes(body)


def _json(body: bytes) -> Any:
    try:
        return loads_json(body, max_bytes=MAX_ANSWER_BYTES, what="answer")
    except FormatError as error:
        raise UnexpectedAnswerError(
            error.message, hint="is this the address of a Control Plane?"
        ) from error


def _refusal(status: int, body: bytes) -> Exception:
    """Read a problem document (RFC 9457) as an error with its code."""
    try:
        problem = loads_json(body, max_bytes=MAX_ANSWER_BYTES, what="problem")
    except FormatError:
        problem = None
    if not isinstance(problem, dict) or not isinstance(problem.get("code"), str):
        return UnexpectedAnswerError(
            f"expected a problem document with status {status}, got something else",
            hint="is this the address of a Control Plane?",
        )
    could_not_look = status >= _FIRST_SERVER_ERROR or status == _TOO_MANY_REQUESTS
    hint = problem.get("hint")
    # RFC 6749 §5.2 has another word for it than RFC 9457.
    detail = problem.get("detail") or problem.get("error_description")
    evidence = problem.get("evidence")
    return ControlPlaneRefusalError(
        str(detail or problem.get("title") or "refused"),
        passed_code=problem["code"],
        exit_code=_ENVIRONMENT if could_not_look else 1,
        hint=hint if isinstance(hint, str) else None,
        **(evidence if isinstance(evidence, dict) else {}),
    )
