# SPDX-License-Identifier: Apache-2.0
"""Stock cosign and npm's verifier verify the rules and releases signed with keys.

With no service: a file, an attestation, a public key and the workspace's trusted root,
as they lie in an overlay's repository and in the published workspace.
"""

import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sigstore.models import Bundle, InvalidBundle

from bundle.rego.embedded import EmbeddedEngine
from keys.digest import Digest
from keys.public import PublicKey
from signer.signer_policy import KeyPolicy
from tests.interop import judges
from tests.simulators.workspace import SimulatedWorkspace

pytestmark = pytest.mark.interop
TYPES = "https://trustacks.com/attestations"
KINDS = ("rule", "release")


@pytest.fixture(scope="module")
def signed():
    """By kind: file, attestation, and who signed; and the workspace."""
    with EmbeddedEngine() as engine:
        workspace = SimulatedWorkspace(datetime.now(UTC).replace(microsecond=0), engine)
        rule = workspace.rule()
        release = workspace.release(rule)
    return workspace, {
        "rule": (rule.rule, rule.attestation, "author"),
        "release": (release.archive, release.attestation, "releaser"),
    }


class Files:
    """What a stranger has on disk."""

    def __init__(self, folder: Path, workspace, file, raw, signer) -> None:
        self.folder, self.raw = folder, raw
        self.key = self.write("key.pub", workspace.people[signer].key.public_key.pem)
        other = workspace.people["admin"].key.public_key.pem
        self.other_key = self.write("other.pub", other)
        self.root = self.write("trusted_root.json", workspace.trusted_root())
        self.file = self.write("file", file)
        self.bundle = self.write("a.sigstore.json", raw)

    def write(self, name: str, data: bytes | str) -> Path:
        path = self.folder / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def changed(self, change) -> Path:
        """The attestation with something changed."""
        document = json.loads(self.raw)
        change(document)
        return self.write("changed.sigstore.json", json.dumps(document))


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def files(kind, signed, tmp_path):
    workspace, made = signed
    return Files(tmp_path, workspace, *made[kind])


@pytest.fixture
def asked(kind, files):
    """The words that verify it, each of which a test may replace."""
    return {
        "--key": files.key,
        "--bundle": files.bundle,
        "--trusted-root": files.root,
        "--type": f"{TYPES}/{kind}/v1",
    }


def words(asked, file, *more):
    flags = [f"{name}={value}" for name, value in asked.items()]
    return "verify-blob-attestation", *flags, *more, file


def test_with_the_log(cosign, asked, files):
    assert "Verified OK" in cosign(*words(asked, files.file))


def test_by_the_digest_alone(cosign, asked, files, signed, kind):
    digest = Digest.of(files.file.read_bytes()).hex
    flags = (f"--digest={digest}", "--digestAlg=sha256")

    assert "Verified OK" in cosign(*words(asked, "", *flags)[:-1])


def test_with_the_timestamp_instead_of_the_log(cosign, asked, files):
    flags = ("--insecure-ignore-tlog", "--use-signed-timestamps")

    assert "Verified OK" in cosign(*words(asked, files.file, *flags))


def test_with_the_key_alone(cosign, asked, files):
    """The one way that needs neither a trusted root nor a network."""
    del asked["--trusted-root"]

    said = cosign(*words(asked, files.file, "--insecure-ignore-tlog"))

    assert "Verified OK" in said


def _flip(text: str) -> str:
    data = bytearray(b64decode(text))
    data[len(data) // 2] ^= 1
    return b64encode(data).decode()


def _payload(document):
    envelope = document["dsseEnvelope"]
    envelope["payload"] = _flip(envelope["payload"])


def _signature(document):
    (one,) = document["dsseEnvelope"]["signatures"]
    one["sig"] = _flip(one["sig"])


def _proof(document):
    """Not the entry's body: cosign makes it anew of the rest, and reads none."""
    (entry,) = document["verificationMaterial"]["tlogEntries"]
    hashes = entry["inclusionProof"]["hashes"]
    hashes[0] = _flip(hashes[0])


def _entry(document):
    document["verificationMaterial"]["tlogEntries"] = []


@pytest.mark.parametrize("change", [_payload, _signature, _proof, _entry])
def test_what_was_changed_is_refused(cosign, asked, files, change):
    asked["--bundle"] = files.changed(change)

    cosign.refuses(*words(asked, files.file))


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--key", lambda files: files.other_key),
        ("--type", lambda files: f"{TYPES}/approval/v1"),
        ("--type", lambda files: "custom"),
    ],
    ids=["another key", "another predicate", "no predicate"],
)
def test_another_question_is_refused(cosign, asked, files, flag, value):
    asked[flag] = value(files)

    cosign.refuses(*words(asked, files.file))


def test_another_file_is_refused(cosign, asked, files):
    said = cosign.refuses(*words(asked, files.write("other", b"other")))

    assert "provided artifact digests do not match digests in statement" in said


def test_another_workspaces_root_is_refused(cosign, asked, files):
    root = json.loads(files.root.read_bytes())
    root["tlogs"] = []
    asked["--trusted-root"] = files.write("empty.json", json.dumps(root))

    cosign.refuses(*words(asked, files.file))


@pytest.fixture(scope="module")
def npm():
    with judges.npm() as judge:
        yield judge


@pytest.mark.parametrize("judge", ["ours", "npm"])
def test_other_verifiers_say_the_same(files, npm, judge):
    ask = {"ours": judges.ours, "npm": npm}[judge]

    def asked(bundle=files.bundle, key=files.key, file=files.file):
        return judges.Question(
            bundle=bundle.read_bytes(),
            root=json.loads(files.root.read_bytes()),
            policy=KeyPolicy(key=PublicKey.from_pem(key.read_bytes())),
            artifact=file.read_bytes(),
        )

    assert ask(asked())
    assert not ask(asked(key=files.other_key))
    assert not ask(asked(file=files.write("other", b"other")))
    for change in (_payload, _signature, _proof, _entry):
        assert not ask(asked(bundle=files.changed(change)))


def test_the_python_client_knows_no_keys(files):
    with pytest.raises(InvalidBundle, match="expected certificate in bundle"):
        Bundle.from_json(files.raw)
