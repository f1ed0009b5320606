# SPDX-License-Identifier: Apache-2.0
"""The Control Plane's side of the move from embedded to sovereign."""

import itertools
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bundle.tuf.committed import read_roots
from bundle.tuf.rootchain import from_pin
from control_plane.keystore import ADMIN, ROOT, TARGETS
from keys.digest import Digest
from keys.strict import b64decode, b64encode
from signer.form import Custody
from tests.simulators.memory_key import MemoryKey
from tests.simulators.mover import Mover
from tests.simulators.service import ControlPlane, Signer

EMBEDDED_KEYS = {ROOT, TARGETS, ADMIN, "identity-bot"}


@pytest.fixture
def server(tmp_path):
    found = ControlPlane(tmp_path / "state")
    yield found
    found.close()


@pytest.fixture
def workspace(server):
    return server.create_workspace()


def custodial(workspace, name, *permissions):
    terms = workspace.terms(name, *permissions, custody=Custody.CONTROL_PLANE.value)
    body = {"custodial": True, "identity": terms}
    answer = workspace.http.post(f"{workspace.path}/identities", json=body)
    assert answer.status_code == 201, answer.text


def described(workspace):
    return workspace.http.get(workspace.path).json()


def held(server, name="acme"):
    folder = Path(server.settings.state) / "keys" / name
    return {path.stem for path in folder.glob("*.pem")}


def release(workspace, by, rule, **which):
    answer = workspace.publish(workspace.release_request(by, rule, **which))
    assert answer.status_code == 201, answer.text
    return Digest.parse(answer.json()["digest"])


def moved(workspace, **draft):
    mover = Mover(workspace)
    mover.draft(**draft)
    answer = mover.finish(mover.finished_body())
    assert answer.status_code == 200, answer.text
    return mover, answer.json()


def test_an_embedded_workspace_becomes_sovereign(server, workspace):
    author, ci = (workspace.register(n, n) for n in ("author", "release"))
    custodial(workspace, "bot", "author")
    rule = workspace.rule(author)
    first = release(workspace, ci, rule)
    genesis = b64decode(described(workspace)["root"])

    mover, said = moved(workspace, keep=("author", "release"))

    assert (said["form"], said["workspace"]) == ("sovereign", str(workspace.digest))
    assert said["property_note"].startswith("sovereign")
    pin = b64decode(said["root"])
    assert Digest.of(genesis) == workspace.digest != Digest.of(pin)
    chain = read_roots(server.services.workspaces.storage("acme"))
    assert (chain.raw, from_pin(chain).raw) == ((genesis, pin), (pin,))
    assert described(workspace) == said
    assert held(server) == {
        *("snapshot", "timestamp", "release", "log"),
        *("snapshot-2", "timestamp-2", "release-2"),
    }
    ids = {one["id"]: one for one in people(workspace)}
    assert {i for i, one in ids.items() if one["revoked"] is None} == {
        *("ann", "author", "release")
    }
    second = release(workspace, ci, rule, revision=2, predecessor=first)
    release(workspace, ci, rule, revision=3, predecessor=second)
    refused = workspace.http.post(
        f"{workspace.path}/identities",
        json={"custodial": True, "identity": workspace.terms("thief", "report")},
    )
    assert refused.json()["code"] == "not-embedded"
    again = mover.hand_over()
    assert (again.status_code, again.json()["code"]) == (409, "already-sovereign")
    server.restart()
    assert described(workspace)["form"] == "sovereign"


def people(workspace):
    return workspace.http.get(f"{workspace.path}/identities").json()["items"]


def test_a_workspace_without_a_release_is_moved_without_a_floor(workspace):
    _, said = moved(workspace)
    assert said["form"] == "sovereign"


def test_keys_are_made_once_and_never_had_a_role(server, workspace):
    mover = Mover(workspace)
    first = mover.online()
    assert mover.online() == first
    assert {"snapshot-2", "timestamp-2", "release-2"} <= held(server)


