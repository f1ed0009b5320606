# SPDX-License-Identifier: Apache-2.0
"""OIDC identities in the embedded form: instances, registration, renewal, their ends."""

from datetime import timedelta

import pytest

from control_plane.keystore import identity_purpose
from keys.clock import format_instant
from keys.digest import Digest
from keys.strict import b64encode
from signer.errors import CustodyError
from signer.form import Form
from signer.predicates.base import ARTIFACT, TRUST_CHANGE
from tests.simulators.instance import (
    GITHUB,
    MAIN,
    PEOPLE,
    TAGS,
    SimulatedInstance,
)

INSTANCE, OTHER = SimulatedInstance(), SimulatedInstance("other.example.com")
CLAIM = {"instance": "public", "issuer": GITHUB, "subject": MAIN}


def pin(workspace, instance=INSTANCE, name="public", **changes):
    body = {
        "name": name,
        "trusted_root": b64encode(instance.trusted_root()),
        "issuers": {GITHUB: "external"},
        "ca_custody": "external",
        "ct_custody": "external",
    }
    return workspace.http.post(
        f"{workspace.path}/trust/instances", json={**body, **changes}
    )


@pytest.fixture
def pinned(workspace):
    assert pin(workspace).status_code == 201
    return workspace


def terms(workspace, name="ci", **changes):
    now = format_instant(workspace.server.clock())
    return workspace.terms(name, "release", **{"not_before": now, **changes})


def register(workspace, name="ci", claim=CLAIM, more=None, **changes):
    body = {"identity": terms(workspace, name, **changes), "oidc": claim}
    return workspace.http.post(
        f"{workspace.path}/identities", json={**body, **(more or {})}
    )


def policy_of(workspace):
    return workspace.server.services.workspaces.open("acme").published().trust.policy


# ---------------------------------------------------------------------- instances


def test_a_pinned_instance_is_listed_and_logged(workspace):
    made = pin(workspace)
    assert made.status_code == 201
    assert made.json() == {
        "name": "public",
        "certificate_authorities": [str(INSTANCE.authority)],
        "ct_logs": [b64encode(INSTANCE.log_id)],
        "issuers": [GITHUB],
    }
    path = f"{workspace.path}/trust/instances"
    embedded, listed = workspace.http.get(path).json()["items"]
    assert (embedded["name"], listed) == ("embedded", made.json())
    leaves = workspace.http.get(f"{workspace.path}/audit/entries").json()["items"]
    assert [one["predicate_type"] for one in leaves] == [TRUST_CHANGE] * 2


def test_pinning_again_is_success_and_changes_nothing(server, pinned):
    before = server.everything()
    assert pin(pinned).status_code == 201
    assert server.everything() == before


def test_a_dropped_instance_is_gone(pinned, refused):
    path = f"{pinned.path}/trust/instances/public"
    assert pinned.http.delete(path).status_code == 204
    assert set(policy_of(pinned).instances) == {"embedded"}
    refused(lambda: pinned.http.delete(path), 404, "not-found")


def test_nobody_drops_the_instance_of_an_identity(pinned, refused):
    register(pinned)
    path = f"{pinned.path}/trust/instances/public"
    refused(lambda: pinned.http.delete(path), 422, "unknown-instance")
    end = {"reason": "left"}
    pinned.http.post(f"{pinned.path}/identities/ci/revoke", json=end)
    assert pinned.http.delete(path).status_code == 204
    assert pinned.http.get(f"{pinned.path}/identities/ci").json()["revoked"]


LAX_INSTANCES = {
    "no trusted root": ({"trusted_root": b64encode(b"{}")}, "field-format"),
    "no base64": ({"trusted_root": "*"}, "request-invalid"),
    "no issuer": ({"issuers": {}}, "request-invalid"),
    "an issuer that is no address": (
        {"issuers": {"idp.example.com": "external"}},
        "unsafe-issuer",
    ),
    "a custody of nobody": ({"ca_custody": "cloud"}, "request-invalid"),
    "a name that climbs": ({"name": "../x"}, "unsafe-trust-policy"),
    "no CA": (
        {"trusted_root": b64encode(INSTANCE.trusted_root(certificateAuthorities=[]))},
        "trusted-root-format",
    ),
    "a CA under two names": ({"name": "private"}, "unsafe-trust-policy"),
}


@pytest.mark.parametrize("name", LAX_INSTANCES)
def test_a_lax_instance_is_refused(pinned, refused, name):
    changes, code = LAX_INSTANCES[name]
    refused(lambda: pin(pinned, **changes), 422, code)


# ---------------------------------------------------------------------- registration


