# SPDX-License-Identifier: Apache-2.0
"""OIDC identities in a sovereign workspace: the production form, by commands alone.

The instance is somebody else's. Until admins trust its timestamp authority nobody can
say that a certificate signed in its minutes (ADR 0040), and nothing of it counts.
"""

import pytest

from tests.e2e.test_sovereign import Sovereign
from tests.simulators.plane import RULE, git, planted
from tests.simulators.sigstore_http import SigstoreHttp

SUBJECTS = {
    "jane.oidc": ("jane@example.com", "author"),
    "ken.oidc": ("ken@example.com", "author"),
    "pipeline": ("https://ci.example.com/acme/release.yml@refs/heads/main", "release"),
    "second": ("ops@example.com", "release"),
}


class House(Sovereign):
    """With an instance outside, and an OIDC subject of it for each of ``SUBJECTS``."""

    def __init__(self, folder, plane, outside):
        super().__init__(folder, plane)
        self.outside = outside
        self.root = folder / "root.json"
        self.root.write_bytes(outside.trusted_root())
        (folder / "config.json").write_bytes(outside.signing_config())
        self.overlay = ("--overlay", self.repository)
        self.ann = self.people["ann"]
        self.pin_instance()
        for name, (subject, permission) in SUBJECTS.items():
            self.ann.must(
                *("identity", "register", name, "--principal", f"{name}@acme.example"),
                *("--permission", permission, "--namespace", "*"),
                *("--instance", "outside", "--oidc-issuer", outside.issuer),
                *("--oidc-subject", subject),
            )
            self.approve()

    def pin_instance(self, *more):
        self.ann.must(
            *("trust", "instance", "add", "outside", "--custody", "external"),
            *("--trusted-root", self.root, "--oidc-issuer", self.outside.issuer),
            *more,
        )
        self.approve()

    def as_(self, name):
        """The options that sign as one of ``SUBJECTS``."""
        token = self.folder / f"{name}.token"
        token.write_text(self.outside.token(SUBJECTS[name][0]))
        config = self.folder / "config.json"
        return "--signing-config", config, "--identity-token-file", token

    def commit(self):
        git(self.repository, "add", "-A")
        git(self.repository, "commit", "-q", "--allow-empty", "-m", "Change")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keyless")
    with (
        SigstoreHttp().serving() as outside,
        planted(folder / "plane") as plane,
    ):
        yield House(folder / "sov", plane, outside)


def test_without_a_time_from_outside_no_certificate_counts(house):
    again = ("rule", "sign", RULE, *house.overlay, "--again")
    ended = house.jane(*again, *house.as_("jane.oidc"))
    assert ended.exit_code == 1
    assert ended.code in {"certificate-time", "no-trusted-time"}
    house.ann.must(
        *("trust", "authority", "add", "--custody", "external"),
        *("--trusted-root", house.root),
    )
    house.approve()
    signed = house.jane.must(*again, *house.as_("jane.oidc"), "--json").value["signed"]
    assert signed[0]["identity"] == "jane.oidc"


def test_two_people_and_a_pipeline_release_without_a_key(house):
    house.ann.must("trust", "change", "--threshold", "rule=2")
    house.approve()
    signing = ("rule", "sign", RULE, *house.overlay, "--again")
    house.jane.must(*signing, *house.as_("jane.oidc"))
    house.jane.must("rule", "cosign", RULE, *house.overlay, *house.as_("ken.oidc"))
    house.commit()
    release = ("bundle", "release", *house.overlay, "--json")
    done = house.ci.must(*release, *house.as_("pipeline")).value
    assert done["statement"]["identity"] == "pipeline"
    step = ("runner", "step", "--state", house.runner, "--json")
    floor = f"{done['revision']}:{done['release']}"
    assert house.ci.must(*step, "--floor", floor).value["outcome"] == "activated"


def test_a_second_release_identity_signs_what_waits(house):
    house.ann.must("trust", "change", "--threshold", "release=2")
    house.approve()
    house.ci.must("bundle", "reaffirm", *house.as_("pipeline"))
    done = house.ci.must("bundle", "cosign", *house.as_("second"), "--json").value
    assert (done["signers"], done["published"]) == (["pipeline", "second"], True)


def test_the_control_planes_own_instance_is_nobodys_here(house):
    asked = len(house.outside.asked)
    ended = house.ci("bundle", "reaffirm", "--oidc", "account")
    assert ended.exit_code == 1
    assert ended.code in {"signing-config-untrusted", "not-found"}
    assert len(house.outside.asked) == asked
