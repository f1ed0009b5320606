# SPDX-License-Identifier: Apache-2.0
"""Ask an OpenAI-compatible endpoint, and expect the worst of what comes back.

One POST to ``<url>/chat/completions``. The key goes over https, or to this machine,
and nowhere else: no redirect is followed, and no message or error repeats it. An answer
has one deadline from the first byte sent to the last received, whatever drips.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import httpx

from keys.errors import FormatError, UsageError
from keys.loopback import is_loopback
from keys.strict import dumps_json, loads_json
from trustacks.client import checked_url
from trustacks.drafting.conversation import Message
from trustacks.drafting.errors import (
    DraftProviderAnswerError,
    DraftProviderError,
    DraftProviderRefusedError,
)
from trustacks.drafting.limits import (
    CALL_SECONDS,
    CONNECT_SECONDS,
    MAX_ANSWER_BYTES,
)

T = TypeVar("T")

_OK: Final = 200
_FIRST_REFUSAL: Final = 400
_FIRST_FAULT: Final = 500
_KEY_REFUSED: Final = (401, 403)
_BUSY: Final = (429, 503)


@dataclass(frozen=True, slots=True)
class Provider:
    """A configured language-model provider.

    Attributes:
        url: The address before ``/chat/completions``.
        model: The model's name.
        key: What authorises; none for a provider on this machine.
        seconds: From the first byte sent to the last received.

    Raises:
        UsageError: Not an address, or a key that no header can hold.
        UnsafeConfigurationError: http to another machine.
    """

    url: str
    model: str
    key: str | None = field(repr=False)
    seconds: float = CALL_SECONDS

    def __post_init__(self) -> None:
        if any(mark in self.url for mark in "@?#"):  # a key may be in it: not shown
            raise UsageError("expected an address of the provider alone, got more")
        object.__setattr__(self, "url", checked_url(self.url))
        key = self.key
        if key is not None and not (key.isascii() and key.isprintable() and key):
            raise UsageError("expected a key of printable ASCII, got something else")

    def ask(self, messages: Sequence[Message]) -> str:
        """Return the text that is answered to a conversation.

        Raises:
            DraftProviderError: No answer in time.
            DraftProviderRefusedError: It refuses the key, the model or the request.
            DraftProviderAnswerError: The answer is too large, encoded, a redirect, or
                not of this API.
        """
        content = dumps_json(
            {
                "model": self.model,
                "messages": [{"role": m.role, "content": m.content} for m in messages],
            }
        )
        stop = threading.Event()
        status, headers, body = self._within(stop, lambda: self._post(content, stop))
        if status != _OK:
            raise _refusal(status, headers, self.url)
        return _content(body)

    def _within(self, stop: threading.Event, call: Callable[[], T]) -> T:
        """Run a call in a thread that is left behind when its time is over.

        A deadline between chunks would not hold: headers can drip as well.
        """
        ended: list[T | BaseException] = []
        done = threading.Event()

        def run() -> None:
            try:
                ended.append(call())
            except BaseException as error:  # noqa: BLE001 - raised by who waits
                ended.append(error)
            done.set()

        threading.Thread(target=run, daemon=True).start()
        try:
            if not done.wait(self.seconds):
                raise DraftProviderError(
                    f"expected the whole answer of {self.url} in {self.seconds:g} s",
                    hint="try again, or choose another model",
                )
        finally:
            stop.set()
        (result,) = ended
        if isinstance(result, BaseException):
            raise result
        return result

    def _post(
        self, content: bytes, stop: threading.Event
    ) -> tuple[int, httpx.Headers, bytes]:
        headers = {
            "User-Agent": "trustacks",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
        }
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        timeout = httpx.Timeout(self.seconds, connect=CONNECT_SECONDS)
        proxied = not is_loopback(httpx.URL(self.url).host)
        url = f"{self.url}/chat/completions"
        try:
            with (
                httpx.Client(timeout=timeout, trust_env=proxied) as http,
                http.stream("POST", url, content=content, headers=headers) as answer,
            ):
                body = _body(answer, stop) if answer.status_code == _OK else b""
                return answer.status_code, answer.headers, body
        except (httpx.TransportError, httpx.InvalidURL) as error:
            why = str(error).lower() or type(error).__name__
            raise DraftProviderError(
                f"no answer from {self.url}: {why}",
                hint="is the address right, and the provider running?",
            ) from error


def _body(answer: httpx.Response, stop: threading.Event) -> bytes:
    """Read the body as it arrives: what is compressed could grow without end."""
    encoding = answer.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise DraftProviderAnswerError("expected an answer as it is, got it compressed")
    body = bytearray()
    for part in answer.iter_raw():
        body += part
        if len(body) > MAX_ANSWER_BYTES:
            raise DraftProviderAnswerError(
                f"expected an answer of at most {MAX_ANSWER_BYTES} bytes, got more"
            )
        if stop.is_set():
            break
    return bytes(body)


def _refusal(status: int, headers: httpx.Headers, url: str) -> Exception:
    if status in _KEY_REFUSED:
        return DraftProviderRefusedError(
            f"expected {url} to accept the key, got status {status}",
            hint="export TRUSTACKS_DRAFT_KEY with a key of this provider",
        )
    if status in _BUSY:
        wait = headers.get("retry-after", "")
        after = f" after {wait} s" if wait.isascii() and wait.isdigit() else " later"
        return DraftProviderRefusedError(
            f"expected an answer from {url}, got status {status}",
            hint=f"it asks for patience: try again{after[:20]}",
        )
    if status >= _FIRST_FAULT:
        return DraftProviderError(f"expected an answer from {url}, got status {status}")
    if status >= _FIRST_REFUSAL:
        return DraftProviderRefusedError(
            f"expected {url} to take the request, got status {status}",
            hint="are the address and TRUSTACKS_DRAFT_MODEL right?",
        )
    return DraftProviderAnswerError(
        f"expected status 200 from {url}, got {status}",
        hint="redirects are not followed: give the address itself",
    )


def _content(body: bytes) -> str:
    try:
        value = loads_json(
            body, max_bytes=MAX_ANSWER_BYTES, what="provider's answer", floats=True
        )
    except FormatError as error:
        raise DraftProviderAnswerError(error.message) from error
    text = _first(value)
    if not isinstance(text, str):
        raise DraftProviderAnswerError(
            "expected choices[0].message.content to be a text, got something else",
            hint="is this the address of an OpenAI-compatible endpoint?",
        )
    return text


def _first(value: Any) -> Any:
    try:
        return value["choices"][0]["message"]["content"]
    except (LookupError, TypeError):
        return None
