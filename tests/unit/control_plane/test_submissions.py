# SPDX-License-Identifier: Apache-2.0
"""Attestations into the log, signatures of custodial identities, verification."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from control_plane.registry import repository as index
from control_plane.workflows.ledger import find, record
from keys.digest import Digest
from keys.strict import b64decode, b64encode
from signer.attestation import build_attestation, parse_attestation
from signer.dsse import IN_TOTO, Envelope, pae
from signer.predicates.base import ARTIFACT, RELEASE, RULE, TRUST_CHANGE
from signer.predicates.trust_change import Change, TrustChangePredicate
from signer.statement import Subject, build_statement
from signer.tlog.entry import hashedrekord_body
from signer.verify import Expected, verify_attestation
from tests.simulators.memory_key import MemoryKey
from tests.simulators.service import Signer
from tests.simulators.signing import Workshop

SUBJECT = Subject("file.bin", Digest.of(b"some bytes"))


@pytest.fixture
def jane(workspace):
    return workspace.register("jane", "author")


def _submit(workspace, raw, **options):
    body = {"attestation": b64encode(raw)}
    return workspace.http.post(f"{workspace.path}/attestations", json=body, **options)


def _pending(where, by, **changes):
    predicate = replace(where.artifact(by), **changes)
    return where.sign_pending([SUBJECT], predicate, by)


def test_a_logged_attestation_verifies_with_nothing_left_out(server, workspace, jane):
    answer = _submit(workspace, _pending(workspace, jane)).json()
    raw = b64decode(answer["attestation"])
    evidence = verify_attestation(
        raw,
        trust=server.services.workspaces.open("acme").published().trust,
        expected=Expected(ARTIFACT, (SUBJECT.digest,)),
        at=server.clock(),
    ).require()
    assert answer["digest"] == str(evidence.attestation.digest)
    assert answer["index"] == evidence.logged.index == 3


def test_the_same_bytes_again_are_one_leaf(server, workspace, jane):
    raw = _pending(workspace, jane)
    first = _submit(workspace, raw).json()
    before = server.everything()
    again = _submit(workspace, raw).json()
    assert again == first
    assert server.everything() == before


def test_the_same_statement_signed_again_is_the_first_leaf(server, workspace, jane):
    first = _submit(workspace, _pending(workspace, jane)).json()
    before = server.everything()
    again = _submit(workspace, _pending(workspace, jane)).json()
    assert (again["digest"], again["index"]) == (first["digest"], first["index"])
    assert server.everything() == before


def test_attestations_are_found_by_subject_in_pages(server, workspace, jane):
    for _ in range(3):
        server.clock.advance(seconds=1)
        _submit(workspace, _pending(workspace, jane))
    query = {"subject": str(SUBJECT.digest), "limit": 2}
    path = f"{workspace.path}/attestations"
    page = workspace.http.get(path, params=query).json()
    assert [one["index"] for one in page["items"]] == [3, 4]
    assert page["items"][0]["predicate_type"] == ARTIFACT
    assert page["items"][0]["identity"] == "jane"
    rest = workspace.http.get(path, params=query | {"start": page["next"]}).json()
    assert ([one["index"] for one in rest["items"]], rest["next"]) == ([5], None)
    nothing = {"subject": str(Digest.of(b"nothing"))}
    assert workspace.http.get(path, params=nothing).json()["items"] == []


def _unregistered(workspace, jane):
    return _pending(workspace, Signer("jane", MemoryKey.ecdsa()))


def _already_logged(workspace, jane):
    return b64decode(
        _submit(workspace, _pending(workspace, jane)).json()["attestation"]
    )


def _with_an_entry_of(workspace, jane, log_id: bytes, index: int | None = None):
    value = json.loads(_already_logged(workspace, jane))
    (entry,) = value["verificationMaterial"]["tlogEntries"]
    entry["logId"]["keyId"] = b64encode(log_id)
    if index is not None:
        entry["logIndex"] = entry["inclusionProof"]["logIndex"] = str(index)
    return json.dumps(value).encode()


def _of_another_log(workspace, jane):
    return _with_an_entry_of(workspace, jane, b"\0" * 32)


def _of_another_leaf(workspace, jane):
    log = workspace.server.services.workspaces.open("acme").log
    return _with_an_entry_of(workspace, jane, log.log_id, index=0)


def _without_time(workspace, jane):
    found = parse_attestation(_pending(workspace, jane))
    return build_attestation(envelope=found.envelope, key=jane.key.public_key)


def _time_of_another(workspace, jane):
    found = parse_attestation(_pending(workspace, jane))
    other = parse_attestation(
        _pending(
            workspace,
            jane,
            signed_at=workspace.server.clock() + timedelta(seconds=1),
        )
    )
    return build_attestation(
        envelope=found.envelope, key=jane.key.public_key, timestamps=other.timestamps
    )


def _changed(workspace, jane):
    found = parse_attestation(_pending(workspace, jane))
    payload = found.envelope.payload.replace(b"file.bin", b"other.bi")
    return build_attestation(
        envelope=replace(found.envelope, payload=payload),
        key=jane.key.public_key,
        timestamps=found.timestamps,
    )


def _foreign_workspace(workspace, jane):
    return _pending(workspace, jane, workspace=Digest.of(b"another root"))


def _as_another(workspace, jane):
    return _pending(workspace, jane, identity="control-plane-admin")


def _trust_change(workspace, jane):
    predicate = TrustChangePredicate(
        workspace=workspace.digest,
        targets_version=1,
        policy=SUBJECT.digest,
        previous=None,
        change=Change(kind="workspace-created"),
        at=workspace.server.clock(),
        checkpoint=None,
    )
    return workspace.sign_pending([SUBJECT], predicate, jane)


def _unknown_type(workspace, jane):
    statement = json.loads(build_statement([SUBJECT], workspace.artifact(jane)))
    statement["predicateType"] = "https://example.com/other/v1"
    payload = json.dumps(statement).encode()
    signature = jane.key.sign(pae(IN_TOTO, payload))
    envelope = Envelope(IN_TOTO, payload, jane.key.public_key.hint, signature)
    token = workspace.notary().timestamp(signature)
    return build_attestation(
        envelope=envelope, key=jane.key.public_key, timestamps=[token]
    )


@pytest.mark.parametrize(
    ("make", "status", "code"),
    [
        pytest.param(lambda *_: b"junk", 400, "json-format", id="junk"),
        pytest.param(lambda *_: b"{}", 422, "field-format", id="empty"),
        pytest.param(_unregistered, 403, "unknown-signer", id="unregistered-key"),
        pytest.param(_of_another_log, 422, "not-logged", id="entry-of-another-log"),
        pytest.param(_of_another_leaf, 422, "not-logged", id="entry-of-another-leaf"),
        pytest.param(_without_time, 422, "no-trusted-time", id="without-time"),
        pytest.param(_time_of_another, 422, "timestamp-mismatch", id="foreign-time"),
        pytest.param(_changed, 422, "signature-invalid", id="changed"),
        pytest.param(_foreign_workspace, 422, "workspace-mismatch", id="workspace"),
        pytest.param(_as_another, 422, "signer-mismatch", id="as-another"),
        pytest.param(_trust_change, 422, "signer-not-permitted", id="trust-change"),
        pytest.param(_unknown_type, 422, "unknown-predicate", id="unknown-type"),
    ],
)
def test_what_does_not_hold_is_not_logged(workspace, refused, make, status, code):
    raw = make(workspace, workspace.register("jane", "author"))
    refused(lambda: _submit(workspace, raw), status, code)


def test_an_attestation_with_its_own_entry_is_the_leaf_that_there_is(
    server, workspace, jane
):
    raw = _already_logged(workspace, jane)
    before = server.everything()
    assert b64decode(_submit(workspace, raw).json()["attestation"]) == raw
    assert server.everything() == before


def test_an_admins_own_trust_change_does_not_come_in_by_this_door(
    server, workspace, refused
):
    admin = Signer(
        "control-plane-admin",
        server.services.workspaces.open("acme").key("control-plane-admin"),
    )
    raw = _trust_change(workspace, admin)
    refused(lambda: _submit(workspace, raw), 403, "attestation-not-accepted")


def test_a_reporters_report_does_not_come_in_by_this_door(workspace, refused):
    runner = workspace.register("runner", "report")
    raw = workspace.report(runner)
    refused(lambda: _submit(workspace, raw), 403, "attestation-not-accepted")


def _said(workspace, by, make):
    """What stands behind a change of a rule, as its signer would say it."""
    said = replace(make, workspace=workspace.digest, identity=by.id)
    return workspace.sign_pending([SUBJECT], replace(said, new=SUBJECT.digest), by)


@pytest.mark.parametrize(
    ("permission", "said"),
    [("approve", Workshop().approval()), ("lint", Workshop().lint())],
    ids=["approval", "lint"],
)
def test_what_stands_behind_a_change_is_logged_for_who_may_say_it(
    server, workspace, refused, permission, said
):
    jane = workspace.register("jane", "author", "release")
    raw = _said(workspace, jane, said)
    refused(lambda: _submit(workspace, raw), 422, "signer-not-permitted")
    second = workspace.register("second", permission)
    answer = _submit(workspace, _said(workspace, second, said)).json()
    verify_attestation(
        b64decode(answer["attestation"]),
        trust=server.services.workspaces.open("acme").published().trust,
        expected=Expected(said.type, (SUBJECT.digest,), namespace="acme"),
        at=server.clock(),
    ).require()


@pytest.mark.parametrize("persisted", [False, True], ids=["failed", "persisted"])
def test_a_submission_survives_a_crash_at_any_write(server, workspace, jane, persisted):
    for writes in range(12):
        server.clock.advance(seconds=1)
        raw = _pending(workspace, jane)
        server.disk.crash(writes, persisted=persisted)
        answer = _submit(workspace, raw)
        server.restart()
        # The client has lost its signature too, and signs the same statement again.
        again = _submit(workspace, _pending(workspace, jane))
        assert again.status_code == 200, again.text
        items = workspace.http.get(f"{workspace.path}/audit/entries").json()["items"]
        assert [one["digest"] for one in items].count(again.json()["digest"]) == 1
        if answer.status_code == 200:
            return
    pytest.fail("the submission never succeeded")


class Overtaken:
    """A log in which another server's leaf comes before each of ours."""

    def __init__(self, log, body):
        self._log, self._body = log, body

    def __getattr__(self, name):
        return getattr(self._log, name)

    def append(self, bodies):
        self._log.append([self._body])
        return self._log.append(bodies)