def test_the_embedded_key_signs_nothing_but_a_whole_move(server, workspace):
    mover = Mover(workspace)
    mover.draft()
    before = server.everything()
    one = mover.hand_over(signatures=[mover.signatures[0].to_json()])
    assert (one.status_code, one.json()["code"]) == (422, "tuf-signature")
    none = mover.hand_over(root=b64encode(unsigned(mover.root)))
    assert none.json()["code"] == "tuf-signature"
    assert server.everything() == before


def unsigned(root):
    from tuf.api.metadata import Metadata  # noqa: PLC0415

    metadata = Metadata.from_bytes(root)
    metadata.signatures.clear()
    return metadata.to_bytes()


def test_an_event_of_somebody_else_makes_nothing_sovereign(server, workspace):
    mover = Mover(workspace)
    mover.draft()
    body = mover.finished_body(by=Signer("ann", MemoryKey.ecdsa()))
    before = server.everything()
    refused = mover.finish(body)
    assert (refused.status_code, refused.json()["code"]) == (403, "unknown-signer")
    assert server.everything() == before
    unknown = workspace.http.post(
        f"{mover.path}/{Digest.of(b'another')}/finish", json=body
    )
    assert unknown.status_code == 404


def test_a_change_of_trust_that_came_between_makes_the_move_stale(workspace):
    mover = Mover(workspace)
    mover.draft()
    body = mover.finished_body()
    workspace.register("author", "author")
    refused = mover.finish(body)
    assert (refused.status_code, refused.json()["code"]) == (
        409,
        "trust-proposal-stale",
    )
    assert described(workspace)["form"] == "embedded"


def test_a_release_that_came_between_is_not_lost(workspace):
    author, ci = (workspace.register(n, n) for n in ("author", "release"))
    rule = workspace.rule(author)
    first = release(workspace, ci, rule)
    mover = Mover(workspace)
    mover.draft(keep=("author", "release"))
    body = mover.finished_body()
    workspace.server.clock.advance(seconds=1)
    release(workspace, ci, rule, revision=2, predecessor=first)
    refused = mover.finish(body)
    assert refused.json()["code"] == "trust-proposal-mismatch"
    assert described(workspace)["form"] == "embedded"


def test_only_an_admin_of_the_workspace_asks_for_it(server, workspace):
    mover = Mover(workspace)
    for role in ("author", "release", "runner", "auditor"):
        headers = {"authorization": f"Bearer {server.token(role)}"}
        answer = workspace.http.post(
            f"{mover.path}/online-keys", json={}, headers=headers
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "not-permitted")


FAULTS = pytest.mark.parametrize(
    "persisted", [False, True], ids=["failed", "failed-but-persisted"]
)


class Ready:
    """A state directory in which all but the last call of a move was made."""

    def __init__(self, folder: Path):
        self.folder = folder
        server = ControlPlane(folder / "before")
        workspace = server.create_workspace()
        author, ci = (workspace.register(n, n) for n in ("author", "release"))
        custodial(workspace, "bot", "author")
        self.rule = workspace.rule(author)
        release(workspace, ci, self.rule)
        self.people = {"author": author, "release": ci}
        self.mover = Mover(workspace)
        self.mover.draft(keep=("author", "release"))
        self.body = self.mover.finished_body()
        server.close()

    def copy(self, number: int) -> Mover:
        """The same again, as if nothing had been tried."""
        shutil.copytree(self.folder / "before", self.folder / str(number))
        server = ControlPlane(self.folder / str(number))
        return replace(
            self.mover, workspace=replace(self.mover.workspace, server=server)
        )


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    return Ready(tmp_path_factory.mktemp("ready"))


