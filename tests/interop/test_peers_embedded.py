# SPDX-License-Identifier: Apache-2.0
"""Stock cosign signs and verifies against the instance of a Control Plane, over HTTP.

By the two files that ``trustacks sigstore`` prints, unchanged; and whoever signs there,
every verifier accepts it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from keys.public import PublicKey
from keys.strict import loads_json
from signer.signer_policy import IdentityPolicy, KeyPolicy
from signer.subject_pattern import SubjectPattern
from tests.interop import judges
from tests.interop.peers.cosign import Cosign
from tests.simulators.plane import Person, Plane, planted

pytestmark = pytest.mark.interop
DATA = b"a file of the platform team\n"
TYPE = "https://example.com/reviewed/v1"
ALICE = "alice@acme.localhost"


@dataclass(frozen=True)
class Embedded:
    """A server of the embedded form, and the two files of its instance."""

    plane: Plane
    home: Path

    @property
    def root(self) -> Path:
        return self.home / "trusted_root.json"

    @property
    def config(self) -> Path:
        return self.home / "signing_config.json"

    def token(self) -> Path:
        """A new identity token of Alice's, in a file."""
        path = self.home / "identity.token"
        path.unlink(missing_ok=True)
        self.plane.alice.must("sigstore", "token", "--out", path)
        return path

    @property
    def where(self) -> tuple[str, ...]:
        return f"--signing-config={self.config}", f"--trusted-root={self.root}"


@pytest.fixture(scope="module")
def embedded(peers, tmp_path_factory):
    with planted(tmp_path_factory.mktemp("plane")) as plane:
        made = Embedded(plane, tmp_path_factory.mktemp("files"))
        plane.alice.must("sigstore", "trusted-root", "--out", made.root)
        plane.alice.must("sigstore", "signing-config", "--out", made.config)
        yield made


def _imported(cosign: Cosign, person: Person) -> tuple[Path, Path]:
    """Give cosign the key of a registered identity: the log takes no other."""
    sealed = (person.home / "keys/alice.pem").read_bytes()
    passphrase = person.variables["TRUSTACKS_PASSPHRASE_FILE"]
    key = load_pem_private_key(sealed, Path(passphrase).read_bytes().strip())
    bare = cosign.home / "bare.pem"
    bare.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    cosign("import-key-pair", f"--key={bare}", "--output-key-prefix=alice")
    return cosign.home / "alice.key", cosign.home / "alice.pub"


@dataclass(frozen=True)
class Made:
    """A bundle by cosign, and how each verifier is asked."""

    raw: bytes
    policy: IdentityPolicy | KeyPolicy
    flags: tuple[str, ...]
    command: tuple[str, ...]


@pytest.fixture(scope="module", params=["key", "token"])
def by(request):
    return request.param


@pytest.fixture(scope="module", params=["sign-blob", "attest-blob"])
def made(request, embedded, by, tmp_path_factory):
    cosign = Cosign(tmp_path_factory.mktemp("cosign"))
    file, bundle = cosign.home / "file", cosign.home / "bundle.json"
    predicate = cosign.home / "predicate.json"
    file.write_bytes(DATA)
    predicate.write_text(json.dumps({"reviewed": True}))
    if by == "key":
        private, public = _imported(cosign, embedded.plane.alice)
        signer, asks = f"--key={private}", (f"--key={public}",)
        policy = KeyPolicy(key=PublicKey.from_pem(public.read_bytes()), authorities=1)
    else:
        url = embedded.plane.url
        signer = f"--identity-token={embedded.token()}"
        asks = (f"--certificate-identity={ALICE}", f"--certificate-oidc-issuer={url}")
        subject = SubjectPattern.exactly(ALICE)
        policy = IdentityPolicy(issuer=url, subject=subject, authorities=1)
    commands = {
        "sign-blob": ((), ("verify-blob",)),
        "attest-blob": (
            (f"--predicate={predicate}", f"--type={TYPE}"),
            ("verify-blob-attestation", f"--type={TYPE}"),
        ),
    }
    says, command = commands[request.param]
    sign = (request.param, signer, *embedded.where, *says)
    cosign(*sign, f"--bundle={bundle}", "--yes", file)
    return Made(bundle.read_bytes(), policy, asks, command)


@pytest.fixture(scope="module")
def npm():
    with judges.npm() as judge:
        yield judge


def test_cosign_verifies_what_it_signed_there(embedded, made, cosign, tmp_path):
    bundle, file, other = (tmp_path / name for name in ("bundle", "file", "other"))
    bundle.write_bytes(made.raw)
    file.write_bytes(DATA)
    other.write_bytes(b"another file")
    command, *more = made.command
    asked = (command, *made.flags, *more, f"--bundle={bundle}")
    root = f"--trusted-root={embedded.root}"

    assert "Verified OK" in cosign(*asked, root, file)
    cosign.refuses(*asked, root, other)


@pytest.mark.parametrize("judge", ["ours", "python", "npm"])
def test_every_verifier_accepts_what_cosign_signed_there(
    embedded, made, by, npm, judge
):
    ask = {"ours": judges.ours, "python": judges.Python(), "npm": npm}[judge]
    knows = judge != "python" or by != "key"

    def asked(artifact):
        root = loads_json(embedded.root.read_bytes(), max_bytes=10**6)
        return judges.Question(made.raw, root, made.policy, artifact)

    assert bool(ask(asked(DATA))) == knows
    assert not ask(asked(b"another file"))


def test_what_cosign_signed_with_another_token_is_refused_there(embedded, cosign):
    """A token that the instance did not issue certifies nobody."""
    forged = cosign.home / "forged.token"
    head, body, _ = embedded.token().read_text().strip().split(".")
    forged.write_text(f"{head}.{body}.{'A' * 86}")
    file = cosign.home / "file"
    file.write_bytes(DATA)

    said = cosign.refuses(
        "sign-blob",
        f"--identity-token={forged}",
        *embedded.where,
        "--bundle=bundle.json",
        "--yes",
        file,
    )

    assert not (cosign.home / "bundle.json").exists()
    assert "error" in said.lower()


def test_a_key_that_nobody_registered_writes_nothing_into_the_log(embedded, cosign):
    private, _ = cosign.generate_key()
    file = cosign.home / "file"
    file.write_bytes(DATA)

    said = cosign.refuses(
        "sign-blob",
        f"--key={private}",
        *embedded.where,
        "--bundle=bundle.json",
        "--yes",
        file,
    )

    assert '"code":"entry-signer"' in said
    assert not (cosign.home / "bundle.json").exists()
