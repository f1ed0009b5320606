# SPDX-License-Identifier: Apache-2.0
"""A sovereign workspace: begun by two admins, changed only by both, from their own homes."""

import shutil
from dataclasses import replace

import pytest

from keys.clock import utc_now
from keys.digest import Digest
from signer.predicates.trust_change import IDENTITY_REGISTERED, Change
from tests.simulators.plane import EXAMPLES, Person, tree
from tests.simulators.signing import person
from trustacks.client import Client
from trustacks.errors import ControlPlaneRefusalError
from trustacks.pinned import PinnedStore
from trustacks.proposing import Wanted, propose
from trustacks.trusting import TrustDesk

LAYERS = (
    *("--constitution", EXAMPLES / "constitution"),
    *("--pack", EXAMPLES / "packs" / "change-control"),
    *("--publisher", EXAMPLES / "publisher.pub"),
)


class Admins:
    """Ann and Ben, each with a root key, a targets key and an identity's key."""

    def __init__(self, folder, plane):
        self.plane, self.folder = plane, folder
        self.people = {n: Person.make(folder / n) for n in ("ann", "ben")}
        for name, one in self.people.items():
            for purpose in ("root", "targets", "admin"):
                one.must("keys", "create", f"{name}-{purpose}")

    def pub(self, name, purpose):
        return self.people[name].home / "keys" / f"{name}-{purpose}.pub"

    def begin(self, name, folder):
        at = ("--url", self.plane.url, "--token-file", self.plane.admin_token)
        self.people["ann"].must("ceremony", "begin", name, *at, "--out", folder)

    def root(self, folder):
        keys = [
            (f"--{purpose}-key", self.pub(name, purpose))
            for purpose in ("root", "targets")
            for name in self.people
        ]
        return self.people["ann"](
            "ceremony", "root", folder, *(w for k in keys for w in k)
        )

    def trust(self, folder):
        admins = [
            w for n in self.people for w in ("--admin", f"{n}={self.pub(n, 'admin')}")
        ]
        return self.people["ann"]("ceremony", "trust", folder, *LAYERS, *admins)

    def sign(self, folder, purpose, *names):
        for name in names or self.people:
            self.people[name].must(
                "ceremony", "sign", folder, "--key", f"{name}-{purpose}"
            )

    def finish(self, folder, *words):
        token = ("--token-file", self.plane.admin_token)
        return self.people["ben"](
            "ceremony", "finish", folder, *token, "--key", "ben-admin", *words
        )

    def whole(self, name, folder):
        self.begin(name, folder)
        assert self.root(folder).exit_code == 0
        self.sign(folder, "root")
        assert self.trust(folder).exit_code == 0
        self.sign(folder, "targets")
        pin = folder.with_name(f"{name}.root.json")
        ended = self.finish(folder, "--root-out", pin)
        assert ended.exit_code == 0, ended
        for one in self.people.values():
            one.must(
                *("login", "--url", self.plane.url, "--workspace", name, "--root", pin),
                *("--token-file", self.plane.admin_token),
            )
        return pin


@pytest.fixture(scope="module")
def admins(plane, tmp_path_factory):
    return Admins(tmp_path_factory.mktemp("admins"), plane)


@pytest.fixture(scope="module")
def sovereign(admins):
    admins.whole("sovereign", admins.folder / "ceremony")
    return admins


def test_two_admins_make_a_sovereign_workspace(sovereign):
    shown = sovereign.people["ann"].must("workspace", "show", "--json").value
    assert shown["form"] == "sovereign"
    assert "the property" not in shown["property_note"]


def test_the_doctor_says_sentence_by_sentence_what_is_weak(sovereign):
    ann = sovereign.people["ann"]
    found = ann.must("trust", "doctor", "--json").value
    assert (found["holds"], found["form"]) == (True, "sovereign")
    states = {one["sentence"]: one["state"] for one in found["sentences"]}
    assert (states["T1"], states["T4"], states["T7"]) == ("holds", "weak", "weak")
    assert ann.must("trust", "doctor", "--offline", "--json").value.keys() == (
        found.keys()
    )
    text = ann.must("trust", "doctor").out
    assert text.startswith("sovereign: the property holds\n  T1             holds\n")
    assert "trustacks trust change --floor REVISION:DIGEST" in text


