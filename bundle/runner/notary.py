# SPDX-License-Identifier: Apache-2.0
"""The Runner's key, and the Control Plane as the notary of its reports, over HTTP.

The key is made in the Runner's directory and never leaves it; admins enrol its public
half, for reporting only (DESIGN 9, Runners' keys).
"""

import secrets
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import urllib3
from tuf.api.exceptions import DownloadError

from bundle.limits import REQUEST_DEADLINE_S, SOCKET_TIMEOUT_S
from bundle.runner.errors import ReportRefusedError
from bundle.runner.state import KEY_FILE
from bundle.tuf.http import read_chunks
from keys.deadline_pools import deadline_pools
from keys.durable import make_directory
from keys.errors import FormatError, UnavailableError
from keys.fields import Fields
from keys.providers import open_signing_key
from keys.providers.encfile import create_key
from keys.signing import SigningKey
from keys.strict import b64decode, b64encode, dumps_json, loads_json
from signer.limits import MAX_ATTESTATION_BYTES, MAX_TOKEN_BYTES
from signer.timestamp.request import build_request, parse_response

_OK: Final = range(200, 300)
_NONCE_BITS: Final = 64


def open_runner_key(directory: Path, passphrase: str) -> SigningKey:
    """Open the Runner's key in its state directory; make it the first time.

    Raises:
        KeyProviderError: It is there and cannot be opened.
        StorageError: It cannot be stored.
    """
    make_directory(directory, mode=0o700)
    path = directory / KEY_FILE
    if not path.exists():
        create_key(path, passphrase)
    return open_signing_key(f"encfile:{path}", lambda _: passphrase)


class HttpNotary:
    """Timestamps and logs a Runner's reports; each request ends by its deadline.

    Args:
        url: The Control Plane, such as ``https://host``.
        workspace: The workspace's name there.
        runner: The Runner's id.
        token: A token of role ``runner``.
        deadline_s: For a whole request, from connecting to the last byte.
    """

    def __init__(
        self,
        *,
        url: str,
        workspace: str,
        runner: str,
        token: str,
        deadline_s: float = REQUEST_DEADLINE_S,
    ) -> None:
        self._url = url.rstrip("/")
        self._path = f"/v1/workspaces/{workspace}/runners/{runner}/reports"
        self._token = token
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(SOCKET_TIMEOUT_S), retries=False
        )
        self._pool.pool_classes_by_scheme = deadline_pools(deadline_s)

    def timestamp(self, signature: bytes) -> bytes:
        """Return an RFC 3161 response over the signature.

        Raises:
            UnavailableError: The Control Plane does not answer.
            TrustacksError: It refuses.
        """
        nonce = secrets.randbits(_NONCE_BITS)
        request = build_request(signature, nonce=nonce)
        kind = "application/timestamp-query"
        response = self._post("/api/v1/timestamp", request, kind, MAX_TOKEN_BYTES)
        return parse_response(response, nonce=nonce)

    def log(self, attestation: bytes) -> bytes:
        """Deliver a report and return it with its log entry.

        Raises:
            UnavailableError: The Control Plane does not answer.
            ReportRefusedError: It refuses.
            FormatError: It answers something else.
        """
        body = dumps_json({"attestation": b64encode(attestation)})
        bound = 2 * MAX_ATTESTATION_BYTES
        answer = self._post(self._path, body, "application/json", bound)
        value = loads_json(answer, max_bytes=bound, what="report answer")
        text = value.get("attestation") if isinstance(value, dict) else None
        if not isinstance(text, str):
            raise FormatError("report answer: expected an attestation, got none")
        return b64decode(text, what="report answer")

    def _post(self, path: str, body: bytes, kind: str, max_bytes: int) -> bytes:
        headers = {"Content-Type": kind, "Authorization": f"Bearer {self._token}"}
        try:
            response = self._pool.request(
                "POST",
                f"{self._url}{path}",
                body=body,
                headers=headers,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            data = _read(response, path, max_bytes)
        except (urllib3.exceptions.HTTPError, DownloadError) as error:
            raise UnavailableError(f"cannot reach {self._url}: {error}") from error
        if response.status not in _OK:
            raise _refused(path, response.status, data)
        return data


def _read(response: urllib3.BaseHTTPResponse, path: str, max_bytes: int) -> bytes:
    data = bytearray()
    with closing(read_chunks(response, path)) as chunks:
        for chunk in chunks:
            data += chunk
            if len(data) > max_bytes:
                raise FormatError(
                    f"{path}: expected at most {max_bytes} bytes, got more"
                )
    return bytes(data)


def _refused(path: str, status: int, data: bytes) -> ReportRefusedError:
    """Name the problem's own code, if it is a problem document (RFC 9457)."""
    code = "none"
    try:
        value: Any = loads_json(data, max_bytes=65_536, what="problem")
        code = Fields(value, "problem").text("code", max_chars=64)
    except FormatError:
        pass
    return ReportRefusedError(
        f"{path}: expected success, got {status} [{code}]", refusal=code
    )
