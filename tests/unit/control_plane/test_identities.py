# SPDX-License-Identifier: Apache-2.0
from datetime import timedelta

import pytest

from control_plane.limits import CHALLENGE_SECONDS
from keys.digest import Digest
from keys.strict import b64decode, b64encode
from signer.attestation import parse_attestation
from signer.predicates.base import IDENTITY_PROOF, TRUST_CHANGE
from signer.predicates.identity_proof import IdentityProofPredicate
from signer.statement import Subject, parse_statement
from tests.simulators.memory_key import MemoryKey


def _identities(workspace):
    found = workspace.http.get(f"{workspace.path}/identities").json()["items"]
    return {one["id"]: one for one in found}


def _leaves(workspace):
    items = workspace.http.get(f"{workspace.path}/audit/entries").json()["items"]
    return [(one["predicate_type"], one["identity"]) for one in items]


def _asked(workspace, identity_id="jane", **changes):
    """A key with an open challenge, and its proof."""
    key = MemoryKey.ecdsa()
    terms = workspace.terms(identity_id, "author", **changes)
    return key, workspace.proof(terms, key, workspace.challenge(terms, key))


def test_a_registered_identity_is_in_the_trust_policy_and_the_log(workspace):
    jane = workspace.register("jane", "author", namespaces=["acme"])
    shown = workspace.http.get(f"{workspace.path}/identities/jane").json()
    assert shown == _identities(workspace)["jane"]
    assert shown["key_id"] == jane.key.public_key.key_id
    assert shown["permissions"] == ["author"]
    assert shown["namespaces"] == ["acme"]
    assert (shown["custody"], shown["revoked"]) == ("external", None)
    assert shown["trust_policy_version"] == 2
    assert _leaves(workspace) == [
        (TRUST_CHANGE, "control-plane-admin"),
        (IDENTITY_PROOF, "jane"),
        (TRUST_CHANGE, "control-plane-admin"),
    ]


def test_each_registration_is_one_version_of_policy_and_targets(workspace):
    for version, name in enumerate(("a", "b", "c"), 2):
        workspace.register(name, "author")
        shown = workspace.http.get(workspace.path).json()
        assert shown["trust_policy_version"] == shown["targets_version"] == version


