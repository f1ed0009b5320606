# SPDX-License-Identifier: Apache-2.0
"""Rules and releases that are signed through real services, with certificates.

Whoever signs them, each verifier accepts them: ours, stock cosign, the Python client and
npm's. And what is not true is refused by each.
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from keys.strict import loads_json
from signer.predicates.release import ReleasePredicate
from signer.predicates.rule import RulePredicate
from tests.interop import judges
from tests.interop.peers import ours, python_client
from tests.interop.peers.cosign import Cosign
from tests.interop.peers.workshop import FILES, PeerWorkshop

pytestmark = pytest.mark.interop
TYPES = {"rule": RulePredicate.type, "release": ReleasePredicate.type}


def _cosign(instance, account, statement):
    """Sign a statement of ours with stock cosign."""
    with TemporaryDirectory() as home:
        cosign = Cosign(Path(home))
        file, bundle = cosign.home / "statement.json", cosign.home / "bundle.json"
        file.write_bytes(statement)
        cosign(
            "attest-blob",
            f"--identity-token={cosign.token_file(account.token())}",
            f"--signing-config={instance.signing_config_file}",
            f"--trusted-root={instance.trusted_root_file}",
            f"--statement={file}",
            f"--bundle={bundle}",
            "--yes",
        )
        return bundle.read_bytes()


@dataclass(frozen=True)
class Made:
    """A bundle, and the trusted root that it is judged by."""

    raw: bytes
    root: bytes


def _in_workspace(shop, kind):
    """Our client for a workspace: its own log, the instance's certificate and time."""
    return Made(shop.sign(kind), shop.root_document)


def _at_instance(sign):
    def made(shop, kind):
        raw = sign(shop.instance, shop.account(kind), shop.statement(kind))
        return Made(raw, shop.instance.trusted_root)

    return made


SIGNERS = {
    "workspace": _in_workspace,
    "ours": _at_instance(ours.sign_statement),
    "sigstore": _at_instance(python_client.sign_statement),
    "cosign": _at_instance(_cosign),
}


@pytest.fixture(scope="module", params=FILES)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def shop(instance):
    return PeerWorkshop(instance)


@pytest.fixture(scope="module", params=SIGNERS)
def made(request, shop, kind):
    return SIGNERS[request.param](shop, kind)


@pytest.fixture(scope="module")
def npm():
    with judges.npm() as judge:
        yield judge


def _question(shop, kind, made, artifact=None, account=None):
    return judges.Question(
        bundle=made.raw,
        root=loads_json(made.root, max_bytes=10**6),
        policy=(account or shop.account(kind)).policy(authorities=1),
        artifact=artifact or next(iter(FILES[kind].values())),
    )


@pytest.mark.parametrize("judge", ["ours", "python", "npm"])
def test_each_verifier_accepts_it_and_refuses_what_is_not_true(
    shop, kind, made, npm, judge
):
    ask = {"ours": judges.ours, "python": judges.Python(), "npm": npm}[judge]
    others = {"rule": shop.instance.workload, "release": shop.instance.person}

    for artifact in FILES[kind].values():
        assert ask(_question(shop, kind, made, artifact)), judge
    assert not ask(_question(shop, kind, made, b"another file"))
    assert not ask(_question(shop, kind, made, account=others[kind]))


def test_cosign_accepts_it_and_refuses_what_is_not_true(
    shop, kind, made, cosign, tmp_path
):
    bundle, root = tmp_path / "bundle.json", tmp_path / "root.json"
    bundle.write_bytes(made.raw)
    root.write_bytes(made.root)
    asked = (f"--bundle={bundle}", f"--trusted-root={root}", f"--type={TYPES[kind]}")
    command = ("verify-blob-attestation", *asked)
    others = {"rule": shop.instance.workload, "release": shop.instance.person}
    file, other = tmp_path / "file", tmp_path / "other"
    other.write_bytes(b"another file")

    for data in FILES[kind].values():
        file.write_bytes(data)
        said = cosign(*command, *shop.account(kind).flags, file)
        assert "Verified OK" in said
    cosign.refuses(*command, *shop.account(kind).flags, other)
    cosign.refuses(*command, *others[kind].flags, file)