def test_a_registered_subject_is_shown_as_one(pinned):
    made = register(pinned)
    assert made.status_code == 201, made.text
    shown = pinned.http.get(f"{pinned.path}/identities/ci").json()
    assert shown == made.json()
    assert (shown["public_key"], shown["key_id"]) == (None, None)
    assert shown["oidc"] == CLAIM | {"subject_pattern": None}
    assert (shown["custody"], shown["effective_custody"]) == ("external", "external")
    leaves = pinned.http.get(f"{pinned.path}/audit/entries").json()["items"]
    assert [one["predicate_type"] for one in leaves] == [TRUST_CHANGE] * 3


def test_a_keyed_identity_is_shown_as_before(workspace):
    workspace.register("jane", "author")
    shown = workspace.http.get(f"{workspace.path}/identities/jane").json()
    assert shown["oidc"] is None
    assert shown["public_key"].startswith("-----BEGIN PUBLIC KEY-----")


def test_a_registration_again_is_answered_the_same(server, pinned):
    first = register(pinned)
    before = server.everything()
    again = register(pinned)
    assert (again.status_code, again.json()) == (201, first.json())
    assert server.everything() == before


def test_custody_through_the_ca_is_shown(workspace):
    assert pin(workspace, ca_custody="control-plane").status_code == 201
    shown = register(workspace).json()
    assert shown["custody"] == "external"
    assert shown["effective_custody"] == "control-plane"


PATTERN = {"instance": "public", "issuer": GITHUB}
LAX = {
    "everything": (PATTERN | {"subject_pattern": "^.*$"}, {}, "unsafe-subject"),
    "an end that is open": (
        PATTERN | {"subject_pattern": TAGS[:-1]},
        {},
        "unsafe-subject",
    ),
    "a begin that is open": (
        PATTERN | {"subject_pattern": TAGS[1:]},
        {},
        "unsafe-subject",
    ),
    "repeated twice": (
        PATTERN | {"subject_pattern": TAGS.replace("[0-9]+", "([0-9]+)+")},
        {},
        "unsafe-subject",
    ),
    "anybody's repository": (
        PATTERN | {"subject_pattern": r"^https://github\.com/[a-z]+/x$"},
        {},
        "unsafe-subject",
    ),
    "no subject": (PATTERN, {}, "field-format"),
    "a subject and a pattern": (CLAIM | {"subject_pattern": TAGS}, {}, "field-format"),
    "an empty subject": (CLAIM | {"subject": ""}, {}, "field-format"),
    "a line": (CLAIM | {"subject": f"{MAIN}\n"}, {}, "unsafe-subject"),
    "too long": (CLAIM | {"subject": "a" * 1025}, {}, "field-format"),
    "an instance of nobody": (CLAIM | {"instance": "x"}, {}, "unknown-instance"),
    "an issuer of another instance": (
        CLAIM | {"instance": "private"},
        {},
        "foreign-issuer",
    ),
    "an issuer of none": (
        CLAIM | {"issuer": "https://evil.example"},
        {},
        "foreign-issuer",
    ),
    "an issuer over http": (
        CLAIM | {"issuer": "http://idp.example"},
        {},
        "unsafe-issuer",
    ),
    "an issuer with a user": (
        CLAIM | {"issuer": "https://u@idp.example"},
        {},
        "unsafe-issuer",
    ),
    "one subject twice": (CLAIM, {}, "claim-reused"),
    "a pattern over a subject": (
        PATTERN | {"subject_pattern": TAGS.replace("tags/v[0-9]+", "heads/[a-z]+")},
        {},
        "claim-reused",
    ),
    "a window that ends before it began": (
        CLAIM | {"subject": "other"},
        {"not_after": "2020-01-01T00:00:00Z"},
        "unsafe-trust-policy",
    ),
    "an unknown field": (CLAIM | {"more": "x"}, {}, "request-invalid"),
}


@pytest.mark.parametrize("name", LAX)
def test_a_lax_registration_is_refused(pinned, refused, name):
    assert pin(pinned, OTHER, "private", issuers={PEOPLE: "external"}).status_code
    assert register(pinned).status_code == 201
    claim, changes, code = LAX[name]
    refused(lambda: register(pinned, "lax", claim, **changes), 422, code)


def test_an_id_is_taken_for_ever(pinned, refused):
    register(pinned)
    other = CLAIM | {"subject": f"{MAIN}2"}
    refused(lambda: register(pinned, "ci", other), 409, "identity-exists")


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"custodial": True}, id="custodial"),
        pytest.param({"proof": "", "public_key": "x"}, id="a proof too"),
        pytest.param({"public_key": "x"}, id="a key too"),
        pytest.param({"oidc": None, "replaces": "x"}, id="a rotation of a key"),
    ],
)
def test_a_registration_is_of_one_kind(pinned, refused, more):
    refused(lambda: register(pinned, more=more), 422, "request-invalid")


