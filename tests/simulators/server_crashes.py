# SPDX-License-Identifier: Apache-2.0
"""Kill a server at each of its writes while somebody speaks to it by HTTP.

The server is a whole one, on loopback, of a workspace at work; what is sent was signed
elsewhere. An ``Act`` is done to a copy of its state until the n-th write, which meets a
fault; nothing is written from there on, and the server ends. Two clients look. A server
that has just started has whatever was acknowledged, gets the rest again, and has all of
it; both clients look again. ``points`` yields what they saw. The acts are in
``server_acts``: one more is one more line there, and ``make crash-table`` then writes
its kill points down.
"""

import itertools
import re
import shutil
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import httpx
import pytest

from control_plane.services import Services
from keys.strict import b64decode, loads_json
from signer.attestation import parse_attestation
from tests.simulators.crashes import Fault, Point, see
from tests.simulators.desk import serving
from tests.simulators.server_stores import NAME, Backend

PATH = f"/v1/workspaces/{NAME}"
SOVEREIGN, EMBEDDED = "sovereign", "embedded"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MAX_BYTES = 1 << 24
# Seconds in which a server answers.
_PATIENCE = 60

# --------------------------------------------------------------------------- acts


class Post(NamedTuple):
    """A request to the workspace's API."""

    place: str
    body: dict[str, Any]


class Said(NamedTuple):
    """A request, and its answer."""

    place: str
    body: dict[str, Any]
    answer: dict[str, Any]


@dataclass(frozen=True)
class Prepared:
    """A server's state, and what is going to be sent to it.

    Attributes:
        state: The server's folder; nobody runs in it.
        root: The pinned root.
        at: The time of all servers on it.
        token: Of whoever speaks to the server; an admin, without it.
        sent: What was signed elsewhere.
    """

    state: Path
    root: bytes
    at: datetime
    token: str = ""
    sent: tuple[Post, ...] = ()


