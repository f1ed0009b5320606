# SPDX-License-Identifier: Apache-2.0
"""``trustacks ceremony move``, step by step, and ``trustacks runner pin`` after it."""

from datetime import timedelta

import pytest

from bundle.runner.state import LOCK_FILE
from bundle.tuf.root_draft import (
    RootKeys,
    admin_keys,
    draft_root,
    online_keys,
    sign_root,
)
from bundle.tuf.rootchain import open_roots
from keys.clock import format_instant, utc_now
from keys.digest import Digest
from keys.lock import exclusive
from signer.form import Form
from tests.cli.test_cli_ceremony import LAYERS, Admins
from tests.simulators.memory_key import MemoryKey
from tests.simulators.plane import Person, replanted, tree
from trustacks.client import Client

STAY = ("alice", "ci", "runner-1")


class Movers(Admins):
    """Ann and Ben, who make workspaces of a Control Plane sovereign."""

    def embedded(self, name):
        """Make a workspace, log somebody in as its admin, and pin its root."""
        somebody = Person.make(self.folder / name)
        pin = self.folder / f"{name}.1.root.json"
        at = ("--url", self.plane.url, "--token-file", self.plane.admin_token)
        somebody.must("workspace", "create", name, *at, "--root-out", pin, *LAYERS)
        somebody.must("login", *at, "--workspace", name, "--root", pin)
        return somebody

    def names(self):
        return [
            w for n in self.people for w in ("--admin", f"{n}={self.pub(n, 'admin')}")
        ]

    def trust(self, folder, *keep):
        words = [w for name in keep for w in ("--keep", name)]
        return self.people["ann"](
            "ceremony", "trust", folder, *LAYERS, *self.names(), *words
        )

    def signed(self, folder, *keep):
        assert self.root(folder).exit_code == 0
        self.sign(folder, "root")
        made = self.trust(folder, *keep)
        assert made.exit_code == 0, made
        self.sign(folder, "targets")


def custodial(movers, workspace, name):
    """Have the Control Plane make an author's key, as it may in the embedded form."""
    terms = {
        "id": name,
        "principal": name,
        "custody": "control-plane",
        "permissions": ["author"],
        "namespaces": ["acme"],
        "not_before": "2026-01-01T00:00:00Z",
        "not_after": format_instant(utc_now() + timedelta(days=30)),
    }
    token = movers.plane.admin_token.read_text().strip()
    with Client(movers.plane.url, token=token) as api:
        asked = {"custodial": True, "identity": terms}
        api.workspace(workspace).post("/identities", asked)


@pytest.fixture(scope="module")
def movers(plane, tmp_path_factory):
    return Movers(tmp_path_factory.mktemp("movers"), plane)


def codes(ended):
    return ended.exit_code, ended.code


def test_each_step_waits_for_the_one_before(movers, tmp_path):
    admin, folder = movers.embedded("steps-move"), tmp_path / "move"
    assert codes(movers.root(folder)) == (1, "ceremony-step")
    begun = admin.must("ceremony", "move", "--out", folder, "--json").value
    assert sorted(begun["online_keys"]) == ["release", "snapshot", "timestamp"]
    assert movers.trust(folder).code == "ceremony-step"
    assert movers.root(folder).exit_code == 0
    movers.sign(folder, "root", "ann")
    before = tree(folder)
    assert movers.trust(folder).code == "ceremony-step"
    assert movers.finish(folder).code == "ceremony-step"
    assert tree(folder) == before
    movers.sign(folder, "root", "ben")
    assert movers.trust(folder).exit_code == 0
    movers.sign(folder, "targets", "ann")
    alone = movers.finish(folder)
    assert codes(alone) == (1, "tuf-signature")
    assert admin.must("workspace", "show", "--json").value["form"] == "embedded"
    shown = movers.people["ben"].must("ceremony", "show", folder, "--json").value
    assert len(shown["trust"]["signed"]) == 1
    movers.sign(folder, "targets", "ben")
    pin = tmp_path / "pin"
    made = movers.finish(folder, "--root-out", pin, "--json")
    assert made.value["form"] == "sovereign"
    again = movers.finish(folder, "--json")
    assert again.value == made.value  # done again it is the same
    keys = movers.plane.state / "keys" / "steps-move"
    assert not {p.stem for p in keys.glob("*.pem")} & {"admin", "root", "targets"}
    refused = admin("ceremony", "move", "--out", tmp_path / "twice")
    assert codes(refused) == (1, "already-sovereign")
    assert not (tmp_path / "twice").exists()


def test_who_stays_is_named_and_registered(movers, tmp_path):
    admin, folder = movers.embedded("keep-move"), tmp_path / "move"
    custodial(movers, "keep-move", "bot")
    admin.must("ceremony", "move", "--out", folder)
    movers.root(folder)
    movers.sign(folder, "root")
    before = tree(folder)
    assert codes(movers.trust(folder, "nobody")) == (1, "unknown-identity")
    assert codes(movers.trust(folder, "bot")) == (1, "custody")
    assert tree(folder) == before
    said = movers.trust(folder).out
    assert "- identity bot: ended, control-plane custody" in said
    assert "- identity control-plane-admin: ended, control-plane custody" in said


