# SPDX-License-Identifier: Apache-2.0
"""Floor, thresholds, ages and waivers of an embedded workspace, over HTTP."""

import pytest

from keys.digest import Digest
from keys.strict import b64decode
from signer.attestation import parse_attestation
from signer.predicates.trust_change import RULES_CHANGED
from tests.simulators.plane import tree

NOBODY = Digest.of(b"no release")


@pytest.fixture
def house(server, workspace):
    workspace.register("ci", "release")
    workspace.register("ops", "release")
    return workspace


def change(house, **rules):
    return house.server.http.post(f"{house.path}/trust/rules", json=rules)


def stored(house):
    return tree(house.server.settings.state / "workspaces")


def policy(house):
    return house.server.services.workspaces.open("acme").published().trust.policy


def test_rules_are_in_force_at_once_and_their_event_is_logged(house):
    before = policy(house)
    waiver = str(Digest.of(b"waiver"))
    answer = change(
        house,
        thresholds={"release": 2},
        release_max_seconds=3_600,
        revocation_grace_seconds=60,
        stale_until="2027-01-01T00:00:00Z",
        withdrawn_waivers=[waiver],
    )
    assert answer.status_code == 201
    now = policy(house)
    assert (now.version, now.thresholds["release"]) == (before.version + 1, 2)
    assert now.freshness.release_max_seconds == 3_600
    assert now.freshness.revocation_grace_seconds == 60
    assert now.freshness.targets_max_seconds == before.freshness.targets_max_seconds
    assert set(map(str, now.withdrawn_waivers)) == {waiver}
    subject = house.server.services.workspaces.open("acme").published().committed
    events = house.server.http.get(
        f"{house.path}/attestations",
        params={"subject": str(Digest.of(subject.targets))},
    ).json()["items"]
    assert [one["predicate_type"].split("/")[-2] for one in events] == ["trust-change"]
    said = parse_attestation(b64decode(events[0]["attestation"])).envelope.payload
    assert RULES_CHANGED.encode() in said


def test_the_same_again_is_success_and_changes_nothing(house):
    first = change(house, thresholds={"release": 2}).json()
    files = stored(house)
    again = change(house, thresholds={"release": 2})
    assert (again.status_code, again.json()) == (201, first)
    assert stored(house) == files


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ({"thresholds": {"release": 3}}, "unsafe-trust-policy"),
        ({"thresholds": {"release": 0}}, "unsafe-trust-policy"),
        ({"thresholds": {"admin": 1}}, "field-format"),
        ({"release_max_seconds": 31 * 86_400}, "unsafe-trust-policy"),
        ({"stale_until": "tomorrow"}, "field-format"),
        (
            {"floor": {"revision": 1, "digest": str(NOBODY)}},
            "trust-proposal-mismatch",
        ),
    ],
)
def test_what_nobody_can_mean_is_refused_and_nothing_changes(house, rules, code):
    files = stored(house)
    answer = change(house, **rules)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert stored(house) == files