@dataclass(frozen=True)
class Hands:
    """Who speaks to a server.

    Attributes:
        http: With the token of whoever speaks.
        admin: With an admin's, to look.
        services: The server's parts, for what it does unasked and where its files are.
        prepared: What is said.
        acknowledged: What this server, or one before it, said it had done.
    """

    http: httpx.Client
    admin: httpx.Client
    services: Services
    prepared: Prepared
    acknowledged: list[Said]

    def post(self, place: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Return the answer; None: the server cannot go on."""
        answer = self.http.post(PATH + place, json=body)
        if answer.status_code == 503:
            return None
        assert answer.status_code in (200, 201), answer.text
        said = Said(place, body, dict(answer.json()))
        self.acknowledged.append(said)
        return said.answer

    def has_acknowledged(self, place: str) -> bool:
        return any(one.place == place for one in self.acknowledged)

    def get(self, place: str = "") -> dict[str, Any]:
        """Return what an admin is shown; nothing, where there is nothing."""
        answer = self.admin.get(PATH + place)
        assert answer.status_code in (200, 404), answer.text
        return dict(answer.json()) if answer.status_code == 200 else {}

    def logged(self, *attestations: str) -> tuple[bool, ...]:
        """Say which attestations, in base64, the log has: each once, never twice."""
        page = self.get("/audit/entries?limit=100")
        leaves = [one["digest"] for one in page["items"]]
        found = [leaves.count(digest_of(one)) for one in attestations]
        assert max(found) <= 1
        return tuple(map(bool, found))

    def released(self) -> dict[int, str]:
        """Which releases there are."""
        listed = self.get("/releases")["items"]
        return {one["revision"]: one["digest"] for one in listed}


@dataclass(frozen=True)
class Act:
    """Something that a server does.

    Attributes:
        name: For people.
        prepare: Makes the state before, from a desk at which nobody is any more, in a
            folder of its own.
        do: Does it, and returns whether it was done; again is success.
        check: Raises if something that was acknowledged is not there, or if something
            is there by half.
        form: Of the workspace before.
        between: What a state of its own is called that clients see on the way to a new
            root: the old one with whatever else is new.
        later: How much later the next run is.
    """

    name: str
    prepare: Callable[[Path, Path], Prepared]
    do: Callable[[Hands], bool]
    check: Callable[[Hands], None]
    form: str = SOVEREIGN
    between: str = ""
    later: timedelta = timedelta()


def digest_of(attestation: str) -> str:
    """Return the digest of an attestation in base64."""
    return str(parse_attestation(b64decode(attestation)).digest)


@contextmanager
def taped() -> Iterator[list[Post]]:
    """Keep what clients of this process post to the workspace's API, in its order."""
    posted: list[Post] = []
    send = httpx.HTTPTransport.handle_request

    def keep(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and request.url.path.startswith(PATH):
            body = loads_json(request.read(), max_bytes=_MAX_BYTES)
            assert isinstance(body, dict)
            posted.append(Post(request.url.path.removeprefix(PATH), body))
        return send(self, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.HTTPTransport, "handle_request", keep)
        yield posted


# ------------------------------------------------------------------------ looking


class Server(NamedTuple):
    """A server that is running.

    Attributes:
        do: Does the act; returns whether it was done.
        check: Asks for what was acknowledged.
    """

    do: Callable[[], bool]
    check: Callable[[], None]


@dataclass
class Scene:
    """A copy of a prepared state, with one server after another on it."""

    act: Act
    prepared: Prepared
    backend: Backend
    state: Path
    acknowledged: list[Said] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._at = self.prepared.at
        shutil.copytree(self.prepared.state, self.state)
        self._settings = self.backend.load(self.state)

    @contextmanager
    def server(self, kill: tuple[int, Fault] | None = None) -> Iterator[Server]:
        """Run a server; the next one is as much later as the act says."""
        backend, act, prepared = self.backend, self.act, self.prepared
        admin = (self.state / "admin-token").read_text().strip()
        token = prepared.token or admin
        began = serving(
            self.state, lambda: self._at, open_storage=backend.open, **self._settings
        )
        with (
            began as (url, services),
            _client(url, token) as http,
            _client(url, admin) as look,
            backend.counting(services),
        ):
            if kill:
                backend.kill(*kill)
            hands = Hands(http, look, services, prepared, self.acknowledged)
            yield Server(lambda: act.do(hands), lambda: act.check(hands))
        backend.heal()
        self._at += act.later

    def look(self, who: Path) -> object:
        """Return what a client of this folder is told."""
        stored = SimpleNamespace(root=self.prepared.root, storage=self.backend.read())
        return see(SimpleNamespace(ws=stored), who)

    def names(self) -> Counter[str]:
        """Count objects, and halves of files; what they hold may be signed anew."""
        halves = [path.name for path in self.state.rglob(".tmp-*")]
        names = [*self.backend.read().names(""), *halves]
        return Counter(_DIGEST.sub("<sha256>", name) for name in names)


def _numberless(name: str) -> str:
    """How many things happened before this act does not matter."""
    name = re.sub(r"/\d+\.([a-z]+\.json)", r"/<n>.\1", name)
    return re.sub(r"\.p/\d+", ".p/<n>", name)


def _client(url: str, token: str) -> httpx.Client:
    headers = {"authorization": f"Bearer {token}"}
    # Reading the machine's certificates takes longer than all that is sent.
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.Client(base_url=url, headers=headers, timeout=_PATIENCE, verify=tls)


def points(act: Act, desk: Path, backend: Backend, folder: Path) -> Iterator[Point]:
    """Kill a server at each write of an act, in each way that there is."""
    folder.mkdir(parents=True)
    with backend.in_haste():
        yield from _points(act, act.prepare(desk, folder), backend, folder)


def _points(
    act: Act, prepared: Prepared, backend: Backend, folder: Path
) -> Iterator[Point]:
    numbers = itertools.count()

    def fresh() -> Scene:
        return Scene(act, prepared, backend, folder / f"state-{next(numbers)}")

    probe, seen = fresh(), folder / "seen"
    old = probe.look(seen)
    with probe.server() as server:
        assert server.do()
        writes = list(backend.writes)
        faults = {number: backend.faults_of(number) for number in range(len(writes))}
        server.check()
    new, made = probe.look(folder / "after"), probe.names()
    names = _named(act, old, new)

    def said(*found: object) -> str:
        return " and ".join({names.get(repr(one), "neither") for one in found})

    for number, ways in faults.items():
        for fault in ways:
            scene, mine = fresh(), folder / f"{number}-{fault.name}"
            shutil.copytree(seen, mine / "old")
            with scene.server((number, fault)) as server:
                done = server.do()
            assert not done or (backend.name, fault) == ("S3", Fault.PERSISTED)
            saw = [said(scene.look(mine / who)) for who in ("old", "new")]
            with scene.server() as server:
                server.check()
                assert server.do()
                server.check()
            then = said(*(scene.look(mine / who) for who in ("old", "new")))
            yield Point(
                act.name,
                number + 1,
                _numberless(writes[number]),
                fault,
                backend.name,
                *saw,
                then,
                (scene.names() - made).total(),
            )
            shutil.rmtree(mine)
            shutil.rmtree(scene.state)


def _named(act: Act, old: Any, new: Any) -> dict[str, str]:
    """Return what each state is called, by how it looks."""
    names = {repr(old): "old", repr(new): "same" if old == new else "new"}
    if act.between:
        names[repr((old[0], *new[1:]))] = act.between
    return names