def test_a_sovereign_policy_refuses_custody_through_the_ca(workspace):
    pin(workspace, ct_custody="control-plane")
    register(workspace)
    with pytest.raises(CustodyError):
        policy_of(workspace).require_custody(Form.SOVEREIGN)


# ---------------------------------------------------------------------- renewal, end


def renew(workspace, name="ci2", replaces="ci", claim=CLAIM, **changes):
    more = {
        "replaces": replaces,
        "survivors": {"attestations": [str(Digest.of(b"kept"))]},
    }
    changes = {"principal": "ci@example.com", **changes}
    return register(workspace, name, claim, more, **changes)


def test_a_renewed_subject_has_a_new_id_and_the_old_one_ends(pinned):
    register(pinned)
    before = policy_of(pinned).version
    pinned.server.clock.at += timedelta(days=1)
    made = renew(pinned)
    assert made.status_code == 201, made.text
    policy = policy_of(pinned)
    assert policy.version == before + 1
    end = policy.revocation("ci")
    assert (end.final, end.survivors.attestations) == (True, {Digest.of(b"kept")})
    assert end.reason == "rotated to ci2"
    at = pinned.server.clock()
    found = policy.identity_by_claim("public", GITHUB, [MAIN], issued=at)
    assert found.id == "ci2"
    earlier = at - timedelta(seconds=1)
    found = policy.identity_by_claim("public", GITHUB, [MAIN], issued=earlier)
    assert found.id == "ci"


def test_a_client_whose_clock_is_behind_renews_too(pinned):
    register(pinned)
    pinned.server.clock.at += timedelta(days=1)
    behind = format_instant(pinned.server.clock() - timedelta(seconds=60))
    assert renew(pinned, not_before=behind).status_code == 201


def test_nobody_is_renewed_into_the_past(pinned, refused):
    register(pinned)
    pinned.server.clock.at += timedelta(days=1)
    past = format_instant(pinned.server.clock() - timedelta(seconds=61))
    refused(lambda: renew(pinned, not_before=past), 422, "claim-reused")


def test_another_principal_is_no_successor(pinned, refused):
    register(pinned)
    refused(
        lambda: renew(pinned, principal="eve@example.com"), 422, "trust-event-untrue"
    )


def test_only_who_is_in_force_is_replaced(pinned, refused):
    refused(lambda: renew(pinned, replaces="nobody"), 404, "not-found")
    refused(lambda: renew(pinned, replaces="control-plane-admin"), 409, "last-admin")
    register(pinned)
    end = {"reason": "stolen"}
    pinned.http.post(f"{pinned.path}/identities/ci/suspend", json=end)
    refused(lambda: renew(pinned), 409, "identity-already-revoked")


def test_a_subject_is_suspended_resumed_and_revoked(pinned, refused):
    register(pinned)
    path, end = f"{pinned.path}/identities/ci", {"reason": "stolen"}
    suspended = pinned.http.post(f"{path}/suspend", json=end)
    assert suspended.json()["revoked"]["final"] is False
    refused(lambda: register(pinned, "ci2"), 422, "claim-reused")
    assert pinned.http.post(f"{path}/resume").json()["revoked"] is None
    assert pinned.http.post(f"{path}/revoke", json=end).json()["revoked"]["final"]


def test_a_subject_comes_back_after_it_was_revoked(pinned):
    register(pinned)
    end = {"reason": "stolen"}
    pinned.http.post(f"{pinned.path}/identities/ci/revoke", json=end)
    pinned.server.clock.at += timedelta(seconds=1)
    assert register(pinned, "ci2").status_code == 201


def test_a_key_left_under_its_id_signs_for_no_subject(pinned, refused):
    """A registration that crashed may have made one."""
    services = pinned.server.services
    services.keystore.ensure("acme", identity_purpose("ci"))
    admin = pinned.http.get("/v1/whoami").json()["subject"]
    made = register(pinned, custody="control-plane", principal=admin)
    assert made.json()["effective_custody"] == "control-plane"
    body = {
        "identity": "ci",
        "predicate_type": ARTIFACT,
        "subjects": [{"name": "x", "digest": str(Digest.of(b"x"))}],
    }
    path = f"{pinned.path}/sign"
    refused(lambda: pinned.http.post(path, json=body), 403, "signing-not-allowed")
