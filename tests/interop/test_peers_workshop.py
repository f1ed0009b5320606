# SPDX-License-Identifier: Apache-2.0
"""Stock cosign verifies what a Control Plane published, with nothing but files of it.

A rule is signed and released by the commands that people type; then somebody who has
cosign, the published files and two public keys verifies the rule, the release, and what
is told about both in the words of in-toto and SLSA.
"""

from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from keys.digest import Digest
from keys.strict import b64decode
from signer.attestation import parse_jsonl
from tests.simulators.plane import RULE, Plane, overlay_repository, planted

pytestmark = pytest.mark.interop
OURS = "https://trustacks.com/attestations"


@dataclass(frozen=True)
class Released:
    """Revision 1, and what a stranger has of it.

    Attributes:
        plane: The server, which runs.
        folder: Public keys and the trusted root.
        rule: The rule in the repository, its attestation beside it.
        published: The targets of the revision.
    """

    plane: Plane
    folder: Path
    rule: Path
    published: Path

    def target(self, name: str) -> Path:
        """Return a target; its name on disk begins with its digest."""
        (path,) = self.published.glob(f"*.{name}")
        return path

    def kept_about(self, file: Path) -> dict[str, bytes]:
        """Ask the API for what is attested of a file, by predicate type."""
        token = self.plane.root.with_name("alice.token").read_text().strip()
        answer = httpx.get(
            f"{self.plane.url}/v1/workspaces/acme/attestations",
            params={"subject": str(Digest.of(file.read_bytes()))},
            headers={"authorization": f"Bearer {token}"},
            trust_env=False,
        )
        items = answer.raise_for_status().json()["items"]
        return {one["predicate_type"]: b64decode(one["attestation"]) for one in items}

    def words(self, signer: str, kind: str, bundle: Path, file: Path) -> list[object]:
        """Ask cosign whether somebody signed a statement of a type about a file."""
        return [
            "verify-blob-attestation",
            f"--key={self.folder / signer}.pub",
            f"--trusted-root={self.folder / 'trusted_root.json'}",
            f"--type={kind}",
            f"--bundle={bundle}",
            file,
        ]


@pytest.fixture(scope="module")
def released(peers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    with planted(tmp_path_factory.mktemp("plane")) as plane:
        overlay = overlay_repository(folder / "policy")
        here = ("--overlay", overlay)
        plane.alice.must("rule", "new", RULE, "--from", "change-calendar", *here)
        plane.alice.must("rule", "sign", *here)
        plane.alice.must("rule", "lint", RULE, *here, "--evidence")
        built = ("--provenance", folder / "provenance.sigstore.json")
        plane.ci.must("bundle", "release", *here, *built)
        plane.ci.must("bundle", "verify", "--vsa", folder / "summary.sigstore.json")
        root = folder / "trusted_root.json"
        plane.alice.must("sigstore", "trusted-root", "--out", root)
        for person, name in ((plane.alice, "alice"), (plane.ci, "ci")):
            public = (person.home / f"keys/{name}.pub").read_bytes()
            (folder / f"{name}.pub").write_bytes(public)
        (published,) = plane.state.glob("workspaces/*/targets/overlay/1")
        rule = overlay / f"overlay/rules/{RULE}/{RULE}.rego"
        yield Released(plane, folder, rule, published)


def test_a_rule_in_the_repository(released, cosign):
    rule, bundle = released.rule, released.rule.with_suffix(".sigstore.json")
    kind = f"{OURS}/rule/v1"

    for file in (rule, rule.with_name(f"{RULE}_test.rego")):
        said = cosign(*released.words("alice", kind, bundle, file))
        assert "Verified OK" in said
    cosign.refuses(*released.words("ci", kind, bundle, rule))
    cosign.refuses(*released.words("alice", kind, bundle, released.folder / "ci.pub"))


def test_a_release_as_it_is_published(released, cosign, tmp_path):
    bundle, archive = tmp_path / "a.sigstore.json", released.target("bundle.tar.gz")
    lines = released.target("attestations.sigstore.jsonl").read_bytes()
    words = released.words("ci", f"{OURS}/release/v1", bundle, archive)
    answers = []

    for raw in parse_jsonl(lines):
        bundle.write_bytes(raw)
        answers.append(cosign.run(*words).code == 0)

    # The rule's attestation is in there as well, and is none of the release.
    assert sorted(answers) == [False, True]


TOLD = {
    "https://in-toto.io/attestation/test-result/v0.1": "alice",
    "https://in-toto.io/attestation/svr/v0.1": "alice",
    "https://slsa.dev/provenance/v1": "ci",
    "https://slsa.dev/verification_summary/v1": "ci",
}


@pytest.mark.parametrize("kind", TOLD)
def test_what_is_told_in_the_words_of_other_tools(released, cosign, tmp_path, kind):
    signer, bundle = TOLD[kind], tmp_path / "a.sigstore.json"
    archive = released.target("bundle.tar.gz")
    file = released.rule if signer == "alice" else archive
    bundle.write_bytes(released.kept_about(file)[kind])

    assert "Verified OK" in cosign(*released.words(signer, kind, bundle, file))
    other = next(one for one in TOLD if one != kind)
    cosign.refuses(*released.words(signer, other, bundle, file))
