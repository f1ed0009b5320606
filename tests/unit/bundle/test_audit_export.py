# SPDX-License-Identifier: Apache-2.0
"""An export takes what its checkpoint covers, while the workspace keeps on working."""

from datetime import UTC, datetime

import pytest

from bundle.audit.pack import export_pack, read_pack
from bundle.rego.embedded import EmbeddedEngine
from keys.errors import NotFoundError
from signer.tlog.entry import pae_digest_of
from tests.simulators.evidence import AuditedWorkspace, log_files
from tests.simulators.storage import MemoryStorage

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def acme():
    with EmbeddedEngine() as engine:
        workspace = AuditedWorkspace(AT, engine)
        workspace.release(workspace.rule())
        yield workspace


@pytest.fixture
def storage(acme):
    copy = acme.storage.copy()
    copy.objects |= log_files(acme.log.bodies, acme.log.origin, acme.log.key)
    copy.sealed = True
    return copy


def export(storage):
    return read_pack(export_pack(storage, name="acme", at=AT))


def test_an_export_holds_everything_that_was_published_and_logged(acme, storage):
    pack = export(storage)
    kept = {n for n in storage.objects if not n.startswith("journal/")}
    assert set(pack.files) == kept
    assert len(pack.names("attestations/")) == len(acme.log.bodies)


def test_an_export_writes_nothing(storage):
    export(storage)
    assert storage.writes == []


def test_an_attestation_whose_leaf_is_still_to_come_stays_out(storage):
    storage.objects["attestations/" + "0" * 64 + ".sigstore.json"] = b"{}"
    assert "attestations/" + "0" * 64 + ".sigstore.json" not in export(storage).files


def test_private_files_of_the_server_stay_out(storage):
    storage.objects["journal/log"] = b"secret"
    storage.objects["log/other"] = b"secret"
    assert b"secret" not in export_pack(storage, name="acme", at=AT)


def test_a_tile_that_grew_meanwhile_is_cut_to_the_checkpoint(acme, storage):
    bodies = acme.log.bodies
    grown = log_files(bodies * 100, acme.log.origin, acme.log.key)
    before = export(storage).files
    small = [n for n in storage.objects if n.startswith("log/tile/") and ".p/" in n]
    for name in small:
        del storage.objects[name]
    storage.objects |= {
        n: c for n, c in grown.items() if ".p/" not in n and n != "log/checkpoint"
    }
    after = export(storage).files
    assert {n: bytes(c) for n, c in after.items()} == {
        n: bytes(c) for n, c in before.items()
    }


def test_a_missing_attestation_is_left_for_replay_to_name(acme, storage):
    name = f"attestations/{pae_digest_of(acme.log.bodies[1]).hex}.sigstore.json"
    del storage.objects[name]
    data = export_pack(storage, name="acme", at=AT)
    assert "evidence-withheld" in acme.replay(data).codes


def test_what_is_read_later_covers_what_was_read_earlier(storage):
    export(storage)
    order = ["metadata/", "targets/", "chain/", "log/checkpoint", "log/tile", "attest"]
    places = [
        next(i for i, name in enumerate(storage.reads) if name.startswith(part))
        for part in order
    ]
    assert places == sorted(places)


def test_a_store_without_a_log_is_not_exported():
    with pytest.raises(NotFoundError):
        export_pack(MemoryStorage(), name="acme", at=AT)