def test_a_leaf_that_came_in_between_is_indexed_before_ours(server, workspace, jane):
    ours = server.services.workspaces.open("acme")
    other = hashedrekord_body(
        digest=Digest.of(b"other"), signature=b"signed", key=jane.key.public_key
    )
    raw, key = _pending(workspace, jane), jane.key.public_key
    late = replace(ours, log=Overtaken(ours.log, other))
    recorded = record(server.services, late, raw, key)
    with server.services.registry.read() as session:
        assert index.count_leaves(session, "acme") == recorded.index + 1
        assert index.find_leaf(session, "acme", Digest.of(b"other")) is not None
    assert find(server.services, ours, recorded.digest).raw == recorded.raw


# ---------------------------------------------------------------------- sign


@pytest.fixture
def bot(server, workspace):
    terms = workspace.terms("bot", "release")
    body = {"custodial": True, "identity": terms}
    answer = workspace.http.post(f"{workspace.path}/identities", json=body)
    assert answer.status_code == 201
    return server.token("release", subject="bot@example.com")


def _sign(workspace, token, **changes):
    body = {
        "identity": "bot",
        "predicate_type": ARTIFACT,
        "subjects": [{"name": SUBJECT.name, "digest": str(SUBJECT.digest)}],
    }
    path = f"{workspace.path}/sign"
    return workspace.http.post(path, json=body | changes, token=token)