def test_the_doctor_refuses_an_embedded_workspace(alice):
    ended = alice("trust", "doctor", "--json")
    assert (ended.exit_code, ended.code) == (1, "property-lacking")
    assert ended.value["holds"] is False
    states = {one["sentence"]: one["state"] for one in ended.value["sentences"]}
    assert (states["T1"], states["T8"]) == ("lacks", "lacks")


def test_no_admin_key_is_on_the_server(sovereign):
    held = {
        p.stem for p in (sovereign.plane.state / "keys" / "sovereign").glob("*.pem")
    }
    assert held == {"snapshot", "timestamp", "release", "log"}


def test_one_admin_changes_nothing_two_do(sovereign, tmp_path):
    ann, ben = sovereign.people["ann"], sovereign.people["ben"]
    jane = Person.make(tmp_path / "jane")
    pin = sovereign.folder / "sovereign.root.json"
    token = ("--token-file", sovereign.plane.admin_token)
    jane.must(
        "login",
        "--url",
        sovereign.plane.url,
        "--workspace",
        "sovereign",
        "--root",
        pin,
        *token,
    )
    jane.must("keys", "create", "jane")
    proof = tmp_path / "jane.proof"
    jane.must(
        *("identity", "register", "jane", "--principal", "jane@acme.example"),
        *("--permission", "author", "--namespace", "acme", "--proof-out", proof),
    )
    before = ann.must("identity", "list", "--json").value
    proposed = ann.must("identity", "register", "--proof", proof, "--json").value
    assert ann.must("identity", "list", "--json").value == before
    shown = ben.must("trust", "diff").out
    assert (
        "! identity jane: added: jane@acme.example may author for acme, external"
        in shown
    )
    alone = ann.must(
        "trust", "approve", "--key", "ann-targets", "--admin-key", "ann-admin", "--json"
    ).value
    assert (alone["in_force"], len(alone["signed"]), alone["threshold"]) == (
        False,
        1,
        2,
    )
    assert ann.must("identity", "list", "--json").value == before
    both = ben.must(
        *("trust", "approve", proposed["proposal"], "--key", "ben-targets"),
        *("--admin-key", "ben-admin", "--json"),
    ).value
    assert both["in_force"] is True
    ids = [one["id"] for one in ann.must("identity", "list", "--json").value["items"]]
    assert ids == ["ann", "ben", "jane"]
    again = ann("trust", "approve", proposed["proposal"], "--key", "ann-targets")
    assert (again.exit_code, again.code) == (1, "trust-proposal-stale")
    revoked = ann.must("identity", "revoke", "jane", "--reason", "left", "--json").value
    assert (
        "- identity jane: revoked" in ben.must("trust", "diff", revoked["proposal"]).out
    )


def approve(sovereign):
    sovereign.people["ann"].must("trust", "approve", "--key", "ann-targets")
    words = (
        "trust",
        "approve",
        "--key",
        "ben-targets",
        "--admin-key",
        "ben-admin",
        "--json",
    )
    assert sovereign.people["ben"].must(*words).value["in_force"]


