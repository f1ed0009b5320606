# SPDX-License-Identifier: Apache-2.0
"""A rule changes with a second principal: on the command line, from mark to Runner."""

import pytest

from bundle.beside import approval_path, lint_path
from keys.digest import Digest
from tests.simulators.plane import RULE, joined, overlay_repository, replanted, tree

CONDITION = 'target_tier == "prod"'
LOOSER = f'{CONDITION}\n\tinput.context.service != "status-page"'
WHY = "The status page has no change calendar: CM-1234."


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    """One for this file: what is released here stays."""
    with replanted(tmp_path_factory.mktemp("plane")) as running:
        yield running


@pytest.fixture
def here(alice, tmp_path, plane):
    """A repository with the rule as the first test released it."""
    repository = overlay_repository(tmp_path / "policy")
    alice.must(
        "rule", "new", RULE, "--from", "change-calendar", "--overlay", repository
    )
    return repository


def rule_of(repository):
    return repository / "overlay" / "rules" / RULE / f"{RULE}.rego"


def edit(repository, old, new):
    path = rule_of(repository)
    path.write_text(path.read_text().replace(old, new))
    return path


def named(repository):
    return (RULE, "--overlay", repository)


def test_from_mark_to_runner(alice, ci, admin, plane, here):
    bob = joined(plane, "bob", "author", "approve")
    alice.must("rule", "sign", *named(here))
    ci.must("bundle", "release", "--overlay", here)
    looser(alice, bob, ci, here)
    stricter(alice, joined(plane, "robot", "author", "lint"), ci, here)
    state = ("--state", plane.runner)
    stepped = admin.must("runner", "step", *state, "--json").value
    assert (stepped["outcome"], stepped["revision"]) == ("activated", 4)
    pack = here.with_name("evidence.tar")
    admin.must("audit", "export", "--out", pack)
    report = admin.must("audit", "replay", pack, "--json").value
    assert report["accepted"]
    rules = [release["rules"][0] for release in report["releases"]]
    assert [rule["change"] for rule in rules] == ["added", "changed", "changed", "kept"]
    behind = [rule["approvals"] for rule in rules]
    assert behind == [[], ["approved by bob"], *[["proved by robot"]] * 2]


def looser(alice, bob, ci, here):
    released = Digest.of(rule_of(here).read_bytes())
    nothing = bob("rule", "approve", *named(here), "--justification", WHY)
    assert nothing.code == "nothing-to-approve"
    path = edit(here, CONDITION, LOOSER)
    for mark in ((), ("--mark", "unknown")):
        before = tree(here)
        refused = alice("rule", "sign", *named(here), *mark)
        assert (refused.exit_code, refused.code) == (1, "change-not-marked")
        assert "--mark looser" in refused.err
        assert tree(here) == before
    changed = bob("rule", "approve", *named(here), "--justification", WHY)
    assert changed.code == "subject-mismatch"  # the author has not signed this yet
    assert "hint: changed since it was signed: trustacks rule sign" in changed.err
    signed = alice.must("rule", "sign", *named(here), "--mark", "looser", "--json")
    lint = signed.value["signed"][0]["predicate"]["lint"]
    assert lint["change"]["verdict"] == "looser"
    assert lint["change"]["old"] == str(released)
    approved = bob.must(
        "rule", "approve", *named(here), "--justification", WHY, "--json"
    )
    assert approved.value["predicate"]["loosens"] is True
    assert approved.value["attestation"] == str(approval_path(path, "bob"))
    assert "status-page" in approved.err
    assert 'witness looser: {"' in approved.err
    done = ci.must("bundle", "release", "--overlay", here, "--json").value
    (item,) = done["statement"]["inventory"]
    assert item["approvals"] == [approved.value["statement"]]
    assert (
        "looser, as approved by bob (bob@acme.example)"
        in ci.must("bundle", "verify").out
    )


def stricter(alice, robot, ci, here):
    path = edit(here, LOOSER, CONDITION)
    alice.must("rule", "sign", *named(here))
    robot.must("rule", "lint", *named(here), "--attest")
    assert lint_path(path).exists()
    ended = ci.must("bundle", "release", "--overlay", here, "--json")
    assert "left out" in ended.err  # bob's, of the change before
    (item,) = ended.value["statement"]["inventory"]
    assert len(item["approvals"]) == 1
    assert "stricter, as proved by robot" in ci.must("bundle", "verify").out
    kept = ci.must("bundle", "release", "--overlay", here, "--json").value
    assert kept["statement"]["inventory"][0]["approvals"] == item["approvals"]


def test_the_author_may_not_approve_or_attest(plane, here, tmp_path):
    carol = joined(plane, "carol", "author", "author", "approve", "lint")
    edit(here, "expected a change ticket", "expected a ticket")
    carol.must("rule", "sign", *named(here))
    before = tree(here)
    for words in (
        ("approve", *named(here), "--justification", WHY),
        ("lint", *named(here), "--attest"),
    ):
        refused = carol("rule", *words)
        assert (refused.exit_code, refused.code) == (1, "approval-not-second")
        assert tree(here) == before


def test_an_approval_needs_a_reason_and_a_signed_rule(plane, here):
    bob = joined(plane, "dora", "author", "approve")
    blank = bob("rule", "approve", *named(here), "--justification", "  ")
    assert (blank.exit_code, blank.code) == (2, "usage")
    edit(here, "expected a change ticket", "expected some ticket")
    unsigned = bob("rule", "approve", *named(here), "--justification", WHY)
    assert unsigned.code == "rule-unsigned"


def test_who_may_not_approve_is_told_and_nothing_is_written(alice, ci, here):
    edit(here, "expected a change ticket", "expected any ticket")
    alice.must("rule", "sign", *named(here))
    before = tree(here)
    refused = ci("rule", "approve", *named(here), "--justification", WHY)
    assert refused.exit_code == 1
    assert tree(here) == before


def test_what_may_be_looser_is_not_attested_by_a_machine(plane, here, alice):
    robot = joined(plane, "machine", "author", "lint")
    edit(here, CONDITION, LOOSER)
    alice.must("rule", "sign", *named(here), "--mark", "looser")
    refused = robot("rule", "lint", *named(here), "--attest")
    assert (refused.exit_code, refused.code) == (1, "change-not-proved")
    assert not lint_path(rule_of(here)).exists()