def test_the_answer_to_a_lost_answer_is_the_same(server, workspace):
    key, proof = _asked(workspace)
    first = workspace.post_proof(proof, key)
    before = server.everything()
    again = workspace.post_proof(proof, key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert server.everything() == before


def test_a_challenge_is_answered_once(server, workspace, refused):
    key, proof = _asked(workspace)
    assert workspace.post_proof(proof, key).status_code == 201
    terms = workspace.terms("jane2", "author")
    given = _reused_challenge(proof, workspace)
    other = MemoryKey.ecdsa()
    stolen = workspace.proof(terms, other, given)
    refused(lambda: workspace.post_proof(stolen, other), 422, "challenge-unknown")


def _reused_challenge(proof, workspace):
    payload = parse_attestation(proof).envelope.payload
    said = IdentityProofPredicate.parse(parse_statement(payload).predicate).to_json()
    return {**said, "workspace": str(workspace.digest)}


def test_a_challenge_ends_after_an_hour(server, workspace, refused):
    key, proof = _asked(workspace)
    server.clock.at += timedelta(seconds=CHALLENGE_SECONDS)
    refused(lambda: workspace.post_proof(proof, key), 422, "challenge-expired")
    server.clock.at -= timedelta(seconds=1)
    assert workspace.post_proof(proof, key).status_code == 201


def test_a_challenge_of_nobody_is_refused(workspace, refused):
    key = MemoryKey.ecdsa()
    terms = workspace.terms("jane", "author")
    given = workspace.challenge(terms, key)
    invented = {**given, "challenge": b64encode(b"x" * 32)}
    proof = workspace.proof(terms, key, invented)
    refused(lambda: workspace.post_proof(proof, key), 422, "challenge-unknown")


def test_other_terms_than_those_of_the_challenge_are_refused(workspace, refused):
    key = MemoryKey.ecdsa()
    given = workspace.challenge(workspace.terms("jane", "author"), key)
    proof = workspace.proof(workspace.terms("jane", "release"), key, given)
    refused(lambda: workspace.post_proof(proof, key), 422, "challenge-unknown")


def test_another_key_than_that_of_the_challenge_is_refused(workspace, refused):
    terms = workspace.terms("jane", "author")
    given = workspace.challenge(terms, MemoryKey.ecdsa())
    thief = MemoryKey.ecdsa()
    proof = workspace.proof(terms, thief, given)
    refused(lambda: workspace.post_proof(proof, thief), 422, "challenge-unknown")


def test_a_proof_with_another_public_key_is_refused(workspace, refused):
    _, proof = _asked(workspace)
    refused(
        lambda: workspace.post_proof(proof, MemoryKey.ecdsa()), 403, "unknown-signer"
    )


def test_a_challenge_of_another_workspace_is_refused(server, workspace, refused):
    other = server.create_workspace("other")
    key = MemoryKey.ecdsa()
    terms = workspace.terms("jane", "author")
    given = other.challenge(terms, key)
    theirs = other.proof(terms, key, given)
    refused(lambda: workspace.post_proof(theirs, key), 422, "workspace-mismatch")
    moved = workspace.proof(terms, key, {**given, "workspace": str(workspace.digest)})
    refused(lambda: workspace.post_proof(moved, key), 422, "challenge-unknown")


def test_an_id_is_taken_for_ever(server, workspace, refused):
    workspace.register("jane", "author")
    body = {
        "identity": workspace.terms("jane", "author"),
        "public_key": MemoryKey.ecdsa().public_key.pem,
    }
    path = f"{workspace.path}/identity-challenges"
    refused(lambda: server.http.post(path, json=body), 409, "identity-exists")
    _revoke(workspace, "jane")
    refused(lambda: server.http.post(path, json=body), 409, "identity-exists")


def test_of_two_open_challenges_for_one_id_the_first_proof_wins(workspace, refused):
    first, proof = _asked(workspace)
    second, late = _asked(workspace)
    assert workspace.post_proof(proof, first).status_code == 201
    refused(lambda: workspace.post_proof(late, second), 409, "identity-exists")


@pytest.mark.parametrize(
    "purpose",
    ["root", "targets", "snapshot", "timestamp", "release", "control-plane-admin"],
)
def test_a_key_with_another_purpose_is_no_identitys(
    server, workspace, refused, purpose
):
    pem = server.services.keystore.key("acme", purpose).public_key.pem
    body = {"identity": workspace.terms("jane", "author"), "public_key": pem}
    path = f"{workspace.path}/identity-challenges"
    refused(lambda: server.http.post(path, json=body), 422, "key-reused")


@pytest.mark.parametrize("purpose", ["tsa", "tsa-ca"])
def test_the_servers_own_keys_are_no_identitys(server, workspace, refused, purpose):
    pem = server.services.keystore.key("_server", purpose).public_key.pem
    body = {"identity": workspace.terms("jane", "author"), "public_key": pem}
    path = f"{workspace.path}/identity-challenges"
    refused(lambda: server.http.post(path, json=body), 422, "key-reused")


def test_one_key_is_one_identity(server, workspace, refused):
    jane = workspace.register("jane", "author")
    body = {
        "identity": workspace.terms("joe", "author"),
        "public_key": jane.key.public_key.pem,
    }
    path = f"{workspace.path}/identity-challenges"
    refused(lambda: server.http.post(path, json=body), 422, "key-reused")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        pytest.param({"permissions": []}, 422, "request-invalid", id="none"),
        pytest.param({"permissions": ["god"]}, 422, "request-invalid", id="unknown"),
        pytest.param({"permissions": ["author"] * 2}, 422, "field-format", id="twice"),
        pytest.param({"custody": "mine"}, 422, "request-invalid", id="custody"),
        pytest.param({"namespaces": ["A"]}, 422, "unsafe-trust-policy", id="namespace"),
        pytest.param(
            {"namespaces": ["*", "a"]}, 422, "unsafe-trust-policy", id="all-and-some"
        ),
        pytest.param({"id": "A B"}, 422, "unsafe-trust-policy", id="id"),
        pytest.param(
            {"not_after": "2020-01-01T00:00:00Z"},
            422,
            "unsafe-trust-policy",
            id="window",
        ),
        pytest.param({"not_after": "2020"}, 422, "field-format", id="instant"),
        pytest.param({"extra": 1}, 422, "request-invalid", id="unknown-field"),
    ],
)
def test_terms_that_nobody_can_mean_get_no_challenge(
    workspace, refused, changes, status, code
):
    body = {
        "identity": workspace.terms("jane", "author") | changes,
        "public_key": MemoryKey.ecdsa().public_key.pem,
    }
    path = f"{workspace.path}/identity-challenges"
    refused(lambda: workspace.http.post(path, json=body), status, code)


