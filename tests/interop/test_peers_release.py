# SPDX-License-Identifier: Apache-2.0
"""From a rule to a Runner without a key of anybody's: certificates of real Fulcio.

An admin pins the instance; its person signs the rule, its workflow the release, by the
commands that they type; a Runner activates it. Then stock cosign verifies both.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from signer.attestation import parse_attestation, parse_jsonl
from tests.interop.peers.instance import Account, PeerInstance
from tests.simulators.plane import RULE, Plane, git, overlay_repository, planted

pytestmark = pytest.mark.interop
OURS = "https://trustacks.com/attestations"


@dataclass(frozen=True)
class Trusting:
    """A workspace that trusts the instance, with two of its subjects registered."""

    plane: Plane
    instance: PeerInstance
    folder: Path

    def mine(self, account: Account) -> tuple[object, ...]:
        """Sign as somebody of the instance."""
        token = self.folder / "token"
        token.write_text(account.token())
        config = ("--signing-config", self.instance.signing_config_file)
        return "--identity-token-file", token, *config

    def register(self, name: str, account: Account, permission: str) -> None:
        """Have the admin register a subject."""
        self.plane.admin.must(
            *("identity", "register", name, "--permission", permission),
            *("--principal", f"{name}@acme.example", "--namespace", "acme"),
            *("--instance", "peers", "--oidc-issuer", account.issuer.url),
            *("--oidc-subject", account.subject),
        )


@pytest.fixture(scope="module")
def trusting(instance, tmp_path_factory):
    with planted(tmp_path_factory.mktemp("plane")) as plane:
        made = Trusting(plane, instance, tmp_path_factory.mktemp("files"))
        issuers = (instance.person.issuer.url, instance.workload.issuer.url)
        plane.admin.must(
            *("trust", "instance", "add", "peers", "--custody", "external"),
            *("--trusted-root", instance.trusted_root_file),
            *(word for url in issuers for word in ("--oidc-issuer", url)),
            *("--tsa-custody", "external"),
        )
        made.register("person", instance.person, "author")
        made.register("workflow", instance.workload, "release")
        yield made


@pytest.fixture(scope="module")
def released(trusting):
    """The rule in its repository, signed; released, and active in a Runner."""
    plane, instance = trusting.plane, trusting.instance
    overlay = overlay_repository(trusting.folder / "policy")
    here = ("--overlay", overlay)
    plane.alice.must("rule", "new", RULE, "--from", "change-calendar", *here)
    plane.alice.must("rule", "sign", RULE, *here, *trusting.mine(instance.person))
    git(overlay, "add", "-A")
    git(overlay, "commit", "-q", "-m", "Ask for a ticket")
    release = ("bundle", "release", *here, *trusting.mine(instance.workload))
    done = plane.ci.must(*release, "--json").value
    plane.ci.must("runner", "step", "--state", plane.runner)
    plane.alice.must("sigstore", "trusted-root", "--out", trusting.folder / "root.json")
    return overlay / f"overlay/rules/{RULE}/{RULE}.rego", done


def test_the_runner_enforces_what_they_signed(trusting, released):
    _, done = released
    state = ("--state", trusting.plane.runner, "--json")

    status = trusting.plane.ci.must("runner", "status", *state).value

    assert done["statement"]["identity"] == "workflow"
    assert (status["revision"], status["release"]) == (1, done["release"])


def test_an_auditor_replays_it_offline(trusting, released, tmp_path):
    pack = tmp_path / "pack.tar"
    trusting.plane.admin.must("audit", "export", "-o", pack)

    replayed = trusting.plane.admin.must("audit", "replay", pack, "--json").value

    assert replayed["accepted"]
    (release,) = replayed["releases"]
    assert release["revision"] == 1, release


def test_cosign_verifies_the_rule(trusting, released, cosign):
    rule, _ = released
    bundle = rule.with_suffix(".sigstore.json")
    person, workload = trusting.instance.person, trusting.instance.workload
    asked = (
        "verify-blob-attestation",
        f"--trusted-root={trusting.folder / 'root.json'}",
        f"--type={OURS}/rule/v1",
        f"--bundle={bundle}",
    )

    # The workspace's own authority, and the one outside.
    assert len(parse_attestation(bundle.read_bytes()).timestamps) == 2
    assert "Verified OK" in cosign(*asked, *person.flags, rule)
    cosign.refuses(*asked, *workload.flags, rule)


def test_cosign_verifies_the_release(trusting, released, cosign, tmp_path):
    (published,) = trusting.plane.state.glob("workspaces/*/targets/overlay/1")
    (archive,) = published.glob("*.bundle.tar.gz")
    (lines,) = published.glob("*.attestations.sigstore.jsonl")
    bundle, answers = tmp_path / "a.sigstore.json", []

    for raw in parse_jsonl(lines.read_bytes()):
        bundle.write_bytes(raw)
        ended = cosign.run(
            "verify-blob-attestation",
            *trusting.instance.workload.flags,
            f"--trusted-root={trusting.folder / 'root.json'}",
            f"--type={OURS}/release/v1",
            f"--bundle={bundle}",
            archive,
        )
        answers.append(ended.code == 0)

    assert sorted(answers) == [False, True]
