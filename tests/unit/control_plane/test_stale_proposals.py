# SPDX-License-Identifier: Apache-2.0
"""Which proposals are garbage: those that can never be published any more."""

import pytest

from bundle.audit.source import collect
from bundle.tuf.committed import read_committed
from bundle.tuf.keys import role_key
from bundle.tuf.proposal import Base, build_proposal
from control_plane.proposal_store import ProposalStore
from keys.digest import Digest
from keys.errors import NotFoundError
from signer.form import Custody
from tests.simulators.crashes import CHANGE, publish_handed_in, sovereign_change
from tests.simulators.storage import MemoryStorage
from tests.simulators.tuf_mirror import CHECKPOINT, FILES


def propose(world, files=FILES):
    state = read_committed(world.ws.storage)
    return build_proposal(
        Digest.of(world.ws.root),
        Base(state.top.version, Digest.of(state.targets)),
        state.top.version + 1,
        files,
        role_key(world.ws.release_key.public_key, Custody.CONTROL_PLANE),
        CHANGE,
        checkpoint=CHECKPOINT,
        at=world.at,
    )


def test_open_and_in_force_stay_stale_and_half_kept_go():
    world = sovereign_change()
    store = ProposalStore(world.ws.storage)
    stale = propose(world, {**FILES, "trust/policy.json": b"stale"})
    store.keep(stale, [b"stale"])
    store.keep(world.extra["proposal"], [b"in force"])
    publish_handed_in(world)
    now_open = propose(world)
    store.keep(now_open, [b"open"])
    world.ws.storage.put_immutable(f"proposals/{'0' * 64}/files/{'1' * 64}", b"half")
    found = set(store.stale(read_committed(world.ws.storage)))
    assert {name.split("/")[1] for name in found} == {stale.id.hex, "0" * 64}
    assert found == {
        *world.ws.storage.names(f"proposals/{stale.id.hex}/"),
        *world.ws.storage.names(f"proposals/{'0' * 64}/"),
    }


class Vanishing(MemoryStorage):
    """Lists what is collected before it is read."""

    def names(self, prefix):
        listed = {"metadata/": ["metadata/1.snapshot.json"]}
        return listed.get(prefix) or super().names(prefix)


def test_an_export_goes_on_where_garbage_is_collected_meanwhile():
    with pytest.raises(NotFoundError, match="log/checkpoint"):
        collect(Vanishing())
