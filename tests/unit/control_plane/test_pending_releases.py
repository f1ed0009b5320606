# SPDX-License-Identifier: Apache-2.0
"""Releases that wait for signatures: kept, signed, published once, and forgotten."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from bundle.pending import PendingRelease
from control_plane import limits
from control_plane.pending_store import PendingStore
from control_plane.workflows.garbage import collect_garbage
from control_plane.workflows.trust import change_trust, following
from keys.digest import Digest
from keys.strict import b64decode, b64encode
from signer.attestation import join_jsonl, parse_attestation
from signer.predicates.trust_change import RULES_CHANGED, Change
from signer.sign import attest
from tests.simulators.service import ControlPlane, Signer, Workspace


@dataclass(frozen=True)
class House:
    """A workspace whose releases two must sign, and who may."""

    workspace: Workspace
    author: Signer
    ci: Signer
    ops: Signer
    third: Signer
    rule: bytes

    @property
    def server(self):
        return self.workspace.server

    def request(self, by=None, **chosen):
        return self.workspace.release_request(by or self.ci, self.rule, **chosen)

    def sent(self, request):
        """The body of a release that is to wait."""
        lines = join_jsonl([self.rule, b64decode(request["release"])])
        return {"bundle": request["bundle"], "attestations": b64encode(lines)}

    def keep(self, request=None, **body):
        given = self.sent(request or self.request()) | body
        return self.http.post(f"{self.workspace.path}/pending-releases", json=given)

    def kept(self, **chosen):
        answer = self.keep(self.request(**chosen))
        assert answer.status_code == 201, answer.text
        return answer.json()

    @property
    def http(self):
        return self.workspace.http

    def show(self, digest):
        path = f"{self.workspace.path}/pending-releases/{digest}"
        return self.http.get(path).json()

    def signature(self, digest, by):
        """What a further releaser makes of the statement that waits."""
        shown = self.show(digest)
        pending = PendingRelease.of(
            b64decode(shown["bundle"]), b64decode(shown["attestations"])
        )
        return self.signed(pending.statement, by)

    def signed(self, statement, by):
        return attest(statement, key=by.key, notary=self.workspace.notary())

    def sign(self, digest, by, raw=None):
        given = {"attestation": b64encode(raw or self.signature(digest, by))}
        path = f"{self.workspace.path}/pending-releases/{digest}/signatures"
        return self.http.post(path, json=given)

    def publish(self, digest):
        shown = self.show(digest)
        pending = PendingRelease.of(
            b64decode(shown["bundle"]), b64decode(shown["attestations"])
        )
        sent = {
            "bundle": shown["bundle"],
            "attestations": shown["attestations"],
            "release": b64encode(pending.sorted.release),
        }
        return self.workspace.publish(sent)

    def published(self, revision=1, predecessor=None):
        digest = self.kept(revision=revision, predecessor=predecessor)["digest"]
        self.sign(digest, self.ops)
        answer = self.publish(digest)
        assert answer.status_code == 201, answer.text
        return Digest.parse(digest)

    def change_trust(self, **changes):
        services = self.server.services
        workspace = services.workspaces.open("acme")
        policy = workspace.published().trust.policy
        policy = replace(policy, version=policy.version + 1, **changes)
        change = following(workspace.published(), policy, Change(kind=RULES_CHANGED))
        change_trust(services, workspace, change, at=self.server.clock())


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    made = ControlPlane(tmp_path_factory.mktemp("house") / "state")
    workspace = made.create_workspace()
    author = workspace.register("jane", "author")
    people = [workspace.register(one, "release") for one in ("ci", "ops", "third")]
    found = House(workspace, author, *people, workspace.rule(author))
    found.change_trust(thresholds={"rule": 1, "release": 2})
    made.close()
    return found


@pytest.fixture
def server(tmp_path, built):
    shutil.copytree(built.server.settings.state, tmp_path / "state")
    found = ControlPlane(tmp_path / "state")
    yield found
    found.close()


@pytest.fixture
def house(server, built):
    return replace(built, workspace=replace(built.workspace, server=server))


# ------------------------------------------------------------------ good


def test_a_release_waits_and_is_published_with_the_second_signature(house):
    kept = house.kept()
    assert (kept["status"], kept["signers"], kept["threshold"]) == ("open", ["ci"], 2)
    refused = house.workspace.publish(house.request())
    assert refused.json()["code"] == "threshold-not-met"
    signed = house.sign(kept["digest"], house.ops).json()
    assert (signed["status"], signed["signers"]) == ("signed", ["ci", "ops"])
    answer = house.publish(kept["digest"])
    assert (answer.status_code, answer.json()["digest"]) == (201, kept["digest"])
    assert house.show(kept["digest"])["status"] == "published"
    name = f"chain/{Digest.parse(kept['digest']).hex}.cosigned.sigstore.jsonl"
    served = house.http.get(f"/w/acme/{name}")
    assert served.status_code == 200
    assert parse_attestation(served.content.strip()).key_id == (
        house.ops.key.public_key.key_id
    )


def test_everything_can_be_done_twice(house):
    request = house.request()
    first = house.keep(request).json()
    assert house.keep(request).json() == first
    raw = house.signature(first["digest"], house.ops)
    signed = house.sign(first["digest"], house.ops, raw).json()
    assert house.sign(first["digest"], house.ops, raw).json() == signed
    assert house.sign(first["digest"], house.ops).json() == signed
    assert house.publish(first["digest"]).status_code == 201
    again = house.publish(first["digest"])
    assert (again.status_code, again.json()["revision"]) == (201, 1)
    assert house.keep(request).json()["status"] == "published"


def test_one_principal_takes_one_place_among_the_signatures(house):
    """An OIDC subject signs with a new key each time: it would fill them all."""
    ops = {"principal": "ops@example.com"}
    more = [house.workspace.register(f"ops-{i}", "release", **ops) for i in (1, 2)]
    digest = house.kept()["digest"]
    house.sign(digest, house.ops)
    for other in more:
        answer = house.sign(digest, other)
        assert (answer.status_code, answer.json()["signers"]) == (201, ["ci", "ops"])
    assert house.sign(digest, house.third).json()["signers"] == ["ci", "ops", "third"]


def test_the_next_release_follows_one_that_two_signed(house):
    first = house.published()
    second = house.published(revision=2, predecessor=first)
    shown = house.http.get(f"{house.workspace.path}/releases").json()["items"]
    assert [one["digest"] for one in shown] == [str(first), str(second)]


def test_those_that_wait_are_listed_by_revision(house):
    one, two = house.kept(), house.kept(by=house.ops)
    path = f"{house.workspace.path}/pending-releases"
    listed = house.http.get(path).json()["items"]
    assert {item["digest"] for item in listed} == {one["digest"], two["digest"]}
    assert {item["identity"] for item in listed} == {"ci", "ops"}


# ------------------------------------------------------------------ stale


def test_the_second_of_two_is_stale_once_the_first_is_published(house):
    lost, won = house.kept(), house.kept(by=house.ops)
    house.sign(won["digest"], house.ci)
    raw = house.signature(lost["digest"], house.ops)
    assert house.publish(won["digest"]).status_code == 201
    assert house.show(lost["digest"])["status"] == "stale"
    for answer in (
        house.sign(lost["digest"], house.ops, raw),
        house.publish(lost["digest"]),
        house.keep(),
    ):
        assert (answer.status_code, answer.json()["code"]) == (
            409,
            "release-predecessor-stale",
        )
        assert answer.json()["evidence"]["head"]["digest"] == won["digest"]


def test_a_release_that_waits_is_stale_under_other_trust_and_past_its_expiry(house):
    under = house.kept()
    house.change_trust(thresholds={"rule": 1, "release": 3})
    assert house.show(under["digest"])["status"] == "stale"
    late = house.kept()
    house.server.clock.advance(days=7)
    assert house.show(late["digest"])["status"] == "stale"


def test_who_was_revoked_meanwhile_counts_no_more(house):
    kept = house.kept()
    house.sign(kept["digest"], house.ops)
    end = {"reason": "stolen"}
    house.http.post(f"{house.workspace.path}/identities/ops/revoke", json=end)
    shown = house.show(kept["digest"])
    assert (shown["signers"], shown["status"]) == (["ci"], "stale")


@pytest.mark.parametrize("round_", range(3))
def test_of_two_that_are_published_at_once_one_wins(house, round_):
    """Both have all signatures; each publisher calls at the same time, twice."""
    both = [house.kept()["digest"], house.kept(by=house.ops)["digest"]]
    house.sign(both[0], house.ops)
    house.sign(both[1], house.third)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(house.publish, both * 2))
    codes = [answer.status_code for answer in answers]
    assert sorted(codes) == [201, 201, 409, 409]
    won = {a.json()["digest"] for a in answers if a.status_code == 201}
    assert len(won) == 1
    shown = house.http.get(f"{house.workspace.path}/releases").json()["items"]
    assert [one["digest"] for one in shown] == list(won)


def test_signatures_that_come_at_once_are_all_kept(house):
    digest = house.kept()["digest"]
    made = [house.signature(digest, one) for one in (house.ops, house.third)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda raw: house.sign(digest, None, raw), made * 2))
    assert sorted(house.show(digest)["signers"]) == ["ci", "ops", "third"]


# ------------------------------------------------------------------ refused


def test_what_could_not_be_published_is_not_kept(house, refused):
    request = house.request(bundle_revision=2)
    refused(lambda: house.keep(request), 422, "manifest-revision")


def test_a_rule_that_nobody_signed_is_not_kept(house, refused):
    request = house.request()
    alone = b64encode(join_jsonl([b64decode(request["release"])]))
    refused(lambda: house.keep(request, attestations=alone), 422, "attestation-set")


def test_rubbish_is_not_kept(house, refused):
    request = house.request()
    for attestations, code in (
        (b"{}\n", "field-format"),
        (b"", "attestation-set"),
        (join_jsonl([house.rule]), "attestation-set"),
        (b"no newline", "attestation-format"),
    ):
        given = b64encode(attestations) if attestations else ""
        refused(lambda: house.keep(request, attestations=given), 422, code)  # noqa: B023


def test_an_unlogged_release_is_not_kept(house, refused):
    request = house.request()
    document = json.loads(b64decode(request["release"]))
    document["verificationMaterial"]["tlogEntries"] = []
    bare = json.dumps(document).encode()
    given = b64encode(join_jsonl([house.rule, bare]))
    refused(lambda: house.keep(request, attestations=given), 422, "not-logged")


def signed_by_an_author(house, digest):
    raw = house.signature(digest, house.third)
    other = parse_attestation(house.rule)
    assert other.digest != parse_attestation(raw).digest
    return house.rule, "pending-mismatch"


def of_another_release(house, digest):
    other = house.kept(by=house.ops)
    return house.signature(other["digest"], house.third), "pending-mismatch"


def altered(house, digest):
    raw = house.signature(digest, house.ops)
    signature = parse_attestation(raw).envelope.signature
    forged = bytes([*signature[:-1], signature[-1] ^ 1])
    return (
        raw.replace(b64encode(signature).encode(), b64encode(forged).encode()),
        "signature-invalid",
    )


@pytest.mark.parametrize("attack", [signed_by_an_author, of_another_release, altered])
def test_what_is_no_further_signature_is_refused(house, refused, attack):
    digest = house.kept()["digest"]
    raw, code = attack(house, digest)
    refused(lambda: house.sign(digest, house.ops, raw), 422, code)


def test_who_may_not_release_cannot_even_log_a_signature(house):
    digest = house.kept()["digest"]
    with pytest.raises(AssertionError, match="signer-not-permitted"):
        house.signature(digest, house.author)


def test_of_what_is_not_there_nothing_is_said(house, refused):
    for digest, status, code in (
        (str(Digest.of(b"none")), 404, "not-found"),
        ("md5:1", 422, "field-format"),
    ):
        path = f"{house.workspace.path}/pending-releases/{digest}"
        refused(lambda: house.http.get(path), status, code)  # noqa: B023


def test_an_auditor_reads_and_keeps_nothing(house, refused):
    token = house.server.token("auditor")
    headers = {"authorization": f"Bearer {token}"}
    path, sent = f"{house.workspace.path}/pending-releases", house.sent(house.request())
    refused(
        lambda: house.http.post(path, json=sent, headers=headers), 403, "not-permitted"
    )
    assert house.http.get(path, headers=headers).status_code == 200


def test_no_more_wait_than_anybody_signs(house, monkeypatch):
    monkeypatch.setattr(limits, "MAX_PENDING_RELEASES", 2)
    first = house.kept()
    house.kept(by=house.ops)
    answer = house.keep(house.request(by=house.third))
    assert (answer.status_code, answer.json()["code"]) == (409, "too-many-pending")
    house.sign(first["digest"], house.ops)
    house.publish(first["digest"])
    second = Digest.parse(first["digest"])
    assert house.kept(revision=2, predecessor=second)["status"] == "open"


# ------------------------------------------------------------------ crashes


@pytest.mark.long
@pytest.mark.parametrize("persisted", [False, True], ids=["failed", "persisted"])
def test_a_crash_at_any_write_is_repaired_by_the_same_calls(server, house, persisted):
    digest, revision = None, 1
    for writes in range(14):
        server.clock.advance(seconds=1)
        request = house.request(revision=revision, predecessor=digest)
        release = parse_attestation(b64decode(request["release"]))
        raw = house.signed(release.envelope.payload, house.ops)
        named = str(release.digest)
        server.disk.crash(writes, persisted=persisted)
        first = house.keep(request)
        second = house.sign(named, house.ops, raw)
        server.restart()
        assert house.keep(request).status_code == 201
        signed = house.sign(named, house.ops, raw).json()
        assert signed["signers"] == ["ci", "ops"]
        assert house.publish(named).status_code == 201
        digest, revision = Digest.parse(named), revision + 1
        if (first.status_code, second.status_code) == (201, 201):
            return
    pytest.fail("neither call ever succeeded")


@pytest.mark.long
@pytest.mark.parametrize("persisted", [False, True], ids=["failed", "persisted"])
def test_a_crash_at_any_write_of_the_last_step_publishes_once(server, house, persisted):
    digest, revision = None, 1
    for writes in range(24):
        server.clock.advance(seconds=1)
        named = house.kept(revision=revision, predecessor=digest)["digest"]
        house.sign(named, house.ops)
        server.disk.crash(writes, persisted=persisted)
        answer = house.publish(named)
        server.restart()
        assert house.publish(named).status_code == 201
        shown = house.http.get(f"{house.workspace.path}/releases").json()["items"]
        assert [one["revision"] for one in shown] == list(range(1, revision + 1))
        digest, revision = Digest.parse(named), revision + 1
        if answer.status_code == 201:
            return
    pytest.fail("the release was never published at once")


def test_a_publish_that_crashed_with_one_signer_is_published_with_another(
    server, house
):
    """Its further signature lies in the chain already; it was good, and stays."""
    for writes in range(24):
        server.clock.advance(seconds=1)
        copy = house.kept()["digest"]
        house.sign(copy, house.ops)
        server.disk.crash(writes, persisted=True)
        house.publish(copy)
        server.restart()
        name = f"chain/{Digest.parse(copy).hex}.cosigned.sigstore.jsonl"
        if house.http.get(f"/w/acme/{name}").status_code == 200:
            break
    shown = house.show(copy)
    assert shown["status"] == "signed"
    lines = b64decode(shown["attestations"]).splitlines()
    third = house.signature(copy, house.third)
    sent = {
        "bundle": shown["bundle"],
        "attestations": b64encode(join_jsonl([*lines[:-1], third])),
        "release": b64encode(lines[1]),
    }
    assert house.workspace.publish(sent).status_code == 201


# ------------------------------------------------------------------ garbage


def test_what_waits_stays_and_what_is_stale_goes_after_the_grace(server, house):
    storage = server.services.workspaces.storage("acme")
    lost, won = house.kept(), house.kept(by=house.ops)
    storage.put_immutable(f"pending/{'0' * 64}/bundle.tar.gz", b"half")
    house.sign(won["digest"], house.ci)
    house.publish(won["digest"])
    digest = Digest.parse(won["digest"])
    waits = house.kept(revision=2, predecessor=digest)
    collect_garbage(server.services, "acme")
    assert len(PendingStore(storage).digests()) == 3
    server.clock.advance(days=6)
    fresh = house.kept(revision=2, predecessor=digest)
    server.clock.advance(days=1, seconds=1)
    collect_garbage(server.services, "acme")
    left = {str(one) for one in PendingStore(storage).digests()}
    assert left == {waits["digest"], fresh["digest"]}, "first seen stale just now"
    assert lost["digest"] not in left
    assert not storage.names(f"pending/{'0' * 64}/")
