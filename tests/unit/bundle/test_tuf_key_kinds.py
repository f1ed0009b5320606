# SPDX-License-Identifier: Apache-2.0
"""Kinds of keys that admins may hold: the gate's reader takes the strong ones only."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.signer import SSlibKey
from tuf.api.metadata import Metadata
from tuf.ngclient import Updater

from bundle.tuf.errors import TufKeyError, TufSignatureError
from bundle.tuf.root_draft import RootKeys, admin_keys, draft_root, sign_root
from bundle.tuf.rootchain import open_roots
from bundle.tuf.view import read_view
from keys.clock import utc_now
from signer.form import Custody, Form
from tests.simulators.memory_key import MemoryKey
from tests.simulators.tuf_mirror import URL, Mirror, Workspace

AT = utc_now()


@pytest.fixture(scope="module")
def mixed():
    """A sovereign workspace in which no two admin keys are of one kind."""
    workspace = Workspace.create(
        AT,
        sovereign=True,
        root_keys=[MemoryKey.ecdsa_p384(), MemoryKey.rsa()],
        targets_keys=[MemoryKey.ed25519(), MemoryKey.rsa(4096)],
    )
    workspace.publish_trust()
    workspace.publish_release(1)
    return workspace


def test_a_runner_reads_what_admins_signed_with_keys_of_every_kind(mixed):
    state = mixed.repository.current()

    seen = read_view(state.roots, state.targets, state.release, at=AT)

    assert seen.form is Form.SOVEREIGN
    assert seen.revision == 1
    admins = (*mixed.root_keys, *mixed.targets_keys)
    assert {key.public_key.key_id for key in admins} <= set(seen.role_keys)


def test_a_stock_client_reads_it_too(mixed, tmp_path):
    client = Updater(
        str(tmp_path),
        f"{URL}/metadata/",
        fetcher=Mirror(mixed.storage),
        bootstrap=mixed.root,
    )

    client.refresh()

    assert client.get_targetinfo("overlay/1/bundle.tar.gz")


@pytest.mark.parametrize("missing", [0, 1])
@pytest.mark.parametrize("role", ["root", "targets"])
def test_a_signature_of_any_kind_counts_only_while_it_holds(mixed, role, missing):
    state = mixed.repository.current()
    data, keys = {
        "root": (mixed.root, mixed.root_keys),
        "targets": (state.targets, mixed.targets_keys),
    }[role]
    metadata = Metadata.from_bytes(mixed.resign(data, lambda _: None, keys))
    signature = list(metadata.signatures.values())[missing]
    last = int(signature.signature[-1], 16)
    signature.signature = f"{signature.signature[:-1]}{last ^ 1:x}"
    broken = {"roots": state.roots, "targets": state.targets}
    broken |= {
        "root": {"roots": (metadata.to_bytes(),)},
        "targets": {"targets": metadata.to_bytes()},
    }[role]

    with pytest.raises(TufSignatureError):
        read_view(broken["roots"], broken["targets"], state.release, at=AT)


WEAK = {
    "RSA of 2048 bits": (
        rsa.generate_private_key(65537, 2048),
        "rsa",
        "rsassa-pss-sha256",
    ),
    "RSA with exponent 3": (
        rsa.generate_private_key(3, 3072),
        "rsa",
        "rsassa-pss-sha256",
    ),
    "RSA by PKCS #1 v1.5": (
        rsa.generate_private_key(65537, 3072),
        "rsa",
        "rsa-pkcs1v15-sha256",
    ),
    "secp256k1": (
        ec.generate_private_key(ec.SECP256K1()),
        "ecdsa",
        "ecdsa-sha2-nistp256",
    ),
    "P-521": (
        ec.generate_private_key(ec.SECP521R1()),
        "ecdsa",
        "ecdsa-sha2-nistp521",
    ),
    "P-384 with SHA-256": (
        ec.generate_private_key(ec.SECP384R1()),
        "ecdsa",
        "ecdsa-sha2-nistp256",
    ),
}


@pytest.mark.parametrize("role", ["root", "targets"])
@pytest.mark.parametrize("weak", WEAK.values(), ids=WEAK)
def test_a_root_that_names_a_weak_key_for_admins_is_refused(mixed, weak, role):
    private, keytype, scheme = weak
    pem = private.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    fields = {"x-trustacks-custody": "external"}
    key = SSlibKey("e" * 64, keytype, scheme, {"public": pem.decode()}, fields)

    def add(metadata):
        metadata.signed.version += 1
        metadata.signed.add_key(key, role)

    second = mixed.resign(mixed.root, add, mixed.root_keys)

    with pytest.raises(TufKeyError) as refused:
        open_roots([mixed.root, second])
    assert refused.value.code == "tuf-key"


def test_a_ceremony_drafts_and_signs_with_every_kind(mixed):
    admins = [*mixed.root_keys, *mixed.targets_keys]
    keys = RootKeys(
        root=admin_keys(key.public_key for key in admins),
        targets=admin_keys(key.public_key for key in admins),
        snapshot=admin_keys([MemoryKey.ed25519().public_key]),
        timestamp=admin_keys([MemoryKey.ecdsa_p384().public_key]),
        root_threshold=4,
    )
    draft = draft_root(keys, at=AT)

    for key in admins:
        draft = sign_root(draft, key)

    chain = open_roots([draft])
    assert chain.form is Form.SOVEREIGN
    assert str(Custody.EXTERNAL) in draft.decode()
