# SPDX-License-Identifier: Apache-2.0
"""Kill a server at each of its writes while somebody speaks to it by HTTP.

The server is a whole one, on loopback, of a sovereign workspace; what is sent was signed
elsewhere. An ``Act`` is done to a copy of its state until the n-th write, which meets a
fault; nothing is written from there on, and the server ends. Two clients look. A server
that has just started gets the same again, and both look again. ``points`` yields what
they saw, and holds that whatever was acknowledged is there. One more act is one more
line in ``ACTS``; ``make crash-table`` then writes its kill points down.
"""

import itertools
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx

from bundle.rego.embedded import EmbeddedEngine
from control_plane import limits
from control_plane.jobs import refresh_all
from control_plane.services import Services
from control_plane.workflows.garbage import collect_garbage
from keys.clock import utc_now
from keys.errors import StorageError
from keys.providers import open_signing_key
from keys.strict import b64decode, b64encode, loads_json
from signer.attestation import join_jsonl, parse_attestation, parse_jsonl
from signer.predicates.parts import Source
from tests.simulators.crashes import Fault, Point, see
from tests.simulators.desk import Desk, desk, serving
from tests.simulators.server_stores import NAME, Backend
from tests.simulators.settled import copied, settle
from trustacks._cli.config import load_config
from trustacks._cli.overlay_files import read_rules
from trustacks.client import Client
from trustacks.pinned import PinnedStore
from trustacks.releasing import Releaser
from trustacks.signatory import KeySignatory

PATH = f"/v1/workspaces/{NAME}"
SECOND_RULE = "acme.deploy_window"
_DAY = timedelta(days=1)
_MAX_BYTES = 1 << 24
# Seconds in which a server answers.
_PATIENCE = 60

# --------------------------------------------------------------------------- acts


@dataclass(frozen=True)
class Prepared:
    """A server's state, and what is going to be sent to it.

    Attributes:
        state: The server's folder; nobody runs in it.
        root: The pinned root.
        at: The time of all servers on it.
        token: Of whoever speaks to the server.
        sent: What was signed elsewhere.
    """

    state: Path
    root: bytes
    at: datetime
    token: str
    sent: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Hands:
    """Who speaks to a server.

    Attributes:
        http: With the token of whoever speaks, or an admin's to check.
        services: The server's parts, for what it does unasked.
        prepared: What is said.
        acknowledged: What the server said it had done.
    """

    http: httpx.Client
    services: Services
    prepared: Prepared
    acknowledged: set[str] = field(default_factory=set)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Return the answer; None: the server cannot go on."""
        answer = self.http.post(PATH + path, json=body)
        if answer.status_code == 503:
            return None
        assert answer.status_code in (200, 201), answer.text
        self.acknowledged.add(path)
        return dict(answer.json())


@dataclass(frozen=True)
class Act:
    """Something that a server does.

    Attributes:
        name: For people.
        prepare: Makes the state before, in a folder of its own.
        do: Does it, and returns whether it was done; again is success.
        check: Raises if something that was acknowledged is not there.
        later: How much later the next run is.
    """

    name: str
    prepare: Callable[[Prepared, Path], Prepared]
    do: Callable[[Hands], bool]
    check: Callable[[Hands, set[str]], None]
    later: timedelta = timedelta()


class Tape(httpx.HTTPTransport):
    """Keeps what is posted."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: dict[str, Any] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and request.url.path.startswith(PATH):
            place = request.url.path.removeprefix(PATH)
            body = request.read()
            self.posted[place] = loads_json(body, max_bytes=_MAX_BYTES)
        return super().handle_request(request)