def test_an_ed25519_key_is_no_identitys(server, workspace, refused):
    body = {
        "identity": workspace.terms("jane", "author"),
        "public_key": MemoryKey.ed25519().public_key.pem,
    }
    path = f"{workspace.path}/identity-challenges"
    refused(lambda: server.http.post(path, json=body), 422, "unsafe-trust-policy")


# ---------------------------------------------------------------------- custodial


def _custodial(workspace, identity_id="bot", *permissions, **changes):
    terms = workspace.terms(identity_id, *(permissions or ("release",)), **changes)
    return workspace.http.post(
        f"{workspace.path}/identities", json={"custodial": True, "identity": terms}
    )


def test_a_custodial_identity_says_whose_it_is_whatever_was_asked(server, workspace):
    answer = _custodial(workspace, custody="external")
    assert answer.status_code == 201
    assert answer.json()["custody"] == "control-plane"
    path = server.settings.state / "keys" / "acme" / "identity-bot.pem"
    assert path.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert (IDENTITY_PROOF, "bot") in _leaves(workspace)


def test_the_same_custodial_identity_again_is_the_same(server, workspace):
    first = _custodial(workspace).json()
    before = server.everything()
    assert _custodial(workspace).json() == first
    assert server.everything() == before


def test_a_custodial_identity_on_other_terms_is_refused(workspace, refused):
    _custodial(workspace)
    refused(lambda: _custodial(workspace, "bot", "author"), 409, "identity-exists")


def test_a_custodial_identity_of_a_taken_id_is_refused(workspace, refused):
    workspace.register("jane", "author")
    refused(lambda: _custodial(workspace, "jane"), 409, "identity-exists")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"custodial": True}, id="no-terms"),
        pytest.param({"proof": "", "public_key": "x", "custodial": True}, id="both"),
        pytest.param({"proof": ""}, id="no-key"),
        pytest.param({"public_key": "x"}, id="no-proof"),
    ],
)
def test_a_registration_is_by_proof_or_custodial(workspace, refused, body):
    path = f"{workspace.path}/identities"
    refused(lambda: workspace.http.post(path, json=body), 422, "request-invalid")


# ---------------------------------------------------------------------- revocation


def _revoke(workspace, identity_id, **changes):
    body = {"reason": "key lost", **changes}
    path = f"{workspace.path}/identities/{identity_id}/revoke"
    return workspace.http.post(path, json=body)


def test_a_revoked_identity_is_refused_from_then_on(workspace, refused):
    jane = workspace.register("jane", "author")
    subject = Digest.of(b"bytes")
    answer = _revoke(workspace, "jane")
    assert answer.status_code == 200
    assert answer.json()["revoked"]["reason"] == "key lost"
    predicate = workspace.artifact(jane)
    raw = workspace.sign_pending([Subject("x", subject)], predicate, jane)
    body = {"attestation": b64encode(raw)}
    refused(
        lambda: workspace.http.post(f"{workspace.path}/attestations", json=body),
        422,
        "revoked",
    )


def test_survivors_are_named_by_digest(workspace):
    jane = workspace.register("jane", "author")
    rule = workspace.rule(jane)
    digest = str(parse_attestation(rule).digest)
    answer = _revoke(workspace, "jane", survivors={"attestations": [digest]})
    assert answer.json()["revoked"]["survivors"]["attestations"] == [digest]
    question = {
        "attestation": b64encode(rule),
        "predicate_type": "https://trustacks.com/attestations/rule/v1",
        "subject": str(_first_subject(rule)),
    }
    verdict = workspace.http.post(f"{workspace.path}/verify", json=question).json()
    assert verdict["accepted"] is True


def _first_subject(raw):
    return parse_statement(parse_attestation(raw).envelope.payload).digests[0]


