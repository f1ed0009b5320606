# SPDX-License-Identifier: Apache-2.0
"""Bad roots, proposals, signatures and events for a sovereign workspace by HTTP.

Whoever sends them has an admin's token. Each is refused by its code, and not a byte of
the server's storage is another afterwards.
"""

import json
from functools import partial

import pytest

from bundle.limits import MAX_ROOT_BYTES
from keys.digest import Digest
from keys.strict import b64encode
from tests.cli.test_cli_ceremony import Admins
from tests.cli.test_cli_trust_bad_input import K256, P521, RSA_2048
from tests.simulators.plane import tree
from trustacks.client import Client
from trustacks.errors import ControlPlaneRefusalError

NAME = "hostile"
NOBODY = Digest.of(b"nobody")


class Server:
    """A sovereign workspace, and what an admin's token may send to it."""

    def __init__(self, admins, client):
        self.whole = admins.whole(NAME, admins.folder / "ceremony")
        self.folder = admins.plane.state / "workspaces" / NAME
        self.root = json.loads(self.whole.read_bytes())
        self.client = client

    def code(self, path, **sent):
        before = tree(self.folder)
        with pytest.raises(ControlPlaneRefusalError) as refused:
            self.client.workspace(NAME).post(path, sent)
        assert tree(self.folder) == before
        return refused.value.passed_code


@pytest.fixture(scope="module")
def server(plane, tmp_path_factory):
    admins = Admins(tmp_path_factory.mktemp("hostile"), plane)
    token = plane.admin_token.read_text().strip()
    with Client(plane.url, token=token) as client:
        yield Server(admins, client)


# ------------------------------------------------------------------- documents


def text(document):
    return json.dumps(document).encode()


def next_root(root, **fields):
    return text(root | {"signed": root["signed"] | {"version": 2} | fields})


def with_key(root, *, pem, **kind):
    """The next root, in which one key is another."""
    keys = dict(root["signed"]["keys"])
    keyid = root["signed"]["roles"]["root"]["keyids"][0]
    keys[keyid] = keys[keyid] | {"keyval": {"public": pem}} | kind
    return next_root(root, keys=keys)


def with_role(root, **fields):
    roles = root["signed"]["roles"]
    return next_root(root, roles=roles | {"targets": roles["targets"] | fields})


def key(pem, keytype, scheme):
    return partial(with_key, pem=pem, keytype=keytype, scheme=scheme)


def a_key_twice(root):
    return next_root(root).replace(b'"version"', b'"version": 3, "version"')


def one_key_id_twice(root):
    ids = root["signed"]["roles"]["targets"]["keyids"]
    return with_role(root, keyids=ids * 2)


ROOTS = {
    "nothing": (lambda _: b"", "json-format"),
    "no JSON": (lambda _: b"{", "json-format"),
    "another encoding": (lambda r: next_root(r).decode().encode("utf-16"), "json-format"),
    "nested without end": (lambda _: b"[" * 100_000, "limit-exceeded"),
    "larger than a root": (lambda r: next_root(r) + b" " * MAX_ROOT_BYTES, "limit-exceeded"),
    "a key of JSON twice": (a_key_twice, "json-format"),
    "a list": (lambda r: text([r]), "tuf-format"),
    "no root": (lambda r: next_root(r, _type="targets"), "tuf-format"),
    "the first again, but another": (partial(next_root, version=1), "tuf-root-chain"),
    "a fraction of a number": (partial(next_root, version=2.5), "json-format"),
    "an expiry that is none": (partial(next_root, expires="never"), "tuf-format"),
    "nobody's signature": (lambda r: text(json.loads(next_root(r)) | {"signatures": []}), "tuf-signature"),
    "the signatures of the root before": (next_root, "tuf-signature"),
    "PEM of nothing": (key("x", "ecdsa", "ecdsa-sha2-nistp256"), "tuf-key"),
    "RSA of 2048 bits": (key(RSA_2048, "rsa", "rsassa-pss-sha256"), "tuf-key"),
    "an unknown curve": (key(K256, "ecdsa", "ecdsa-sha2-nistp256"), "tuf-key"),
    "a curve that is not accepted": (key(P521, "ecdsa", "ecdsa-sha2-nistp521"), "tuf-key"),
    "a threshold of none": (partial(with_role, threshold=0), "tuf-format"),
    "a threshold below none": (partial(with_role, threshold=-1), "tuf-format"),
    "a threshold above the keys": (partial(with_role, threshold=9), "tuf-signature"),
    "one key id twice": (one_key_id_twice, "tuf-format"),
    "a key that is not there": (partial(with_role, keyids=["0" * 64]), "tuf-key"),
}  # fmt: skip


@pytest.mark.parametrize("name", ROOTS)
def test_a_bad_root_is_not_published(server, name):
    change, code = ROOTS[name]
    root = b64encode(change(server.root))
    assert server.code("/trust/roots", root=root, event="") == code


PROPOSALS = {
    "nothing": (b"", "json-format"),
    "no JSON": (b"{", "json-format"),
    "a list": (b"[]", "field-format"),
    "nested without end": (b"[" * 100_000, "limit-exceeded"),
    "a key twice": (b'{"format": "x", "format": "x"}', "json-format"),
    "another format": (b'{"format": "x"}', "field-format"),
}


@pytest.mark.parametrize("name", PROPOSALS)
def test_a_bad_proposal_is_not_kept(server, name):
    document, code = PROPOSALS[name]
    sent = {"proposal": b64encode(document), "files": []}
    assert server.code("/trust/proposals", **sent) == code


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"key": str(NOBODY), "signature": b64encode(b"x")}, "not-found"),
        ({"key": "x", "signature": b64encode(b"x")}, "request-invalid"),
        ({"key": str(NOBODY), "signature": "!"}, "request-invalid"),
    ],
    ids=["of a proposal that is not there", "a key that is none", "no base64"],
)
def test_a_bad_signature_is_not_kept(server, sent, code):
    assert server.code(f"/trust/proposals/{NOBODY}/signatures", **sent) == code


@pytest.mark.parametrize("role", ["root", "targets", "", "../x"])
def test_no_key_is_made_for_a_role_that_admins_hold(server, role):
    assert server.code("/trust/online-keys", role=role) == "usage"
