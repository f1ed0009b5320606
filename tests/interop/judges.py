# SPDX-License-Identifier: Apache-2.0
"""Three verifiers of one bundle: ours, the Python client's, and npm's.

Each gets the same root, artifact and signer; what a client leaves to its caller, the
payload's type and subject, is asked of its answer here, as ours asks it.
"""

import json
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sigstore.models import Bundle
from sigstore.models import TrustedRoot as TheirRoot
from sigstore.verify import Verifier, policy

from keys.digest import Digest
from keys.errors import TrustacksError
from keys.strict import b64decode, b64encode, dumps_json
from signer.dsse import IN_TOTO
from signer.signer_policy import IdentityPolicy, KeyPolicy
from signer.statement import read_digests
from signer.trusted_root import TrustedRoot
from signer.verify_bundle import verify_bundle

MODULES = Path(__file__).parents[2] / ".cache" / "npm" / "node_modules"
PROGRAM = Path(__file__).with_name("sigstore_js.cjs")
VERSION = "4.1.3"
ABSENT = f"SKIPPED: @sigstore/verify {VERSION} absent (.ci/run installs it)"


@dataclass(frozen=True)
class Question:
    """A bundle, and who is said to have signed what."""

    bundle: bytes
    root: dict[str, Any]
    policy: IdentityPolicy | KeyPolicy
    artifact: bytes


@dataclass(frozen=True)
class Answer:
    """Why a bundle is refused, in the judge's own words; none if it is accepted."""

    refused: str | None = None

    def __bool__(self) -> bool:
        return self.refused is None


def about(payload_type: str, payload: bytes, artifact: bytes) -> Answer:
    """Ask of a verified payload what a client leaves to its caller."""
    if payload_type != IN_TOTO:
        return Answer(f"the caller: payload type {payload_type}")
    try:
        digests = read_digests(payload)
    except TrustacksError as error:
        return Answer(f"the caller: {error}")
    found = Digest.of(artifact) in digests
    return Answer(None if found else "the caller: subject")


def ours(asked: Question) -> Answer:
    """Judge with ``verify_bundle``."""
    try:
        root = TrustedRoot.parse(dumps_json(asked.root))
    except TrustacksError as error:
        return Answer(error.code)
    code = verify_bundle(
        asked.bundle, artifact=asked.artifact, trusted_root=root, policy=asked.policy
    ).result.code
    return Answer(code)


@dataclass
class Python:
    """The Python client; it knows no keys."""

    _verifiers: dict[bytes, Verifier] = field(default_factory=dict)

    def __call__(self, asked: Question) -> Answer:
        try:
            return self._judge(asked)
        except Exception as error:  # noqa: BLE001 - its errors have no common class
            return Answer(f"{type(error).__name__}: {error}"[:200])

    def _judge(self, asked: Question) -> Answer:
        who = asked.policy
        if isinstance(who, KeyPolicy):
            return Answer("no keys")
        wanted = policy.AllOf(
            [
                policy.Identity(identity=who.subject.text),
                policy.OIDCIssuerV2(who.issuer),
            ]
        )
        verifier = self._verifier(dumps_json(asked.root))
        bundle = Bundle.from_json(asked.bundle)
        if bundle._dsse_envelope is None:
            verifier.verify_artifact(asked.artifact, bundle, wanted)
            return Answer()
        kind, payload = verifier.verify_dsse(bundle, wanted)
        return about(kind, payload, asked.artifact)

    def _verifier(self, root: bytes) -> Verifier:
        if root not in self._verifiers:
            with tempfile.NamedTemporaryFile() as file:
                file.write(root)
                file.flush()
                found = Verifier(trusted_root=TheirRoot.from_file(file.name))
            self._verifiers[root] = found
        return self._verifiers[root]


@dataclass
class Npm:
    """npm's verifier, in one process that reads many questions."""

    process: "subprocess.Popen[bytes]"

    def __call__(self, asked: Question) -> Answer:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            bundle = asked.bundle.decode()
        except UnicodeDecodeError:
            return Answer("not UTF-8")  # its callers read text
        question = {
            "bundle": bundle,
            "root": dumps_json(asked.root).decode(),
            "artifact": b64encode(asked.artifact),
            **self._who(asked.policy),
        }
        self.process.stdin.write(json.dumps(question).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the process of npm's verifier has ended"
        answer = json.loads(line)
        if "refused" in answer:
            return Answer(answer["refused"][:200])
        if answer["payload"] is None:
            return Answer()
        payload = b64decode(answer["payload"])
        return about(answer["payloadType"], payload, asked.artifact)

    def _who(self, who: IdentityPolicy | KeyPolicy) -> dict[str, str]:
        if isinstance(who, KeyPolicy):
            return {"key": b64encode(who.key.spki)}
        return {"subject": who.subject.text, "issuer": who.issuer}


@contextmanager
def npm() -> Iterator[Npm]:
    """Start npm's verifier, or skip, visibly, where it is not installed."""
    node, package = shutil.which("node"), MODULES / "@sigstore/verify/package.json"
    if node is None or not package.exists():
        pytest.skip(ABSENT)
    assert json.loads(package.read_text())["version"] == VERSION
    process = subprocess.Popen(
        [node, PROGRAM, MODULES],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"]},
    )
    try:
        yield Npm(process)
    finally:
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()
        process.wait(timeout=30)


@contextmanager
def quietly() -> Iterator[None]:
    """Without the warnings of libraries about certificates that a test made odd."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