def test_an_identity_is_revoked_once(workspace, refused):
    workspace.register("jane", "author")
    assert _revoke(workspace, "jane").status_code == 200
    refused(lambda: _revoke(workspace, "jane"), 409, "identity-already-revoked")


def test_the_last_admin_stays(workspace, refused):
    refused(lambda: _revoke(workspace, "control-plane-admin"), 409, "last-admin")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"reason": ""}, "request-invalid", id="no-reason"),
        pytest.param({"reason": "x" * 1001}, "request-invalid", id="long-reason"),
        pytest.param(
            {"survivors": {"attestations": ["md5:1"]}},
            "request-invalid",
            id="no-digest",
        ),
        pytest.param({"survivors": []}, "request-invalid", id="no-object"),
        pytest.param(
            {"survivors": {"releases": [str(Digest.of(b"no release"))]}},
            "survivor-unknown",
            id="no-release",
        ),
        pytest.param(
            {"survivors": {"checkpoint": "hello"}}, "note-format", id="no-note"
        ),
    ],
)
def test_a_revocation_that_is_not_one_is_refused(workspace, refused, body, code):
    workspace.register("jane", "author")
    refused(lambda: _revoke(workspace, "jane", **body), 422, code)


def test_nobody_cannot_be_shown_or_revoked(workspace, refused):
    path = f"{workspace.path}/identities/nobody"
    refused(lambda: workspace.http.get(path), 404, "not-found")
    refused(lambda: _revoke(workspace, "nobody"), 404, "not-found")


# ---------------------------------------------------------------------- crashes


@pytest.mark.long
@pytest.mark.parametrize("persisted", [False, True], ids=["failed", "persisted"])
def test_a_registration_survives_a_crash_at_any_write(server, workspace, persisted):
    """The same request succeeds afterwards, and the log has each statement once."""
    for writes in range(60):
        key, proof = _asked(workspace, f"i{writes}")
        version = workspace.http.get(workspace.path).json()["trust_policy_version"]
        server.disk.crash(writes, persisted=persisted)
        answer = workspace.post_proof(proof, key)
        server.restart()
        done = f"i{writes}" in _identities(workspace)
        if answer.status_code == 201:
            assert done
            return
        assert answer.json()["code"] == "storage-unavailable"
        assert workspace.post_proof(proof, key).status_code == 201
        shown = workspace.http.get(workspace.path).json()
        assert shown["trust_policy_version"] == version + 1
        _require_leaves_once(workspace)
    pytest.fail("the registration never succeeded")


def _require_leaves_once(workspace):
    items = workspace.http.get(
        f"{workspace.path}/audit/entries", params={"limit": 256}
    ).json()["items"]
    digests = [one["digest"] for one in items]
    assert len(set(digests)) == len(digests)
    assert b64decode(items[0]["body"])


def _submitted(workspace, who):
    predicate = workspace.artifact(who)
    raw = workspace.sign_pending([Subject("x", Digest.of(b"bytes"))], predicate, who)
    body = {"attestation": b64encode(raw)}
    return workspace.http.post(f"{workspace.path}/attestations", json=body)


def test_a_suspension_ends_and_is_lifted(workspace):
    jane = workspace.register("jane", "author")
    path = f"{workspace.path}/identities/jane"
    held = workspace.http.post(f"{path}/suspend", json={"reason": "on leave"}).json()
    assert held["revoked"]["final"] is False
    refused = workspace.http.post(f"{path}/suspend", json={"reason": "again"})
    assert refused.json()["code"] == "identity-already-revoked"
    assert _submitted(workspace, jane).json()["code"] == "suspended"
    back = workspace.http.post(f"{path}/resume").json()
    assert back["revoked"] is None
    assert _submitted(workspace, jane).status_code == 200


def test_what_was_suspended_can_be_revoked_and_then_never_comes_back(workspace):
    workspace.register("jane", "author")
    path = f"{workspace.path}/identities/jane"
    assert (
        workspace.http.post(f"{path}/resume").json()["code"] == "identity-not-suspended"
    )
    workspace.http.post(f"{path}/suspend", json={"reason": "asked"})
    ended = workspace.http.post(f"{path}/revoke", json={"reason": "left"}).json()
    assert ended["revoked"]["final"] is True
    assert (
        workspace.http.post(f"{path}/resume").json()["code"] == "identity-not-suspended"
    )