def test_a_custodial_identity_signs_artifacts_for_its_principal(server, workspace, bot):
    answer = _sign(workspace, bot).json()
    question = {
        "attestation": answer["attestation"],
        "predicate_type": ARTIFACT,
        "subject": str(SUBJECT.digest),
    }
    verdict = workspace.http.post(f"{workspace.path}/verify", json=question).json()
    assert verdict["accepted"] is True
    assert verdict["facts"]["identity"] == "bot"


@pytest.mark.parametrize(
    "predicate_type",
    [RELEASE, RULE, TRUST_CHANGE, "https://example.com/x/v1", ""],
)
def test_the_service_signs_nothing_but_artifacts(
    workspace, bot, refused, predicate_type
):
    refused(
        lambda: _sign(workspace, bot, predicate_type=predicate_type),
        403,
        "signing-not-allowed",
    )


def test_a_role_grants_no_signing_right(server, workspace, bot, refused):
    for role in ("admin", "author", "release"):
        token = server.token(role, subject="somebody@example.com")
        refused(lambda t=token: _sign(workspace, t), 403, "signing-not-allowed")


def test_the_service_does_not_sign_for_keys_that_are_elsewhere(
    server, workspace, bot, jane, refused
):
    token = server.token("author", subject="jane@example.com")
    refused(
        lambda: _sign(workspace, token, identity="jane"), 403, "signing-not-allowed"
    )


