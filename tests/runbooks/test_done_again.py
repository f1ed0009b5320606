# SPDX-License-Identifier: Apache-2.0
"""A command that is given again after its server died signs another event; replay takes it.

The server had logged the first event, and died before what it is about was published.
"""

import contextlib

import httpx
import pytest

from bundle.tuf.root_draft import sign_root
from bundle.tuf.rootchain import open_roots
from control_plane.workflows.ledger import catch_up, record
from keys.providers import open_signing_key
from keys.strict import b64decode, loads_json
from trustacks._cli.config import load_config
from trustacks.client import Client
from trustacks.pinned import PinnedStore
from trustacks.proposing import propose
from trustacks.rooting import RootWish, next_root, publish_root
from trustacks.trust_changes import renewal
from trustacks.trusting import TrustDesk


class Dying(httpx.HTTPTransport):
    """A server that logs the event of the last request, and dies."""

    def __init__(self, desk, place):
        super().__init__()
        self._desk, self._place = desk, place

    def handle_request(self, request):
        if request.method != "POST" or not request.url.path.endswith(self._place):
            return super().handle_request(request)
        event = loads_json(request.read(), max_bytes=1 << 20)["event"]
        services = self._desk.services
        workspace = services.workspaces.open("acme")
        key = workspace.published().trust.policy.identity("ann").public_key
        with workspace.lock:
            catch_up(services, workspace)
            record(services, workspace, b64decode(event), key)
        raise httpx.ConnectError("died", request=request)


@contextlib.contextmanager
def dying(settled, place):
    """Ann's desk, before a server that dies at this place."""
    person = settled.person("Ann")
    login = load_config(person.home).login()
    store = PinnedStore(
        person.home / "workspaces", root=login.root, url=login.url, name="acme"
    )
    transport = Dying(settled, place)
    with Client(login.url, token=login.token, transport=transport) as client:
        yield TrustDesk(store, client.workspace("acme"), settled.clock, lambda _: None)


def key_of(settled, name):
    person = settled.person(name.partition("-")[0].capitalize())
    words = (person.folder / "passphrase").read_text().strip()
    uri = f"encfile:{person.home}/keys/{name}.pem"
    return open_signing_key(uri, lambda _: words)


def require_replay(settled, kind):
    settled.must("Ann", "trustacks audit export -o pack.tar")
    told = settled.must("Ann", "trustacks audit replay pack.tar --json").value
    kinds = [one["kind"] for one in told["timeline"]]
    assert kinds.count(kind) > 1


def test_a_root_is_published_by_the_second_try(settled):
    with dying(settled, "/trust/roots") as desk:
        roots = open_roots(desk.store.roots())
        draft = next_root(roots, RootWish(), at=settled.clock())
        for name in ("ann-root", "ben-root"):
            draft = sign_root(draft, key_of(settled, name), previous=roots.current)
        with pytest.raises(Exception, match="died"):
            publish_root(desk, draft, key_of(settled, "ann-admin"))
    (settled.table / "2.root.json").write_bytes(draft)
    assert settled.must("Ann", "trustacks root show").out.startswith("root 1")
    settled.must("Ann", "trustacks root publish 2.root.json --admin-key ann-admin")
    assert settled.must("Ann", "trustacks root show").out.startswith("root 2")
    require_replay(settled, "root-change")


def test_trust_is_in_force_by_the_second_try(settled):
    with dying(settled, "/publish") as desk:
        made = propose(desk, renewal())
        for name in ("ann-targets", "ben-targets"):
            desk.sign(desk.review(made.proposal.id), key_of(settled, name))
        with pytest.raises(Exception, match="died"):
            desk.publish(desk.review(made.proposal.id), key_of(settled, "ann-admin"))
    settled.must("Ann", "trustacks trust approve --admin-key ann-admin")
    require_replay(settled, "trust-change")
