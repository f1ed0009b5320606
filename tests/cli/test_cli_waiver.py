# SPDX-License-Identifier: Apache-2.0
"""A pack's rule is waived by two people, counts, and is withdrawn: on the command line."""

import json
from datetime import timedelta

import pytest

from keys.clock import format_instant, utc_now
from tests.simulators.plane import RULE, joined, overlay_repository, replanted, tree

PACK_RULE = "change_control.no_skipped_controls"
WHY = "Billing moves to the new pipeline until the end of March: CM-1234, agreed."


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    with replanted(tmp_path_factory.mktemp("plane")) as running:
        yield running


@pytest.fixture
def here(alice, tmp_path, plane):
    repository = overlay_repository(tmp_path / "policy")
    made = ("--from", "change-calendar", "--overlay", repository)
    alice.must("rule", "new", RULE, *made)
    return repository


def skipping(tmp_path):
    """A change that the pack's rule denies, and nothing else."""
    asked = {
        "proposal": {"files": [{"path": "gitops/billing/values.yaml", "content": "x"}]},
        "context": {
            "target": {"name": "east", "tier": "prod", "kind": "kubernetes"},
            "pull_request": {
                "title": "Deploy",
                "body": "CM-1234",
                "branch": "main",
                "labels": ["skip-ci"],
                "author": "jane",
                "approvals": [{"user": "joe", "groups": ["sre"]}],
            },
            "service": "billing",
            "change_kind": "normal",
        },
    }
    path = tmp_path / "proposal.json"
    path.write_text(json.dumps(asked))
    return path


def decide(admin, plane, path):
    state = ("--state", plane.runner)
    admin("runner", "step", *state)
    done = admin("runner", "decide", *state, "--input", path, "--json")
    return json.loads(done.out)


def test_from_asking_to_withdrawal(alice, ci, admin, plane, here):
    ann = joined(plane, "ann", "author", "waive", namespace="change_control")
    ben = joined(plane, "ben", "author", "waive", namespace="change_control")
    alice.must("rule", "sign", RULE, "--overlay", here)
    ci.must("bundle", "release", "--overlay", here)
    proposal = skipping(here.parent)
    denied = decide(admin, plane, proposal)
    assert [one["rule_id"] for one in denied["denies"]] == [PACK_RULE]

    what_is_none_is_not_signed(ann, here)
    statement = two_people(ann, ben, ci, here)
    allowed = decide(admin, plane, proposal)
    assert (allowed["denies"], allowed["waivers"]) == ([], [statement])

    admin.must("trust", "change", "--withdraw-waiver", statement)
    assert decide(admin, plane, proposal)["denies"]
    ended = ci.must("bundle", "release", "--overlay", here, "--json")
    assert "waiver-withdrawn" in ended.err
    assert ended.value["statement"]["waivers"] == []
    denied = decide(admin, plane, proposal)
    assert [one["rule_id"] for one in denied["denies"]] == [PACK_RULE]

    pack = here.with_name("evidence.tar")
    admin.must("audit", "export", "--out", pack)
    assert admin.must("audit", "replay", pack, "--json").value["accepted"]


def end(days):
    return format_instant(utc_now() + timedelta(days=days))


def asks(here, rule=PACK_RULE, days=30, why=WHY):
    signs = ("waiver", "sign", "--overlay", here, "--rule", rule)
    return (*signs, "--expires", end(days), "--justification", why)


def what_is_none_is_not_signed(ann, here):
    before = tree(here)
    refused = {
        "short": (ann(*asks(here, why="too short")), 1, "predicate-format"),
        "long": (ann(*asks(here, days=91)), 1, "predicate-format"),
        "a slip": (
            ann(*asks(here, rule="change_control.slip")),
            2,
            "unknown-pack-rule",
        ),
        "not the pack's": (
            ann(*asks(here, rule="proposal.allowed_paths")),
            2,
            "unknown-pack-rule",
        ),
    }
    for what, (ended, exit_code, code) in refused.items():
        assert (ended.exit_code, ended.code) == (exit_code, code), what
    assert tree(here) == before


def two_people(ann, ben, ci, here):
    """Ask, approve and release; return the digest of the statement."""
    overlay = ("--overlay", here)
    scope = ("--service", "billing", "--tier", "prod")
    done = ann.must(*asks(here), *scope, "--json")
    assert "scope.services = billing" in done.err
    assert "scope.targets = every one" in done.err
    asked = done.value
    (listed,) = ben.must("waiver", "list", *overlay, "--json").value["waivers"]
    assert (listed["state"], listed["signatures"]) == ("unapproved", 1)
    alone = ci.must("bundle", "release", *overlay, "--json")
    assert "waiver-not-approved" in alone.err
    assert alone.value["statement"]["waivers"] == []
    own = ann("waiver", "approve", asked["name"], *overlay)
    assert (own.exit_code, own.code) == (1, "cosigner-not-distinct")
    approved = ben.must("waiver", "approve", asked["name"], *overlay, "--json").value
    assert approved["statement"] == asked["statement"]
    (listed,) = ben.must("waiver", "list", *overlay, "--json").value["waivers"]
    assert (listed["state"], listed["signatures"]) == ("live", 2)
    assert "billing prod" in ben.must("waiver", "list", *overlay).out

    done = ci.must("bundle", "release", *overlay, "--json").value["statement"]
    assert done["waivers"] == [asked["statement"]]
    assert "signed by ann (ann@acme.example), ben" in ci.must("bundle", "verify").out
    again = ci.must("bundle", "reaffirm", "--json").value["statement"]
    assert again["waivers"] == done["waivers"]
    return asked["statement"]
