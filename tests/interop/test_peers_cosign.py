# SPDX-License-Identifier: Apache-2.0
"""What stock cosign signs through real services, our verifier accepts, and nothing else.

Keyed and keyless, files and statements; by mail address and by workflow.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from keys.digest import Digest
from keys.public import PublicKey
from signer.signer_policy import IdentityPolicy, KeyPolicy, SignerPolicy
from signer.subject_pattern import SubjectPattern
from signer.trusted_root import TrustedRoot
from signer.verify_bundle import VerifiedBundle, verify_bundle
from tests.interop.peers.instance import PeerInstance

pytestmark = pytest.mark.interop
DATA = b"a file that cosign signs"
TYPE = "https://example.com/built/v1"


@dataclass
class Signing:
    """cosign, set up to sign one file at the instance."""

    instance: PeerInstance
    cosign: object
    file: Path
    flags: tuple[str, ...] = ()
    policy: SignerPolicy | None = None
    asks: tuple[str, ...] = ()

    def by_key(self) -> "Signing":
        key, public = self.cosign.generate_key()
        self.flags, self.asks = (f"--key={key}",), (f"--key={public}",)
        parsed = PublicKey.from_pem(public.read_bytes())
        self.policy = KeyPolicy(key=parsed, authorities=1)
        return self

    def by(self, account) -> "Signing":
        token = self.cosign.token_file(account.token())
        self.flags, self.asks = (f"--identity-token={token}",), account.flags
        self.policy = account.policy(authorities=1)
        return self

    def sign(self) -> bytes:
        return self._run("sign-blob")

    def attest(self) -> bytes:
        predicate = self.file.with_name("predicate.json")
        predicate.write_text('{"took": 1.5, "by": ["é", null]}')
        return self._run("attest-blob", f"--predicate={predicate}", f"--type={TYPE}")

    def verify(self, raw: bytes, **changes: object) -> VerifiedBundle:
        asked = {
            "artifact": DATA,
            "trusted_root": TrustedRoot.parse(self.instance.trusted_root),
            "policy": self.policy,
        }
        return verify_bundle(raw, **(asked | changes))

    def _run(self, command: str, *words: str) -> bytes:
        bundle = self.file.with_name("bundle.json")
        self.cosign(
            command,
            *self.flags,
            *words,
            f"--signing-config={self.instance.signing_config_file}",
            f"--trusted-root={self.instance.trusted_root_file}",
            f"--bundle={bundle}",
            "--yes",
            self.file,
        )
        return bundle.read_bytes()


@pytest.fixture(params=["key", "person", "workload"])
def signing(request, instance, cosign, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(DATA)
    made = Signing(instance, cosign, file)
    if request.param == "key":
        return made.by_key()
    return made.by(getattr(instance, request.param))


@pytest.mark.parametrize("command", ["sign", "attest"])
def test_what_cosign_signs_is_accepted(signing, command):
    raw = getattr(signing, command)()

    for artifact in (DATA, Digest.of(DATA)):
        evidence = signing.verify(raw, artifact=artifact).require()
        assert [log.origin for log in evidence.logged] == ["localhost"]
        assert len(evidence.times) == 1


@pytest.mark.parametrize(
    ("command", "code"),
    [
        # A statement is not about the file; a signature of a file is not of this one.
        ("attest", "subject-mismatch"),
        ("sign", "artifact-mismatch"),
    ],
)
def test_what_cosign_signed_is_not_accepted_for_another_file(signing, command, code):
    raw = getattr(signing, command)()

    assert signing.verify(raw, artifact=b"another").result.code == code


def test_what_one_signed_is_not_accepted_of_another(signing, cosign):
    raw = signing.attest()
    issuer, mallory = signing.instance.person.issuer.url, "mallory@example.com"
    _, other = cosign.generate_key("other")
    others = {
        KeyPolicy: KeyPolicy(key=PublicKey.from_pem(other.read_bytes())),
        IdentityPolicy: IdentityPolicy(
            issuer=issuer, subject=SubjectPattern.exactly(mallory)
        ),
    }
    codes = {
        (KeyPolicy, KeyPolicy): {"signature-invalid"},
        (KeyPolicy, IdentityPolicy): {"signer-kind"},
        (IdentityPolicy, KeyPolicy): {"signer-kind"},
        # The workflow's token is of another issuer as well.
        (IdentityPolicy, IdentityPolicy): {"identity-mismatch", "issuer-mismatch"},
    }

    for kind, policy in others.items():
        code = signing.verify(raw, policy=policy).result.code
        assert code in codes[type(signing.policy), kind]


def test_the_root_of_another_instance_accepts_none(signing):
    raw = signing.sign()
    root = signing.instance.trusted_root.replace(b"localhost", b"elsewhere")

    refused = signing.verify(raw, trusted_root=TrustedRoot.parse(root))
    assert refused.result.code == "checkpoint-signature"


def test_an_empty_root_accepts_none(signing):
    """Whether it lacks the authority or the log is asked first is not said here."""
    raw = signing.sign()
    empty = b'{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}'

    refused = signing.verify(raw, trusted_root=TrustedRoot.parse(empty))
    assert refused.result.code in {"unknown-log", "no-trusted-time"}
