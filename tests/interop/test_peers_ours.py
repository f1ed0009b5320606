# SPDX-License-Identifier: Apache-2.0
"""What ``trustacks sign`` and ``attest`` make at real services, stock tools verify.

Files and statements, with a key and as subjects of identity tokens.
"""

from dataclasses import dataclass

import pytest

from keys.digest import Digest
from keys.strict import dumps_json, loads_json
from signer.signer_policy import IdentityPolicy, KeyPolicy
from tests.interop import judges
from tests.interop.peers import ours
from tests.simulators.memory_key import MemoryKey
from tests.simulators.sigstore import statement

pytestmark = pytest.mark.interop
FILE = b"a file that we sign"
OTHER = b"a file that nobody signed"
SAID = statement(FILE, b"another file, in the same statement")
TYPE = "https://example.com/built/v1"


@dataclass(frozen=True)
class Made:
    """A bundle, by whom it is, and how cosign is asked."""

    raw: bytes
    policy: IdentityPolicy | KeyPolicy
    flags: tuple[str, ...]
    command: tuple[str, ...]


@pytest.fixture(scope="module", params=["key", "person", "workload"])
def by(request):
    return request.param


@pytest.fixture(scope="module", params=["file", "statement"])
def made(request, instance, by, tmp_path_factory):
    commands = {
        "file": ("verify-blob",),
        "statement": ("verify-blob-attestation", f"--type={TYPE}"),
    }
    command = commands[request.param]
    if by == "key":
        key = MemoryKey.ecdsa()
        pem = tmp_path_factory.mktemp("key") / "key.pub"
        pem.write_text(key.public_key.pem)
        signer = ours.keyed(instance, key)
        signing = {
            "file": (signer.sign_file, FILE),
            "statement": (signer.sign_statement, SAID),
        }
        sign, what = signing[request.param]
        policy = KeyPolicy(key=key.public_key, authorities=1)
        return Made(sign(what), policy, (f"--key={pem}",), command)
    account = getattr(instance, by)
    signer, witnesses = ours.keyless(instance, account), ours.witnesses(instance)
    if request.param == "file":
        raw = signer.sign_file(FILE, Digest.of(FILE), witnesses)
    else:
        raw = signer.sign_statement(SAID, witnesses)
    return Made(raw, account.policy(authorities=1), account.flags, command)


@pytest.fixture(scope="module")
def npm():
    with judges.npm() as judge:
        yield judge


def asked(instance, made, **changes):
    given = {
        "bundle": made.raw,
        "root": loads_json(instance.trusted_root, max_bytes=10**6),
        "policy": made.policy,
        "artifact": FILE,
    }
    return judges.Question(**(given | changes))


def _without_log(raw):
    bundle = loads_json(raw, max_bytes=10**6)
    bundle["verificationMaterial"]["tlogEntries"] = []
    return dumps_json(bundle)


@pytest.mark.parametrize("judge", ["ours", "python", "npm"])
def test_each_verifier_accepts_ours_and_refuses_what_is_not_true(
    instance, made, by, npm, judge
):
    ask = {"ours": judges.ours, "python": judges.Python(), "npm": npm}[judge]
    knows = judge != "python" or by != "key"

    assert bool(ask(asked(instance, made))) == knows
    assert not ask(asked(instance, made, artifact=OTHER))
    assert not ask(asked(instance, made, bundle=_without_log(made.raw)))


def test_cosign_accepts_ours_and_refuses_what_is_not_true(
    instance, made, cosign, tmp_path
):
    files = {"file": FILE, "other": OTHER}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    command, *more = made.command

    def words(raw, root=instance.trusted_root_file):
        bundle = tmp_path / "bundle.json"
        bundle.write_bytes(raw)
        where = (f"--bundle={bundle}", f"--trusted-root={root}")
        return command, *made.flags, *where, *more

    assert "Verified OK" in cosign(*words(made.raw), tmp_path / "file")
    cosign.refuses(*words(made.raw), tmp_path / "other")
    cosign.refuses(*words(_without_log(made.raw)), tmp_path / "file")