@pytest.mark.long
@FAULTS
def test_a_crash_at_any_write_leaves_it_embedded_or_makes_it_sovereign(
    ready, persisted
):
    """The server ends without a word, and its next start finds what was decided."""
    found = []
    for number in itertools.count():
        mover = ready.copy(100 * persisted + number)
        server, workspace = mover.workspace.server, mover.workspace
        server.disk.crash(number, persisted=persisted)
        answer = mover.finish(ready.body)
        server.restart()
        form = described(workspace)["form"]
        keys = held(server) & EMBEDDED_KEYS
        # Each is whole: keys and form, and what can be done next.
        assert keys == (EMBEDDED_KEYS if form == "embedded" else set())
        if answer.status_code != 200:
            assert answer.status_code == 503
            found.append(form)
            again = mover.finish(ready.body)
            assert (again.status_code, again.json()["form"]) == (200, "sovereign")
            assert not held(server) & EMBEDDED_KEYS
        server.close()
        if answer.status_code == 200:
            break
    # The first write is the decision.
    assert found[0] == ("sovereign" if persisted else "embedded")
    assert set(found[1:]) == {"sovereign"}
    assert len(found) > 10


@pytest.mark.long
@FAULTS
def test_the_same_server_goes_on_after_a_failed_write(ready, persisted):
    """Nothing else is changed meanwhile; the same call does the rest."""
    for number in itertools.count(1):
        mover = ready.copy(200 + 100 * persisted + number)
        server, workspace = mover.workspace.server, mover.workspace
        server.disk.crash(number, persisted=persisted)
        answer = mover.finish(ready.body)
        server.disk.heal()
        if answer.status_code == 200:
            server.close()
            break
        wanted = {"custodial": True, "identity": workspace.terms("late", "report")}
        other = workspace.http.post(f"{workspace.path}/identities", json=wanted)
        assert other.json()["code"] in ("move-decided", "not-embedded")
        again = mover.finish(ready.body)
        assert (again.status_code, again.json()["form"]) == (200, "sovereign")
        assert not held(server) & EMBEDDED_KEYS
        server.close()
    assert number > 10


@pytest.mark.parametrize("number", [1, 2, 5])
def test_nothing_is_released_between_the_decision_and_its_end(ready, number):
    """It would lie above the floor of the new trust, by people who have ended."""
    mover = ready.copy(700 + number)
    server, workspace = mover.workspace.server, mover.workspace
    first = mover.ground.head.digest
    ci = ready.people["release"]
    request = workspace.release_request(ci, ready.rule, revision=2, predecessor=first)
    server.disk.crash(number, persisted=False)
    assert mover.finish(ready.body).status_code == 503
    server.disk.heal()
    refused = workspace.publish(request)
    assert (refused.status_code, refused.json()["code"]) == (409, "move-decided")
    assert mover.finish(ready.body).json()["form"] == "sovereign"
    assert mover._opened().published().trust.policy.floor.digest == first
    server.close()


def test_one_move_is_decided_and_no_other_until_its_end(ready):
    """Two that were decided would leave the log with a root that nobody published."""
    mover = ready.copy(750)
    server = mover.workspace.server
    rival = Mover(mover.workspace)
    rival.draft(keep=("author", "release"))
    body = rival.finished_body()
    server.disk.crash(4, persisted=False)
    assert mover.finish(ready.body).status_code == 503
    server.disk.heal()
    refused = rival.finish(body)
    assert (refused.status_code, refused.json()["code"]) == (409, "move-decided")
    assert mover.finish(ready.body).json()["form"] == "sovereign"
    server.close()


@pytest.mark.parametrize("number", [1, 4, 8])
def test_a_move_that_was_decided_is_carried_out_by_the_next_start(ready, number):
    mover = ready.copy(600 + number)
    server = mover.workspace.server
    server.disk.crash(number, persisted=False)
    assert mover.finish(ready.body).status_code == 503
    server.restart()
    assert described(mover.workspace)["form"] == "sovereign"
    assert not held(server) & EMBEDDED_KEYS
    server.close()


def test_a_key_that_could_not_be_destroyed_is_at_the_next_start(ready):
    mover = ready.copy(500)
    server = mover.workspace.server
    stuck = server.settings.state / "keys" / "acme" / "identity-bot.pem"
    stuck.unlink()
    stuck.mkdir()
    assert mover.finish(ready.body).status_code == 503
    assert described(mover.workspace)["form"] == "sovereign"
    assert held(server) >= {ROOT, TARGETS, ADMIN}
    stuck.rmdir()
    server.restart()
    assert not held(server) & EMBEDDED_KEYS
    server.close()
