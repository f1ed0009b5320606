# SPDX-License-Identifier: Apache-2.0
"""The sign API: keyed, stamped, logged and durable, for many clients at once.

A server of its own process, ``CLIENTS`` connections that each ask again as soon as they
have an answer, all on this machine. Beside it stands the log alone: as many threads,
the same storage and the same bodies, without HTTP, keys and registry.
"""

import http.client
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.measure import Rate, Row, Taken
from bundle.storage.directory import DirectoryStorage
from control_plane.log.writer import Log
from keys.digest import Digest
from signer.predicates.base import ARTIFACT
from signer.tlog.entry import hashedrekord_body
from tests.simulators.memory_key import MemoryKey
from tests.simulators.plane import Plane, planted
from trustacks.client import Client

CLIENTS = 32
ROUNDS = 100
WARM = 10
# Signatures per second, and seconds, of issue 5.
GOAL = 300
P99 = 0.250


def rows() -> Iterator[Row | Rate]:
    with tempfile.TemporaryDirectory() as folder, planted(Path(folder)) as plane:
        sign = _signer(plane)
        _rounds(sign, WARM)
        rate, slowest = _rounds(sign, ROUNDS)
    yield Rate(f"sign API, {CLIENTS} clients, durable", rate, "signatures/s", GOAL)
    late = Taken(slowest, 0.0)
    yield Row(f"sign API, {CLIENTS} clients, p99", late, None, "under", P99)
    with tempfile.TemporaryDirectory() as folder:
        rate, _ = _rounds(_logger(Path(folder)), ROUNDS)
    yield Rate(f"the log alone, {CLIENTS} threads, durable", rate, "leaves/s", None)


def _rounds(work: Callable[[int], object], rounds: int) -> tuple[float, float]:
    """Have every client do ``rounds`` of work; return how many per second, and p99."""
    ready = threading.Barrier(CLIENTS + 1)

    def client(number: int) -> list[float]:
        ready.wait()
        return [_timed(work, number) for _ in range(rounds)]

    with ThreadPoolExecutor(CLIENTS) as pool:
        working = [pool.submit(client, number) for number in range(CLIENTS)]
        ready.wait()
        start = time.perf_counter()
        spent = sorted(one for each in working for one in each.result())
        wall = time.perf_counter() - start
    return len(spent) / wall, spent[len(spent) * 99 // 100]


def _timed(work: Callable[[int], object], number: int) -> float:
    start = time.perf_counter()
    work(number)
    return time.perf_counter() - start


def _signer(plane: Plane) -> Callable[[int], None]:
    """Return what asks for one signature, over the connection of a client."""
    token = _bot(plane)
    host = urlsplit(plane.url).netloc
    lines = [http.client.HTTPConnection(host) for _ in range(CLIENTS)]
    numbers = count()

    def sign(client: int) -> None:
        subject = {"name": "file", "digest": str(Digest.of(b"%d" % next(numbers)))}
        wanted = {"identity": "bot", "predicate_type": ARTIFACT, "subjects": [subject]}
        headers = {"authorization": f"Bearer {token}", "content-type": JSON}
        lines[client].request(
            "POST", "/v1/workspaces/acme/sign", json.dumps(wanted), headers
        )
        answer = lines[client].getresponse()
        data = answer.read()
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(f"expected a signature, got {answer.status}: {data!r}")

    return sign


JSON = "application/json"


def _bot(plane: Plane) -> str:
    """Register an identity whose key the server holds; return its token."""
    terms = {
        "id": "bot",
        "principal": "bot@example.com",
        "permissions": ["release"],
        "namespaces": ["acme"],
        "not_before": "2026-01-01T00:00:00Z",
        "not_after": "2036-01-01T00:00:00Z",
        "custody": "control-plane",
    }
    with Client(plane.url, token=plane.admin_token.read_text().strip()) as api:
        acme = api.workspace("acme")
        acme.post("/identities", {"custodial": True, "identity": terms})
        wanted = {"role": "release", "subject": "bot@example.com", "ttl_seconds": 3_600}
        return str(acme.post("/tokens", wanted)["token"])


def _logger(folder: Path) -> Callable[[int], None]:
    """Return what appends one leaf, durably."""
    storage = DirectoryStorage(folder)
    log = Log.create(storage, origin="bench.example", key=MemoryKey.ed25519())
    key = MemoryKey.ecdsa().public_key
    numbers = count()

    def append(_: int) -> None:
        digest = Digest.of(b"%d" % next(numbers))
        log.append([hashedrekord_body(digest=digest, signature=bytes(70), key=key)])

    return append
