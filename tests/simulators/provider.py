# SPDX-License-Identifier: Apache-2.0
"""An OpenAI-compatible endpoint on loopback that answers as it is told, mostly badly."""

import contextlib
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

# Writes an answer to a request; the connection closes behind it.
Answer = Callable[["_Handler"], None]


class ProviderSimulator:
    """A provider.

    Attributes:
        url: Its address, as a person would configure it.
        requests: What was asked: path, headers, body.
        answers: What is still to be answered; the last one is for ever.
    """

    def __init__(self, *answers: Answer) -> None:
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.answers = list(answers)
        self.stopped = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.simulator = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def said(self, number: int) -> str:
        """Return the last message of a request."""
        return str(self.requests[number][2]["messages"][-1]["content"])

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        simulator = self.server.simulator
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        simulator.requests.append((self.path, headers, json.loads(body)))
        answers = simulator.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        with contextlib.suppress(OSError):
            answer(self)
        self.close_connection = True

    def do_GET(self) -> None:
        self.server.simulator.requests.append((self.path, {}, None))

    def log_message(self, *_: object) -> None:
        pass

    def wait(self) -> bool:
        """Wait a moment; say whether there is still somebody to annoy."""
        return not self.server.simulator.stopped.wait(0.02)


def completion(text: Any) -> bytes:
    """Return the body that a provider sends around a message."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": 0.5}
    return json.dumps({"id": "x", "created": 1, "choices": [choice]}).encode()


def says(text: Any) -> Answer:
    """Answer with a message, as a provider does."""
    return body(completion(text))


def body(data: bytes, *, status: int = 200, **headers: str) -> Answer:
    """Answer with these bytes."""

    def answer(handler: _Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def zipped(data: bytes) -> Answer:
    """Answer compressed, whatever was accepted."""
    return body(gzip.compress(data), Content_Encoding="gzip")


def endless(head: bytes, parts: Callable[[], Iterator[bytes]]) -> Answer:
    """Answer with a beginning, and then with parts as long as anybody listens."""

    def answer(handler: _Handler) -> None:
        handler.wfile.write(head)
        for part in parts():
            handler.wfile.write(part)
            handler.wfile.flush()
            if len(part) == 1 and not handler.wait():
                return
            if handler.server.simulator.stopped.is_set():
                return

    return answer


def forever(part: bytes) -> Callable[[], Iterator[bytes]]:
    """Repeat a part."""

    def parts() -> Iterator[bytes]:
        while True:
            yield part

    return parts