def settled_release(folder: Path) -> Prepared:
    """CI has built and signed release 2 of a sovereign workspace, with one rule more."""
    with desk(folder / "before") as made:
        settle(made)
        new = f"trustacks rule new {SECOND_RULE} --from deploy-window"
        made.must("Jane", f"{new} --overlay policy")
        made.must("Jane", f"trustacks rule sign {SECOND_RULE} --overlay policy")
    with copied(folder / "before", folder / "aside") as made:
        sent = _signed_release(made)
    state = folder / "before" / "server"
    root = (folder / "before/desk/acme.root.json").read_bytes()
    token = (folder / "before/desk/ci.token").read_text().strip()
    return Prepared(state, root, sent.pop("at"), token, sent)


def _signed_release(made: Desk) -> dict[str, Any]:
    """Release in a copy; return what was posted."""
    person, tape = made.person("CI"), Tape()
    login = load_config(person.home).login()
    words = (person.folder / "passphrase").read_text().strip()
    key = open_signing_key(f"encfile:{person.home}/keys/ci.pem", lambda _: words)
    home = person.home / "workspaces"
    with (
        EmbeddedEngine() as engine,
        Client(login.url, token=login.token, transport=tape) as client,
    ):
        Releaser(
            store=PinnedStore(home, root=login.root, url=login.url, name=NAME),
            api=client.workspace(NAME),
            signatory=KeySignatory(key),
            engine=engine,
            clock=utc_now,
            source=Source(),
            show=lambda _: None,
        ).release(read_rules(made.table / "policy"))
    release = tape.posted["/releases"]
    *rules, _ = parse_jsonl(b64decode(release["attestations"]))
    pending = tape.posted["/attestations"]
    sent = {"pending": pending, "bundle": release["bundle"], "rules": rules}
    return {**sent, "at": utc_now()}


def submit(hands: Hands) -> bool:
    """Log the release, then submit it as it was logged."""
    sent = hands.prepared.sent
    logged = hands.post("/attestations", sent["pending"])
    if logged is None:
        return False
    raw = b64decode(logged["attestation"])
    body = {
        "bundle": sent["bundle"],
        "attestations": b64encode(join_jsonl([*sent["rules"], raw])),
        "release": b64encode(raw),
    }
    return hands.post("/releases", body) is not None


def require_acknowledged(hands: Hands, acknowledged: set[str]) -> None:
    """Whatever was said to be logged is there once; so is what was published."""
    pending = b64decode(hands.prepared.sent["pending"]["attestation"])
    digest = str(parse_attestation(pending).digest)
    page = hands.http.get(f"{PATH}/audit/entries", params={"limit": 100})
    leaves = [one["digest"] for one in page.json()["items"]]
    assert leaves.count(digest) <= 1
    assert digest in leaves or "/attestations" not in acknowledged
    listed = hands.http.get(f"{PATH}/releases").json()["items"]
    there = {one["revision"]: one["digest"] for one in listed}
    if "/releases" in acknowledged:
        assert there[2] == digest


def as_it_is(prepared: Prepared, _: Path) -> Prepared:
    return prepared


def littered(prepared: Prepared, folder: Path) -> Prepared:
    """A week of renewals, of which the older ones have been garbage for another one."""
    clock = SimpleNamespace(at=prepared.at)
    state = shutil.copytree(prepared.state, folder / "littered")
    with serving(state, lambda: clock.at) as (_, services):
        collect_garbage(services, NAME)
        for _ in range(8):
            clock.at += _DAY
            refresh_all(services)
        collect_garbage(services, NAME)
    return replace(prepared, state=state, at=clock.at + 8 * _DAY)


def collect(hands: Hands) -> bool:
    try:
        collect_garbage(hands.services, NAME)
    except StorageError:
        return False
    return True


def require_nothing_lost(hands: Hands, acknowledged: set[str]) -> None:
    """Every release, every leaf and every root is there."""
    require_acknowledged(hands, acknowledged)
    listed = hands.http.get(f"{PATH}/releases").json()["items"]
    assert [one["revision"] for one in listed] == [1]


ACTS = (
    Act("release sent to a server", as_it_is, submit, require_acknowledged),
    Act(
        "garbage collection by a server",
        littered,
        collect,
        require_nothing_lost,
        later=timedelta(seconds=limits.GARBAGE_LOOK_SECONDS),
    ),
)