def test_nobody_is_kept_where_nobody_was(movers, tmp_path):
    folder = tmp_path / "begin"
    movers.begin("keep-nobody", folder)
    movers.root(folder)
    movers.sign(folder, "root")
    ended = movers.trust(folder, "alice")
    assert codes(ended) == (2, "usage")


def test_what_came_between_is_seen_before_anything_is_written(movers, tmp_path):
    admin, folder = movers.embedded("stale-move"), tmp_path / "move"
    admin.must("ceremony", "move", "--out", folder)
    movers.signed(folder)
    custodial(movers, "stale-move", "late")
    before = tree(movers.plane.state / "workspaces")
    ended = movers.finish(folder)
    assert codes(ended) == (1, "trust-proposal-stale")
    assert tree(movers.plane.state / "workspaces") == before
    assert admin.must("workspace", "show", "--json").value["form"] == "embedded"


@pytest.mark.parametrize(
    ("name", "damage", "code"),
    [
        ("before/policy.json", lambda d: d.replace(b"admin", b"nimda"), "target-mismatch"),
        ("before/targets.json", lambda d: d.replace(b'"version":1', b'"version":2'),
         "tuf-signature"),
        ("before/1.root.json", lambda d: d[:-2], "json-format"),
        ("before/trusted_root.json", None, "ceremony-step"),
        ("move.json", lambda d: b"{}", "field-format"),
    ],
)  # fmt: skip
def test_a_changed_folder_is_signed_by_nobody(movers, whole, name, damage, code):
    file = whole / name
    good = file.read_bytes()
    file.unlink()
    if damage:
        file.write_bytes(damage(good))
    try:
        before = tree(whole)
        refused = movers.people["ben"](
            "ceremony", "sign", whole, "--key", "ben-targets"
        )
        assert refused.code == code
        assert tree(whole) == before
    finally:
        file.write_bytes(good)


@pytest.fixture(scope="module")
def whole(movers, tmp_path_factory):
    """A folder in which only Ben's signature of the trust is missing."""
    folder = tmp_path_factory.mktemp("whole") / "move"
    admin = movers.embedded("whole-move")
    admin.must("ceremony", "move", "--out", folder)
    movers.root(folder)
    movers.sign(folder, "root")
    movers.trust(folder)
    movers.sign(folder, "targets", "ann")
    return folder


# --------------------------------------------------------------------- Runners


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """A Control Plane whose workspace acme became sovereign, with a Runner at work."""
    folder = tmp_path_factory.mktemp("moved")
    with replanted(folder / "plane") as plane:
        movers = Movers(folder / "movers", plane)
        plane.admin.must("ceremony", "move", "--out", folder / "move")
        movers.signed(folder / "move", *STAY)
        pin = folder / "acme.2.root.json"
        assert movers.finish(folder / "move", "--root-out", pin).exit_code == 0
        yield plane, pin


def pin_of(plane):
    return (plane.runner / "1.root.json").read_bytes()


def rival_of(pin):
    """A later sovereign root of the workspace, whole, and by nobody who is pinned."""
    chain = open_roots([pin])
    root, targets = ([MemoryKey.ecdsa(), MemoryKey.ecdsa()] for _ in range(2))
    snapshot, timestamp = (
        online_keys([MemoryKey.ed25519().public_key]) for _ in range(2)
    )
    made = draft_root(
        RootKeys(
            root=admin_keys(key.public_key for key in root),
            targets=admin_keys(key.public_key for key in targets),
            snapshot=snapshot,
            timestamp=timestamp,
        ),
        at=utc_now(),
        previous=chain.current,
        workspace=chain.workspace,
    )
    for key in root:
        made = sign_root(made, key)
    assert open_roots([made]).form is Form.SOVEREIGN
    return made


def test_a_runner_is_pinned_higher_and_never_lower(moved, movers, tmp_path):
    plane, pin = moved
    words = ("runner", "pin", "--state", plane.runner, "--root")
    other = movers.folder / "other.1.root.json"
    movers.embedded("other")
    plane.admin.must("runner", "status", "--state", plane.runner)
    before = tree(plane.runner)
    stranger = plane.admin(*words, other)
    assert codes(stranger) == (1, "pin-changed")
    broken = tmp_path / "broken"
    broken.write_bytes(pin.read_bytes().replace(b'"version":2', b'"version":3'))
    assert codes(plane.admin(*words, broken)) == (1, "tuf-signature")
    assert tree(plane.runner) == before
    with exclusive(plane.runner / "state" / LOCK_FILE):
        assert plane.admin(*words, pin).code == "busy"
    assert pin_of(plane) == plane.root.read_bytes()
    made = plane.admin.must(*words, pin, "--json").value
    assert (made["form"], made["version"]) == ("sovereign", 2)
    assert made["workspace"] == str(Digest.of(plane.root.read_bytes()))
    assert pin_of(plane) == pin.read_bytes()
    plane.admin.must(*words, pin)  # again is the same
    lower = plane.admin(*words, plane.root)
    assert codes(lower) == (1, "pin-changed")
    assert pin_of(plane) == pin.read_bytes()
    rival = tmp_path / "rival"
    rival.write_bytes(rival_of(pin.read_bytes()))
    assert codes(plane.admin(*words, rival)) == (1, "pin-changed")
    assert pin_of(plane) == pin.read_bytes()
    nobody = plane.admin("runner", "pin", "--state", tmp_path / "no", "--root", pin)
    assert nobody.code == "not-enrolled"