def test_the_control_planes_admin_signs_for_nobody(server, workspace, bot, refused):
    token = server.token("admin", subject="control-plane")
    refused(
        lambda: _sign(workspace, token, identity="control-plane-admin"),
        403,
        "signing-not-allowed",
    )


def test_a_revoked_custodial_identity_signs_no_more(workspace, bot, refused):
    path = f"{workspace.path}/identities/bot/revoke"
    assert workspace.http.post(path, json={"reason": "gone"}).status_code == 200
    refused(lambda: _sign(workspace, bot), 403, "signing-not-allowed")


def test_a_custodial_identity_signs_in_its_window_only(server, workspace, refused):
    at = server.clock()
    terms = workspace.terms(
        "bot", "release", not_after=(at + timedelta(hours=1)).strftime("%FT%TZ")
    )
    body = {"custodial": True, "identity": terms}
    workspace.http.post(f"{workspace.path}/identities", json=body)
    token = server.token("release", subject="bot@example.com", ttl_seconds=86400)
    server.clock.advance(hours=1)
    assert _sign(workspace, token).status_code == 200
    server.clock.advance(seconds=1)
    refused(lambda: _sign(workspace, token), 403, "signing-not-allowed")


def test_a_custodial_identity_that_may_only_report_signs_no_artifact(
    server, workspace, refused
):
    body = {"custodial": True, "identity": workspace.terms("bot", "report")}
    workspace.http.post(f"{workspace.path}/identities", json=body)
    token = server.token("release", subject="bot@example.com")
    refused(lambda: _sign(workspace, token), 403, "signing-not-allowed")


def test_nobody_signs_nothing(workspace, bot, refused):
    refused(lambda: _sign(workspace, bot, identity="nobody"), 404, "not-found")
    refused(lambda: _sign(workspace, bot, subjects=[]), 422, "request-invalid")


# ---------------------------------------------------------------------- verify


def _ask(workspace, raw, predicate_type=ARTIFACT, subject=SUBJECT.digest):
    body = {
        "attestation": b64encode(raw),
        "predicate_type": predicate_type,
        "subject": str(subject),
    }
    answer = workspace.http.post(f"{workspace.path}/verify", json=body)
    assert answer.status_code == 200
    return answer.json()


def test_a_refusal_is_an_answer_with_its_code(server, workspace, jane):
    raw = b64decode(_submit(workspace, _pending(workspace, jane)).json()["attestation"])
    assert _ask(workspace, raw)["accepted"] is True
    other = Digest.of(b"other bytes")
    assert _ask(workspace, raw, subject=other)["code"] == "subject-mismatch"
    assert _ask(workspace, raw, predicate_type=RULE)["code"] == "predicate-type"
    assert _ask(workspace, _pending(workspace, jane))["code"] == "not-logged"
    before = server.everything()
    verdict = _ask(workspace, b"rubbish")
    assert (verdict["accepted"], verdict["code"]) == (False, "json-format")
    assert server.everything() == before
