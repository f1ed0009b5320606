# SPDX-License-Identifier: Apache-2.0
"""A sovereign workspace from its ceremony to an auditor's replay, by commands alone."""

import pytest

from signer.attestation import parse_attestation
from tests.cli.test_cli_ceremony import Admins
from tests.simulators.plane import RULE, Person, overlay_repository, replanted


class Sovereign(Admins):
    """Two admins, an author, CI and a Runner."""

    def __init__(self, folder, plane):
        super().__init__(folder, plane)
        self.pin = self.whole("sov", folder / "ceremony")
        self.runner = folder / "runner"
        self.jane = self.join("jane", "author")
        self.ci = self.join("ci", "release")
        ann = self.people["ann"]
        ann.must("runner", "enroll", "--state", self.runner)
        self.approve()
        ann.must("runner", "enroll", "--state", self.runner)
        self.repository = overlay_repository(folder / "policy")
        overlay = ("--overlay", self.repository)
        self.jane.must("rule", "new", RULE, "--from", "change-calendar", *overlay)
        self.jane.must("rule", "sign", RULE, *overlay)

    def join(self, name, role):
        one = Person.make(self.folder / name)
        token = self.folder / f"{name}.token"
        create = ("workspace", "token", "create", "--role", role, "--subject", name)
        self.people["ann"].must(*create, "--out", token)
        login = (
            "login",
            "--url",
            self.plane.url,
            "--workspace",
            "sov",
            "--root",
            self.pin,
        )
        one.must(*login, "--token-file", token)
        one.must("keys", "create", name)
        proof = self.folder / f"{name}.proof"
        asks = ("--principal", f"{name}@acme.example", "--permission", role)
        one.must(
            "identity",
            "register",
            name,
            *asks,
            "--namespace",
            "acme",
            "--proof-out",
            proof,
        )
        self.people["ann"].must("identity", "register", "--proof", proof)
        self.approve()
        one.must(*login, "--token-file", token, "--key", name)
        return one

    def approve(self):
        self.people["ann"].must("trust", "approve", "--key", "ann-targets")
        ben = ("--key", "ben-targets", "--admin-key", "ben-admin", "--json")
        assert self.people["ben"].must("trust", "approve", *ben).value["in_force"]


@pytest.fixture(scope="module")
def sov(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sovereign")
    with replanted(folder / "plane") as plane:
        yield Sovereign(folder / "sov", plane)


def test_from_the_ceremony_to_the_replay(sov, tmp_path):
    overlay = ("--overlay", sov.repository)
    released = sov.ci.must("bundle", "release", *overlay, "--json").value
    assert released["revision"] == 1
    step = ("runner", "step", "--state", sov.runner, "--json")
    refused = sov.ci(*step)
    assert (refused.exit_code, refused.code) == (1, "floor-missing")
    nothing = sov.ci.must("runner", "status", "--state", sov.runner, "--json").value
    assert nothing["release"] is None
    floor = f"1:{released['release']}"
    assert sov.ci.must(*step, "--floor", floor).value["outcome"] == "activated"
    assert sov.ci.must(*step).value["outcome"] == "unchanged"
    sov.ci.must("bundle", "verify", "--floor", floor)
    status = sov.ci.must("runner", "status", "--state", sov.runner, "--json").value
    assert status["form"] == "sovereign"
    pack = tmp_path / "pack.tar"
    sov.people["ann"].must("audit", "export", "-o", pack)
    replayed = sov.people["ann"]("audit", "replay", pack, "--json")
    assert replayed.exit_code == 0, replayed


def test_two_authors_behind_each_rule(sov, tmp_path):
    ann, overlay = sov.people["ann"], ("--overlay", sov.repository)
    ken = sov.join("ken", "author")
    ann.must("trust", "change", "--threshold", "rule=2")
    assert "- threshold rule: 1 becomes 2 principals" in ann.must("trust", "diff").out
    sov.approve()
    refused = sov.ci("bundle", "release", *overlay)
    assert (refused.exit_code, refused.code) == (1, "threshold-not-met")
    assert f"trustacks rule cosign {RULE}" in refused.err
    again = sov.jane("rule", "cosign", RULE, *overlay)
    assert (again.exit_code, again.code) == (1, "cosigner-not-distinct")
    signed = ken.must("rule", "cosign", RULE, *overlay)
    assert "identity = jane" in signed.err  # the statement is shown: it is hers
    made = f"overlay/rules/{RULE}/{RULE}.cosign.ken.sigstore.json"
    assert (sov.repository / made).exists()
    # Done again it is the same leaf of the log.
    first = parse_attestation((sov.repository / made).read_bytes()).envelope
    told = ken.must("rule", "cosign", RULE, *overlay, "--json").value
    assert told["predicate"]["identity"] == "jane"
    second = parse_attestation((sov.repository / made).read_bytes()).envelope
    assert second.signature == first.signature
    released = sov.ci.must("bundle", "release", *overlay, "--json").value
    step = ("runner", "step", "--state", sov.runner, "--json")
    floor = f"{released['revision']}:{released['release']}"
    stepped = sov.ci.must(*step, "--floor", floor).value
    assert stepped["revision"] == released["revision"]
    pack = tmp_path / "pack.tar"
    ann.must("audit", "export", "-o", pack)
    replayed = ann("audit", "replay", pack, "--json")
    assert replayed.exit_code == 0, replayed
    (rule,) = replayed.value["releases"][-1]["rules"]
    assert rule["cosigners"] == ["ken"]
    sov.jane.must("rule", "sign", RULE, "--again", *overlay)
    stale = sov.ci("bundle", "release", *overlay)
    assert (stale.exit_code, stale.code) == (1, "threshold-not-met")
    assert "statement-mismatch" in stale.err
