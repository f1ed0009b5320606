# SPDX-License-Identifier: Apache-2.0
"""Who signed what, what is where, who runs it, what stops: asked from the command line."""

import json

import pytest

from keys.strict import b64decode
from signer.statement import parse_statement
from tests.simulators.plane import RULE, joined, overlay_repository, planted, tree

RULES = "https://trustacks.com/attestations/rule/v1"


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    with planted(tmp_path_factory.mktemp("plane")) as running:
        yield running


@pytest.fixture
def here(alice, tmp_path, plane):
    repository = overlay_repository(tmp_path / "policy")
    made = ("--from", "change-calendar", "--overlay", repository)
    alice.must("rule", "new", RULE, *made)
    return repository


def items(person, *words):
    return person.must("find", *words, "--json").value["items"]


def test_who_what_where_and_what_stops(alice, ci, admin, plane, here):
    robot = joined(plane, "robot", "author", "lint")
    overlay = ("--overlay", here)
    assert ci("identity", "blast-radius", "alice", "--json").value["revision"] is None
    alice.must("rule", "sign", RULE, *overlay)
    released = ci.must("bundle", "release", *overlay, "--json").value
    (item,) = released["statement"]["inventory"]
    state = ("--state", plane.runner)
    admin.must("runner", "step", *state)

    by_alice = items(ci, "attestations", "--identity", "alice", "--type", RULES)
    assert [one["digest"] for one in by_alice] == [item["head"]]
    everything = items(ci, "attestations", "--identity", "alice")
    assert len(everything) >= len(by_alice)
    about = items(ci, "attestations", "--subject", item["rule"])
    assert {(one["identity"], one["predicate_type"]) for one in about} == {
        ("alice", RULES)
    }
    for rule in (RULE, item["rule"]):
        assert [one["revision"] for one in items(ci, "releases", rule)] == [1]
    assert items(ci, "releases", "acme.another") == []
    (runner,) = items(ci, "runners", "1")
    assert runner["revision"] == 1
    assert items(ci, "runners", "9") == []

    radius = ci.must("identity", "blast-radius", "alice")
    assert f"{RULE} is signed again by another author" in radius.out
    assert "--survivor release:1" in radius.out
    radius = ci.must("identity", "blast-radius", "ci", "--json").value
    assert (radius["release"], radius["stops"], radius["rules"]) == (True, True, [])
    radius = ci.must("identity", "blast-radius", "robot", "--json").value
    assert not radius["stops"]
    export(robot, ci, here, released)


def export(robot, ci, here, released):
    """What is about bundle and rules stands in one file that in-toto's tools read."""
    robot.must("rule", "lint", RULE, "--overlay", here, "--evidence")
    ci.must("bundle", "verify", "--vsa", here.with_name("vsa"))
    out = here.with_name("out")
    done = ci.must("bundle", "export", out, "--json").value
    assert set(tree(out)) == {
        "bundle.tar.gz",
        "attestations.sigstore.jsonl",
        "bundle.intoto.jsonl",
    }
    lines = (out / "bundle.intoto.jsonl").read_text().splitlines()
    envelopes = [json.loads(line) for line in lines]
    assert done["statements"] == len(envelopes)
    kinds = {
        parse_statement(b64decode(one["payload"])).predicate_type.rpartition("/")[0]
        for one in envelopes
    }
    assert {
        "https://in-toto.io/attestation/test-result",
        "https://in-toto.io/attestation/svr",
        "https://slsa.dev/verification_summary",
        "https://trustacks.com/attestations/release",
        "https://trustacks.com/attestations/rule",
        "https://trustacks.com/attestations/runner-report",
    } == kinds
    again = ci("bundle", "export", out)
    assert (again.exit_code, again.code) == (1, "file-exists")


@pytest.mark.parametrize(
    ("words", "exit_code", "code"),
    [
        (("attestations",), 2, "usage"),
        (("attestations", "--subject", "x", "--identity", "a"), 2, "usage"),
        (("attestations", "--subject", "sha256:00"), 1, "field-format"),
        (("attestations", "--identity", "nobody"), 1, "not-found"),
        (("runners", "0"), 2, "usage"),
        (("releases", "../x"), 1, None),
    ],
)
def test_what_cannot_be_asked_is_said(ci, plane, words, exit_code, code):
    ended = ci("find", *words)
    assert ended.exit_code == exit_code
    assert code is None or ended.code == code
