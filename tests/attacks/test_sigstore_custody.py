# SPDX-License-Identifier: Apache-2.0
"""Attack: the Control Plane certifies itself whom it likes, by its embedded instance.

It can, and where admins hold the trust it decides nothing by it (DESIGN T1).
"""

from dataclasses import replace

import pytest

from keys.digest import Digest
from signer.errors import CustodyError
from signer.form import Custody, Form
from signer.predicates.artifact import ArtifactPredicate
from signer.statement import Subject, build_statement
from signer.verify import Expected, verify_attestation
from tests.simulators.embedded_client import EmbeddedClient
from tests.simulators.service import ControlPlane

ISSUER = "http://127.0.0.1:8080"
ALICE = "alice@acme.localhost"
FILE = Digest.of(b"a file")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    found = ControlPlane(tmp_path_factory.mktemp("custody") / "state")
    found.acme = found.create_workspace("acme")
    path = f"{found.acme.path}/identities"
    claim = {"instance": "embedded", "issuer": ISSUER, "subject": ALICE}
    terms = found.acme.terms("alice", "author")
    answer = found.http.post(path, json={"identity": terms, "oidc": claim})
    assert answer.status_code == 201, answer.text
    yield found
    found.close()


@pytest.fixture(scope="module")
def trust(server):
    return server.services.workspaces.open("acme").published().trust


@pytest.fixture(scope="module")
def raw(server):
    client = EmbeddedClient(server.http)
    token = client.identity_token(server.token("author", subject="alice"))
    predicate = ArtifactPredicate(
        workspace=server.acme.digest, identity="alice", signed_at=server.clock()
    )
    return client.sign(token, build_statement([Subject("file", FILE)], predicate))


def verify(raw, trust, at):
    expected = Expected(ArtifactPredicate.type, (FILE,))
    return verify_attestation(raw, trust=trust, expected=expected, at=at, pending=True)


def test_in_the_embedded_form_it_counts(server, trust, raw):
    assert verify(raw, trust, server.clock()).require().identity.id == "alice"


def test_in_the_sovereign_form_it_decides_nothing(server, trust, raw):
    # Whatever admins say of Alice: who can cause her certificate can cause her word.
    assert trust.policy.identity("alice").custody is Custody.EXTERNAL
    sovereign = replace(trust, form=Form.SOVEREIGN)
    assert verify(raw, sovereign, server.clock()).result.code == "custody"


def test_no_sovereign_policy_gives_it_a_permission(trust):
    with pytest.raises(CustodyError):
        trust.policy.require_custody(Form.SOVEREIGN)


def test_its_word_on_time_is_enough_for_its_own_minutes_only(server, trust, raw):
    """ADR 0040: the issuer and the CA are the server's, so that its clock is too."""
    later = server.clock().replace(year=server.clock().year + 1)
    long = replace(trust.policy.identity("alice"), not_after=later)
    others = tuple(one for one in trust.policy.identities if one.id != "alice")
    policy = replace(trust.policy, identities=(*others, long))
    assert verify(raw, replace(trust, policy=policy), later)
    outside = replace(
        policy.custody,
        certificate_authorities=dict.fromkeys(
            policy.custody.certificate_authorities, Custody.EXTERNAL
        ),
        issuers=dict.fromkeys(policy.custody.issuers, Custody.EXTERNAL),
    )
    policy = replace(policy, custody=outside)
    refused = verify(raw, replace(trust, policy=policy), later)
    assert refused.result.code == "certificate-time"


def test_a_rule_by_it_is_no_rule_of_a_sovereign_workspace(trust):
    alice = trust.policy.identity("alice")
    assert alice.may("author")
    with pytest.raises(CustodyError):
        trust.policy.require_custody_of(alice, Form.SOVEREIGN)