def test_suspended_resumed_rotated_and_an_age_by_both_admins(admins, tmp_path):
    admins.whole("people", admins.folder / "people")
    ann, kim = admins.people["ann"], Person.make(tmp_path / "kim")
    at = ("--url", admins.plane.url, "--workspace", "people")
    pin = admins.folder / "people.root.json"
    kim.must("login", *at, "--root", pin, "--token-file", admins.plane.admin_token)
    for name in ("kim", "kim-2"):
        kim.must("keys", "create", name)
        kim.must(
            *(
                "identity",
                "register",
                name,
                "--principal",
                "kim",
                "--permission",
                "author",
            ),
            *(
                "--namespace",
                "acme",
                "--key",
                name,
                "--proof-out",
                tmp_path / f"{name}.proof",
            ),
        )
    ann.must("identity", "register", "--proof", tmp_path / "kim.proof")
    approve(admins)
    ann.must("identity", "suspend", "kim", "--reason", "on leave")
    approve(admins)
    shown = ann.must("identity", "show", "kim", "--json").value
    assert shown["revoked"]["final"] is False
    ann.must("identity", "resume", "kim")
    approve(admins)
    assert ann.must("identity", "show", "kim", "--json").value["revoked"] is None
    assert ann("identity", "resume", "kim").code == "not-suspended"
    ann.must("identity", "rotate", "kim", "--proof", tmp_path / "kim-2.proof")
    approve(admins)
    old, new = (
        ann.must("identity", "show", i, "--json").value for i in ("kim", "kim-2")
    )
    assert (old["revoked"]["reason"], new["revoked"]) == ("rotated to kim-2", None)
    nowhere = ("trust", "change", "--floor", f"1:sha256:{'0' * 64}")
    assert ann(*nowhere).code == "trust-proposal-mismatch"
    ann.must("trust", "change", "--release-days", 3)
    assert (
        "- freshness release_max_seconds: 604800 becomes 259200"
        in ann.must("trust", "diff").out
    )
    approve(admins)
    for words, code in (
        (("--threshold", "rule=2"), "unsafe-trust-policy"),
        (("--release-days", 31), "unsafe-trust-policy"),
        (("--threshold", "rule=x"), "usage"),
        ((), "usage"),
    ):
        assert ann("trust", "change", *words).code == code
    pack = tmp_path / "pack.tar"
    ann.must("audit", "export", "-o", pack)
    replayed = ann("audit", "replay", pack, "--json")
    assert replayed.exit_code == 0, replayed


def test_a_stolen_timestamp_key_is_replaced_by_both_admins(admins, tmp_path):
    admins.whole("roots", admins.folder / "roots")
    ann, ben = admins.people["ann"], admins.people["ben"]
    pub, file = tmp_path / "timestamp.pub", tmp_path / "2.root.json"
    ann.must("root", "online", "timestamp", "--out", pub)
    ann.must("root", "draft", file, "--timestamp-key", pub)
    ann.must("root", "sign", file, "--key", "ann-root")
    alone = ann("root", "publish", file, "--admin-key", "ann-admin")
    assert (alone.exit_code, alone.code) == (1, "tuf-signature")
    assert "root 1" in ann.must("root", "show").out
    stranger = ann("root", "sign", file, "--key", "ann-targets")
    assert stranger.code == "tuf-key"
    ben.must("root", "sign", file, "--key", "ben-root")
    assert ben.must(
        "root", "publish", file, "--admin-key", "ben-admin", "--json"
    ).value == {"version": 2}
    again = ben.must("root", "publish", file, "--admin-key", "ben-admin", "--json")
    assert again.value == {"version": 2}
    stale = ann("root", "sign", file, "--key", "ann-root")
    assert (stale.exit_code, stale.code) == (1, "tuf-root-chain")
    assert "root 2" in ann.must("root", "show").out
    pack = tmp_path / "pack.tar"
    ann.must("audit", "export", "-o", pack)
    replayed = ann("audit", "replay", pack, "--json")
    assert replayed.exit_code == 0, replayed
    assert "changed the admins, as root 2" in replayed.out


def test_the_server_alone_registers_nobody(sovereign, tmp_path):
    token = sovereign.plane.admin_token.read_text().strip()
    with Client(sovereign.plane.url, token=token) as api:
        terms = {
            "id": "thief",
            "principal": "thief",
            "custody": "control-plane",
            "permissions": ["report"],
            "namespaces": ["*"],
            "not_before": "2026-01-01T00:00:00Z",
            "not_after": "2027-01-01T00:00:00Z",
        }
        with pytest.raises(ControlPlaneRefusalError) as refused:
            api.workspace("sovereign").post(
                "/identities", {"custodial": True, "identity": terms}
            )
    assert refused.value.passed_code == "not-embedded"


