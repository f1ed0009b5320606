# SPDX-License-Identifier: Apache-2.0
"""A further signature of a rule's statement in the log: a leaf of its own, once."""

import pytest

from keys.digest import Digest
from keys.strict import b64decode, b64encode
from signer.attestation import parse_attestation
from signer.sign import attest_pending
from signer.statement import Subject, parse_statement


@pytest.fixture
def jane(workspace):
    return workspace.register("jane", "author")


@pytest.fixture
def ken(workspace):
    return workspace.register("ken", "author", principal="ken@example.com")


def submit(workspace, raw):
    body = {"attestation": b64encode(raw)}
    return workspace.http.post(f"{workspace.path}/attestations", json=body)


def again(workspace, raw, by):
    """Sign the statement of an attestation, stamped and not logged."""
    statement = parse_attestation(raw).envelope.payload
    notary = workspace.notary()
    return attest_pending(statement, key=by.key, timestamp=notary.timestamp)


def leaves(workspace):
    answer = workspace.http.get(f"{workspace.path}/audit/entries").json()["items"]
    return [(one["digest"], one["identity"]) for one in answer]


def test_each_signer_has_a_leaf(workspace, jane, ken):
    rule = workspace.rule(jane)
    digest = str(parse_attestation(rule).digest)
    answer = submit(workspace, again(workspace, rule, ken)).json()
    completed = parse_attestation(b64decode(answer["attestation"]))
    assert answer["digest"] == digest
    assert completed.hint == ken.key.public_key.hint
    assert len(completed.entries) == 1
    assert leaves(workspace)[-2:] == [(digest, "jane"), (digest, "ken")]


def test_the_same_signer_again_is_the_same_leaf(server, workspace, jane, ken):
    rule = workspace.rule(jane)
    first = submit(workspace, again(workspace, rule, ken)).json()
    before = server.everything()
    assert submit(workspace, again(workspace, rule, ken)).json() == first
    author = submit(workspace, again(workspace, rule, jane)).json()
    assert author["index"] == first["index"] - 1
    assert server.everything() == before


def test_nobody_signs_in_another_s_name_before_she_did(server, workspace, jane, ken):
    other = workspace.rule(ken)
    statement = parse_attestation(other).envelope.payload.replace(b'"ken"', b'"jane"')
    raw = attest_pending(statement, key=ken.key, timestamp=workspace.notary().timestamp)
    before = server.everything()
    refused = submit(workspace, raw)
    assert (refused.status_code, refused.json()["code"]) == (422, "signer-mismatch")
    assert server.everything() == before


def test_who_may_not_write_rules_signs_none(server, workspace, jane):
    releaser = workspace.register("ci", "release")
    rule = workspace.rule(jane)
    raw = again(workspace, rule, releaser)
    before = server.everything()
    refused = submit(workspace, raw)
    assert refused.json()["code"] == "signer-not-permitted"
    assert server.everything() == before


def test_of_what_is_no_rule_there_is_one_signature(server, workspace, jane, ken):
    said = workspace.artifact(jane)
    raw = workspace.sign([Subject("f", Digest.of(b"f"))], said, jane)
    before = server.everything()
    refused = submit(workspace, again(workspace, raw, ken))
    assert refused.json()["code"] == "signer-mismatch"
    assert server.everything() == before


@pytest.mark.long
@pytest.mark.parametrize("persisted", [False, True], ids=["failed", "persisted"])
def test_a_further_signature_survives_a_crash_at_any_write(
    server, workspace, jane, ken, persisted
):
    for writes in range(12):
        server.clock.advance(seconds=1)
        rule = workspace.rule(jane)
        server.disk.crash(writes, persisted=persisted)
        answer = submit(workspace, again(workspace, rule, ken))
        server.restart()
        retried = submit(workspace, again(workspace, rule, ken))
        assert retried.status_code == 200, retried.text
        digest = str(parse_attestation(rule).digest)
        mine = [one for one in leaves(workspace) if one[0] == digest]
        assert mine == [(digest, "jane"), (digest, "ken")]
        if answer.status_code == 200:
            return
    pytest.fail("the submission never succeeded")


def test_both_are_found_by_subject(server, workspace, jane, ken):
    rule = workspace.rule(jane)
    submit(workspace, again(workspace, rule, ken))
    query = {"subject": str(_subject(rule)), "limit": 10}
    found = workspace.http.get(f"{workspace.path}/attestations", params=query).json()
    assert [one["identity"] for one in found["items"]] == ["jane", "ken"]


def _subject(raw):
    return parse_statement(parse_attestation(raw).envelope.payload).digests[0]
