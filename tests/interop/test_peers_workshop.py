# SPDX-License-Identifier: Apache-2.0
"""Stock cosign verifies what a Control Plane published, with nothing but files of it.

A rule is signed and released by the commands that people type; then somebody who has
cosign, the published files and two public keys verifies the rule and the release.
"""

import pytest

from signer.attestation import parse_jsonl
from tests.simulators.plane import RULE, overlay_repository, planted

pytestmark = pytest.mark.interop
TYPES = "https://trustacks.com/attestations"


@pytest.fixture(scope="module")
def released(peers, tmp_path_factory):
    """The overlay, what was published as revision 1, and a folder with keys and root."""
    folder = tmp_path_factory.mktemp("files")
    with planted(tmp_path_factory.mktemp("plane")) as plane:
        overlay = overlay_repository(folder / "policy")
        new = ("rule", "new", RULE, "--from", "change-calendar")
        plane.alice.must(*new, "--overlay", overlay)
        plane.alice.must("rule", "sign", "--overlay", overlay)
        plane.ci.must("bundle", "release", "--overlay", overlay)
        root = folder / "trusted_root.json"
        plane.alice.must("sigstore", "trusted-root", "--out", root)
        for person, name in ((plane.alice, "alice"), (plane.ci, "ci")):
            (folder / f"{name}.pub").write_bytes(
                (person.home / f"keys/{name}.pub").read_bytes()
            )
        (published,) = plane.state.glob("workspaces/*/targets/overlay/1")
        yield overlay, published, folder


def _published(folder, name):
    """Read a target; its name on disk begins with its digest."""
    (path,) = folder.glob(f"*.{name}")
    return path


def test_a_rule_in_the_repository(released, cosign):
    overlay, _, folder = released
    rule = overlay / f"overlay/rules/{RULE}/{RULE}.rego"

    def words(key, file=rule):
        return (
            "verify-blob-attestation",
            f"--key={folder / key}",
            f"--trusted-root={folder / 'trusted_root.json'}",
            f"--type={TYPES}/rule/v1",
            f"--bundle={rule.with_suffix('.sigstore.json')}",
            file,
        )

    assert "Verified OK" in cosign(*words("alice.pub"))
    cosign(*words("alice.pub", rule.with_name(f"{RULE}_test.rego")))
    cosign.refuses(*words("ci.pub"))
    cosign.refuses(*words("alice.pub", folder / "ci.pub"))


def test_a_release_as_it_is_published(released, cosign, tmp_path):
    _, published, folder = released
    lines = _published(published, "attestations.sigstore.jsonl").read_bytes()
    bundle = tmp_path / "release.sigstore.json"

    def verified(raw):
        bundle.write_bytes(raw)
        return cosign.run(
            "verify-blob-attestation",
            f"--key={folder / 'ci.pub'}",
            f"--trusted-root={folder / 'trusted_root.json'}",
            f"--type={TYPES}/release/v1",
            f"--bundle={bundle}",
            _published(published, "bundle.tar.gz"),
        )

    answers = [verified(raw).code == 0 for raw in parse_jsonl(lines)]
    # The rule's attestation is in there as well, and is none of the release.
    assert answers.count(True) == 1
    assert len(answers) == 2
