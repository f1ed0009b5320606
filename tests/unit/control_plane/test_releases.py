# SPDX-License-Identifier: Apache-2.0
"""Releases through the gate, what readers see of them, and crashes in between."""

import shutil
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from bundle.tuf.view import read_view
from control_plane.workflows import release_chain, releases
from keys.digest import Digest
from keys.strict import b64decode, b64encode
from signer.attestation import build_attestation, join_jsonl, parse_attestation
from signer.dsse import Envelope
from tests.simulators.memory_key import MemoryKey
from tests.simulators.service import RULE_ID, ControlPlane, Signer, Workspace


@dataclass(frozen=True)
class House:
    """A workspace with an author, a releaser and a signed rule."""

    workspace: Workspace
    author: Signer
    releaser: Signer
    rule: bytes

    def request(self, **chosen):
        return self.workspace.release_request(self.releaser, self.rule, **chosen)

    def publish(self, request=None, **options):
        return self.workspace.publish(request or self.request(), **options)

    def head(self):
        return self.workspace.http.get(self.workspace.path).json()["release"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    made = ControlPlane(tmp_path_factory.mktemp("house") / "state")
    workspace = made.create_workspace()
    author = workspace.register("jane", "author")
    releaser = workspace.register("rel", "release")
    found = House(workspace, author, releaser, workspace.rule(author))
    made.close()
    return found


@pytest.fixture
def server(tmp_path, built):
    shutil.copytree(built.workspace.server.settings.state, tmp_path / "state")
    found = ControlPlane(tmp_path / "state")
    yield found
    found.close()


@pytest.fixture
def house(server, built):
    return replace(built, workspace=replace(built.workspace, server=server))


def _view(server):
    committed = server.services.workspaces.open("acme").repository.current()
    return read_view(
        committed.roots, committed.targets, committed.release, at=server.clock()
    )


def test_a_published_release_is_what_tuf_lists(server, house):
    request = house.request()
    answer = house.publish(request)
    assert answer.status_code == 201, answer.text
    shown = answer.json()
    view = _view(server)
    assert view.revision == shown["revision"] == 1
    archive = b64decode(request["bundle"])
    listed = view.overlay["overlay/1/bundle.tar.gz"].digest
    assert listed == Digest.of(archive) == Digest.parse(shown["archive"])
    assert house.head() == {k: shown[k] for k in ("revision", "digest", "expires")}


def test_the_attestations_that_are_published_hold_the_releases_own(server, house):
    request = house.request()
    house.publish(request)
    lines = server.services.workspaces.open("acme").repository.read(
        "overlay/1/attestations.sigstore.jsonl", max_bytes=2**20
    )
    assert lines == join_jsonl([b64decode(request["release"]), house.rule])


def test_the_release_may_be_among_its_attestations_already(house):
    request = house.request()
    lines = join_jsonl([house.rule, b64decode(request["release"])])
    answer = house.publish(request | {"attestations": b64encode(lines)})
    assert answer.status_code == 201, answer.text


def test_a_release_can_be_shown_with_its_attestation(house):
    request = house.request()
    house.publish(request)
    path = f"{house.workspace.path}/releases"
    shown = house.workspace.http.get(f"{path}/1").json()
    assert shown["attestation"] == request["release"]
    assert shown["identity"] == "rel"
    digest = Digest.parse(shown["digest"])
    chain = f"/w/acme/chain/{digest.hex}.sigstore.json"
    assert house.workspace.http.get(chain).content == b64decode(request["release"])


def test_the_rules_in_force_name_their_author_and_citation(house):
    house.publish()
    rules = house.workspace.http.get(f"{house.workspace.path}/rules").json()
    (rule,) = rules["items"]
    assert (rules["revision"], rules["retired"]) == (1, [])
    assert (rule["rule_id"], rule["identity"]) == (RULE_ID, "jane")
    assert rule["citation"]["id"] == "CM-TICKET-REQUIRED-001"
    assert rule["head"] == str(parse_attestation(house.rule).digest)


def test_before_the_first_release_there_are_no_rules(house):
    path = f"{house.workspace.path}/rules"
    rules = house.workspace.http.get(path).json()
    assert rules == {"revision": None, "items": [], "retired": []}


def test_releases_follow_each_other_and_old_ones_stay_in_the_chain(server, house):
    digests = []
    for revision in range(1, 6):
        server.clock.advance(seconds=1)
        predecessor = digests[-1] if digests else None
        request = house.request(revision=revision, predecessor=predecessor)
        answer = house.publish(request)
        assert answer.status_code == 201, answer.text
        digests.append(Digest.parse(answer.json()["digest"]))
    listed = {path.split("/")[1] for path in _view(server).overlay}
    assert listed == {"3", "4", "5"}
    for digest in digests:
        path = f"/w/acme/chain/{digest.hex}.sigstore.json"
        assert house.workspace.http.get(path).status_code == 200
    query = {"start": 2, "limit": 3}
    path = f"{house.workspace.path}/releases"
    page = house.workspace.http.get(path, params=query).json()
    assert [one["revision"] for one in page["items"]] == [2, 3, 4]
    rest = house.workspace.http.get(path, params={"start": page["next"]}).json()
    assert [one["revision"] for one in rest["items"]] == [5]


def test_a_publish_reads_as_much_of_the_chain_after_many_releases(house, monkeypatch):
    read, known = [], None
    of_the_chain = release_chain.read_chain

    def counted(workspace, digest):
        read[-1] += 1
        return of_the_chain(workspace, digest)

    monkeypatch.setattr(release_chain, "read_chain", counted)
    monkeypatch.setattr(releases, "read_chain", counted)
    for revision in range(1, 6):
        read.append(0)
        request = house.request(revision=revision, predecessor=known)
        known = Digest.parse(house.publish(request).json()["digest"])
    assert read[2] == read[3] == read[4]


def test_the_answer_to_a_lost_answer_is_the_same(server, house):
    request = house.request()
    first = house.publish(request).json()
    before = server.everything()
    again = house.publish(request)
    assert (again.status_code, again.json()) == (201, first)
    assert server.everything() == before


# ---------------------------------------------------------------------- refusals


def test_the_loser_of_a_race_is_told_the_new_head(house, refused):
    house.publish()
    head = house.head()
    for changes in (
        {"revision": 1},
        {"revision": 2, "predecessor": Digest.of(b"another")},
        {"revision": 3, "predecessor": Digest.parse(head["digest"])},
    ):
        house.workspace.server.clock.advance(seconds=1)
        request = house.request(**changes)
        body = refused(
            lambda r=request: house.publish(r), 409, "release-predecessor-stale"
        )
        assert body["evidence"]["head"] == {
            "revision": 1,
            "digest": head["digest"],
        }


def test_the_first_release_has_no_predecessor(house, refused):
    request = house.request(revision=2, predecessor=Digest.of(b"nothing"))
    body = refused(lambda: house.publish(request), 409, "release-predecessor-stale")
    assert body["evidence"]["head"] is None


def _unregistered(house):
    return house.request() | _signed_by(house, Signer("rel", MemoryKey.ecdsa()))


def _signed_by(house, signer):
    raw = b64decode(house.request()["release"])
    return {"release": b64encode(_resigned(raw, signer))}


def _resigned(raw, signer):
    found = parse_attestation(raw)
    envelope = Envelope(
        found.envelope.payload_type,
        found.envelope.payload,
        signer.key.public_key.hint,
        signer.key.sign(found.envelope.pae),
    )
    return build_attestation(
        envelope=envelope,
        key=signer.key.public_key,
        timestamps=found.timestamps,
        entries=found.entries,
    )


def _by_the_author(house):
    return house.request() | _signed_by(house, house.author)


@pytest.mark.parametrize(
    ("make", "status", "code"),
    [
        pytest.param(_unregistered, 403, "unknown-signer", id="unregistered-key"),
        pytest.param(_by_the_author, 422, "timestamp-mismatch", id="by-the-author"),
        pytest.param(
            lambda h: h.request() | {"release": b64encode(h.rule)},
            422,
            "predicate-type",
            id="a-rule-attestation",
        ),
        pytest.param(
            lambda h: h.request() | {"release": b64encode(b"{}")},
            422,
            "field-format",
            id="no-attestation",
        ),
        pytest.param(
            lambda h: h.request() | {"attestations": b64encode(b"x")},
            422,
            "attestation-format",
            id="no-lines",
        ),
        pytest.param(
            lambda h: h.request() | {"bundle": "%%%"},
            422,
            "request-invalid",
            id="base64",
        ),
        pytest.param(
            lambda h: h.request() | {"extra": ""}, 422, "request-invalid", id="extra"
        ),
    ],
)
def test_what_is_no_release_is_not_even_stored(house, refused, make, status, code):
    request = make(house)
    refused(lambda: house.publish(request), status, code)


def _flipped(house):
    request = house.request()
    archive = bytearray(b64decode(request["bundle"]))
    archive[len(archive) // 2] ^= 1
    return request | {"bundle": b64encode(bytes(archive))}


@pytest.mark.parametrize(
    ("make", "code"),
    [
        pytest.param(_flipped, "archive-format", id="one-bit-of-the-bundle"),
        pytest.param(
            lambda h: h.request() | {"bundle": b64encode(b"x")},
            "archive-format",
            id="another-bundle",
        ),
        pytest.param(
            lambda h: h.request() | {"attestations": ""},
            "attestation-set",
            id="rule-attestation-missing",
        ),
        pytest.param(
            lambda h: h.request(bundle_revision=7),
            "manifest-revision",
            id="bundle-of-another-revision",
        ),
    ],
)
def test_what_the_gate_refuses_no_reader_ever_sees(server, house, make, code):
    request = make(house)
    checkpoint = server.http.get("/w/acme/log/checkpoint").content
    timestamp = server.http.get("/w/acme/metadata/timestamp.json").content
    answer = house.publish(request)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert server.http.get("/w/acme/metadata/timestamp.json").content == timestamp
    assert server.http.get("/w/acme/log/checkpoint").content == checkpoint
    assert _view(server).revision is None
    assert house.head() is None
    server.clock.advance(seconds=1)
    assert house.publish().status_code == 201


def test_a_release_made_before_a_trust_change_is_refused(house, server):
    request = house.request()
    house.workspace.register("joe", "author")
    answer = house.publish(request)
    assert answer.json()["code"] == "parents-not-current"
    assert house.head() is None


def test_a_release_of_a_revoked_identity_is_refused(house, refused):
    request = house.request()
    path = f"{house.workspace.path}/identities/rel/revoke"
    house.workspace.http.post(path, json={"reason": "stolen"})
    refused(lambda: house.publish(request), 422, "revoked")


def test_an_expired_release_is_refused(server, house):
    request = house.request()
    server.clock.at += timedelta(days=7, seconds=1)
    assert house.publish(request).status_code == 422
    assert house.head() is None


@pytest.mark.parametrize("revision", ["0", "-1", "x", "99999999999"])
def test_a_revision_that_cannot_be_is_refused(house, refused, revision):
    path = f"{house.workspace.path}/releases/{revision}"
    refused(lambda: house.workspace.http.get(path), 422, "request-invalid")


def test_a_revision_that_is_not_there_is_not_found(house, refused):
    path = f"{house.workspace.path}/releases/9"
    refused(lambda: house.workspace.http.get(path), 404, "not-found")


# ---------------------------------------------------------------------- crashes


@pytest.mark.long
@pytest.mark.parametrize("persisted", [False, True], ids=["failed", "persisted"])
def test_a_publish_survives_a_crash_at_any_write(server, house, persisted):
    """Readers see the old or the new state; the same request then succeeds."""
    revision, predecessor = 1, None
    for writes in range(12):
        server.clock.advance(seconds=1)
        request = house.request(revision=revision, predecessor=predecessor)
        server.disk.crash(writes, persisted=persisted)
        answer = house.publish(request)
        server.restart()
        seen = _view(server).revision or 0
        assert seen in (revision - 1, revision)
        assert (house.head() or {"revision": 0})["revision"] == seen
        again = house.publish(request)
        assert again.status_code == 201, again.text
        assert again.json()["revision"] == revision
        if answer.status_code == 201:
            assert seen == revision
            return
        revision += 1
        predecessor = Digest.parse(again.json()["digest"])
    pytest.fail("the publish never succeeded")


def test_the_registry_can_be_rebuilt_from_log_and_storage(server, house):
    for revision in (1, 2):
        server.clock.advance(seconds=1)
        head = house.head()
        predecessor = Digest.parse(head["digest"]) if head else None
        assert (
            house.publish(
                house.request(revision=revision, predecessor=predecessor)
            ).status_code
            == 201
        )
    derived = ("workspaces", "leaves", "subjects", "releases", "reports")
    before = {name: server.everything()[name] for name in derived}
    server.close()
    for path in server.settings.state.glob("registry.sqlite3*"):
        path.unlink()
    server.services.state.admin_token.unlink()
    server._start()
    server.restart()
    assert {name: server.everything()[name] for name in derived} == before
    assert house.head()["revision"] == 2