# ------------------------------------------------------------------------ looking


class Scene:
    """A copy of a prepared state, with one server after another on it."""

    def __init__(self, act: Act, prepared: Prepared, backend: Backend, state: Path):
        self._act, self._prepared, self._backend = act, prepared, backend
        self._state, self._at = state, prepared.at
        shutil.copytree(prepared.state, state)
        self._settings = backend.load(state)

    def run(self, kill: tuple[int, Fault] | None = None) -> tuple[bool, set[str]]:
        """Start a server, do the act, and end; return whether it was done."""
        backend, prepared = self._backend, self._prepared
        began = serving(
            self._state,
            lambda: self._at,
            open_storage=backend.open,
            **self._settings,
        )
        token = prepared.token
        with began as (url, services), _client(url, token) as http:
            backend.begin(services)
            if kill:
                backend.kill(*kill)
            hands = Hands(http, services, prepared)
            done = self._act.do(hands)
        backend.heal()
        self._at += self._act.later
        return done, hands.acknowledged

    def check(self, acknowledged: set[str]) -> None:
        """Ask a server that has just started for what was acknowledged."""
        began = serving(self._state, lambda: self._at, **self._settings)
        token = (self._state / "admin-token").read_text().strip()
        with began as (url, services), _client(url, token) as http:
            self._act.check(Hands(http, services, self._prepared), acknowledged)

    def look(self, who: Path) -> object:
        """Return what a client of this folder is told."""
        stored = SimpleNamespace(root=self._prepared.root, storage=self._backend.read())
        return see(SimpleNamespace(ws=stored), who)

    def names(self) -> set[str]:
        return set(self._backend.read().names(""))


def _numberless(name: str) -> str:
    """How many things happened before this act does not matter."""
    name = re.sub(r"/\d+\.([a-z]+\.json)", r"/<n>.\1", name)
    return re.sub(r"\.p/\d+", ".p/<n>", name)


def _client(url: str, token: str) -> httpx.Client:
    headers = {"authorization": f"Bearer {token}"}
    return httpx.Client(base_url=url, headers=headers, timeout=_PATIENCE)


def points(act: Act, base: Prepared, backend: Backend, folder: Path) -> Iterator[Point]:
    """Kill a server at each write of an act, in each way that there is."""
    folder.mkdir(parents=True)
    prepared, numbers = act.prepare(base, folder), itertools.count()

    def fresh() -> Scene:
        return Scene(act, prepared, backend, folder / f"state-{next(numbers)}")

    probe, seen = fresh(), folder / "seen"
    old = probe.look(seen)
    done, acknowledged = probe.run()
    assert done
    writes = list(backend.writes)
    faults = {number: backend.faults_of(number) for number in range(len(writes))}
    new, made = probe.look(folder / "after"), probe.names()
    probe.check(acknowledged)
    names = {repr(old): "old", repr(new): "new" if repr(new) != repr(old) else "same"}

    def said(*found: object) -> str:
        return " and ".join({names.get(repr(one), "neither") for one in found})

    for number, ways in faults.items():
        for fault in ways:
            scene, mine = fresh(), folder / f"{number}-{fault.name}"
            shutil.copytree(seen, mine / "old")
            done, acknowledged = scene.run((number, fault))
            assert not done or (backend.name, fault) == ("S3", Fault.PERSISTED)
            saw = [said(scene.look(mine / who)) for who in ("old", "new")]
            scene.check(acknowledged)
            again, acknowledged = scene.run()
            assert again
            then = said(*(scene.look(mine / who) for who in ("old", "new")))
            scene.check(acknowledged)
            yield Point(
                act.name,
                number + 1,
                _numberless(writes[number]),
                fault,
                backend.name,
                *saw,
                then,
                len(scene.names() - made),
            )
            shutil.rmtree(mine)