def test_a_proof_that_nobody_hands_in_is_asked_for(sovereign):
    """The admin's client believes the digest; the server has to see the proof."""
    pin = sovereign.folder / "sovereign.root.json"
    home = sovereign.people["ann"].home / "workspaces"
    url, root = sovereign.plane.url, Digest.of(pin.read_bytes())
    store = PinnedStore(home, root=root, url=url, name="sovereign")
    thief = person("thief", "author").identity
    change = Change(
        kind=IDENTITY_REGISTERED, identity="thief", proof=Digest.of(b"no proof")
    )
    wanted = Wanted(change, lambda p: replace(p, identities=(*p.identities, thief)))
    token = sovereign.plane.admin_token.read_text().strip()
    with Client(url, token=token) as api:
        desk = TrustDesk(store, api.workspace("sovereign"), utc_now, lambda _: None)
        before = desk.proposals()
        with pytest.raises(ControlPlaneRefusalError) as refused:
            propose(desk, wanted)
        assert desk.proposals() == before
    assert refused.value.passed_code == "trust-proposal-mismatch"


def test_an_embedded_workspace_has_no_proposals(admin):
    ended = admin("trust", "proposals")
    assert (ended.exit_code, ended.code) == (1, "not-sovereign")


def test_thresholds_of_an_embedded_workspace_are_set_at_once(admin):
    done = admin.must("trust", "change", "--grace-seconds", "60", "--json")
    assert done.value["targets_version"] > 1
    ended = admin("trust", "change", "--threshold", "release=9")
    assert (ended.exit_code, ended.code) == (1, "unsafe-trust-policy")


def test_each_step_waits_for_the_one_before(admins, tmp_path):
    folder = tmp_path / "steps"
    assert admins.root(folder).code == "ceremony-step"
    admins.begin("steps", folder)
    ann = admins.people["ann"]
    assert ann("ceremony", "sign", folder, "--key", "ann-root").code == "ceremony-step"
    assert admins.trust(folder).code == "ceremony-step"
    assert admins.root(folder).exit_code == 0
    admins.sign(folder, "root", "ann")
    before = tree(folder)
    assert ann("ceremony", "sign", folder, "--key", "ann-root").code == "ceremony-step"
    assert admins.trust(folder).code == "ceremony-step"
    assert admins.finish(folder).code == "ceremony-step"
    assert tree(folder) == before
    admins.sign(folder, "root", "ben")
    assert admins.trust(folder).exit_code == 0
    admins.sign(folder, "targets", "ann")
    ended = admins.finish(folder)
    assert (ended.exit_code, ended.code) == (1, "tuf-signature")
    shown = ann.must("ceremony", "show", folder, "--json").value
    assert (len(shown["trust"]["signed"]), shown["root"]["missing"]) == (1, [])
    admins.sign(folder, "targets", "ben")
    assert admins.finish(folder).exit_code == 0
    again = admins.finish(folder)
    assert (again.exit_code, again.code) == (1, "workspace-exists")


def test_one_admin_is_not_enough_for_a_root(admins, tmp_path):
    folder = tmp_path / "alone"
    admins.begin("alone", folder)
    ended = admins.people["ann"](
        *("ceremony", "root", folder, "--root-key", admins.pub("ann", "root")),
        *("--targets-key", admins.pub("ann", "targets")),
    )
    assert ended.code == "tuf-unsafe-keys"
    assert not (folder / "1.root.json").exists()


def test_a_strangers_ceremony_is_refused(admins, plane, tmp_path):
    """Online keys of one workspace in the root of another."""
    folder, other = tmp_path / "mine", tmp_path / "other"
    admins.begin("mine", folder)
    admins.begin("theirs", other)
    online = (other / "online.json").read_text().replace('"theirs"', '"mine"')
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "online.json").write_text(online)
    assert admins.root(folder).exit_code == 0
    admins.sign(folder, "root")
    assert admins.trust(folder).exit_code == 0
    admins.sign(folder, "targets")
    before = tree(plane.state / "workspaces")
    ended = admins.finish(folder)
    assert (ended.exit_code, ended.code) == (1, "trust-proposal-mismatch")
    assert {
        k: v for k, v in tree(plane.state / "workspaces").items() if ".new-" not in k
    } == before
