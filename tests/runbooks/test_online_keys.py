# SPDX-License-Identifier: Apache-2.0
"""docs/runbooks/online-keys.md, while clients poll without a pause."""

import threading

from tuf.api.metadata import Metadata

from bundle.tuf.client import TufClient
from bundle.tuf.keys import identify
from keys.errors import TrustacksError
from tests.simulators.desk import PAGES


class Polling:
    """A client that refreshes as often as it can until it is told to end."""

    def __init__(self, desk, folder):
        self._root = (desk.table / "acme.root.json").read_bytes()
        self._url, self._folder = f"{desk.url}/w/acme", folder
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._poll)
        self.times, self.refused, self.roots = 0, [], set()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join(60)

    def _poll(self):
        client = TufClient(root=self._root, directory=self._folder, url=self._url)
        while not self._end.is_set():
            try:
                self.roots.add(len(client.refresh().roots))
                self.times += 1
            except TrustacksError as error:
                self.refused.append(error.code)


def test_there_is_no_moment_in_which_nothing_holds(settled, tmp_path):
    with Polling(settled, tmp_path / "polls") as polling:
        settled.play(PAGES / "online-keys.md")
    assert polling.refused == []
    assert polling.times > 10
    assert polling.roots == {1, 2}
    old, new = (
        settled.services.keystore.key("acme", "timestamp"),
        *settled.services.keystore.further("acme", "timestamp"),
    )
    assert signers(settled) == {old.public_key.key_id, new.public_key.key_id}
    settled.wait(hours=25)
    assert signers(settled) == {new.public_key.key_id}


def signers(desk):
    """Whose keys signed the timestamp, by the digest of the public key."""
    state = desk.services.workspaces.open("acme").repository.current()
    named = {}
    for one in state.chain.opened:
        root = one.signed
        named |= {k: identify(root.get_key(k)) for k in root.roles["timestamp"].keyids}
    return {named[k] for k in Metadata.from_bytes(state.timestamp).signatures}
