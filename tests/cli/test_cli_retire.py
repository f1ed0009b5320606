# SPDX-License-Identifier: Apache-2.0
"""A rule leaves and comes back: on the command line, from its author to the auditor."""

import pytest

from bundle.overlay_retired import retired_path
from keys.strict import b64decode, b64encode, dumps_json, loads_json
from tests.simulators.plane import RULE, joined, overlay_repository, replanted, tree

WHY = "The registry asks for tickets itself now: CM-1234."


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    with replanted(tmp_path_factory.mktemp("plane")) as running:
        yield running


@pytest.fixture
def here(alice, tmp_path, plane):
    repository = overlay_repository(tmp_path / "policy")
    rule_new(alice, repository)
    return repository


def rule_new(alice, repository):
    made = ("--from", "change-calendar", "--overlay", repository)
    alice.must("rule", "new", RULE, *made)


def named(repository):
    return (RULE, "--overlay", repository)


def release(ci, here, code=None):
    asked = ("bundle", "release", "--overlay", here, "--json")
    if code is None:
        return ci.must(*asked).value["statement"]
    refused = ci(*asked)
    assert (refused.exit_code, refused.code) == (1, code)
    return refused


def test_from_retirement_to_return(alice, ci, admin, plane, here):
    bob = joined(plane, "bob", "author", "approve")
    rita = joined(plane, "rita", "author", "retire", "approve")
    folder = here / "overlay"
    early = rita("rule", "retire", *named(here), "--reason", WHY)
    assert (early.exit_code, early.code) == (1, "nothing-to-retire")
    alice.must("rule", "sign", *named(here))
    first = release(ci, here)["inventory"][0]

    before = tree(here)
    folder_of_rule = folder / "rules" / RULE
    rego = {p: p.read_bytes() for p in folder_of_rule.glob("*.rego")}
    refused = alice("rule", "retire", *named(here), "--reason", WHY)
    assert refused.exit_code == 1
    blank = rita("rule", "retire", *named(here), "--reason", " ")
    assert blank.exit_code == 2
    assert tree(here) == before

    gone = rita.must("rule", "retire", *named(here), "--reason", WHY, "--json").value
    path = retired_path(folder, RULE)
    assert gone["attestation"] == str(path)
    assert gone["predicate"]["supersedes"] == first["head"]
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    itself = rita("rule", "approve", *named(here), "--justification", WHY)
    assert (itself.exit_code, itself.code) == (1, "approval-not-second")

    approved = bob.must("rule", "approve", *named(here), "--justification", WHY)
    assert WHY in approved.err  # the reason is shown, and what leaves
    assert "package overlay." in approved.err
    said = release(ci, here)
    (item,) = said["retired"]
    assert (said["inventory"], item["head"]) == ([], gone["statement"])
    assert len(item["approvals"]) == 1
    assert "retires it: retired, as approved by bob" in ci.must("bundle", "verify").out
    assert release(ci, here)["retired"] == [item]
    ci.must("bundle", "reaffirm")

    for path, data in rego.items():
        path.write_bytes(data)
    come_back(alice, bob, ci, here, item["head"])
    stepped = admin.must("runner", "step", "--state", plane.runner, "--json").value
    assert (stepped["outcome"], stepped["revision"]) == ("activated", 5)
    pack = here.with_name("evidence.tar")
    admin.must("audit", "export", "--out", pack)
    assert admin.must("audit", "replay", pack, "--json").value["accepted"]


def come_back(alice, bob, ci, here, head):
    """A rule that returns supersedes its retirement, and somebody approves it."""
    signed = alice.must("rule", "sign", *named(here), "--json").value["signed"]
    assert signed[0]["predicate"]["supersedes"] == head
    back = bob.must("rule", "approve", *named(here), "--justification", WHY, "--json")
    assert back.value["predicate"]["old"] is None
    assert back.value["change"] == {"verdict": "returned"}
    said = release(ci, here)
    assert (said["added"], said["retired"]) == ([RULE], [])


def test_a_crash_before_the_files_are_gone_is_finished(alice, ci, plane, here):
    """The retirement is there, and so is the rule: the same command ends it."""
    rita = joined(plane, "rosa", "author", "retire")
    alice.must("rule", "sign", *named(here))
    release(ci, here)
    kept = tree(here / "overlay" / "rules" / RULE)
    rita.must("rule", "retire", *named(here), "--reason", WHY)
    path = retired_path(here / "overlay", RULE)
    raw = path.read_bytes()
    for name, data in kept.items():
        (path.parent / name).write_bytes(data)
    again = rita.must("rule", "retire", *named(here), "--reason", "again", "--json")
    assert path.read_bytes() == raw
    assert again.value["predicate"]["reason"] == WHY
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_retirement_that_somebody_put_there_is_not_taken_for_ones_own(
    alice, ci, plane, here
):
    """Whoever may write the folder, and not retire, has it said and the files gone."""
    rita = joined(plane, "ruth", "author", "retire")
    alice.must("rule", "sign", *named(here))
    release(ci, here)
    kept = tree(here / "overlay" / "rules" / RULE)
    rita.must("rule", "retire", *named(here), "--reason", WHY)
    path = retired_path(here / "overlay", RULE)
    honest = path.read_bytes()
    found = loads_json(honest, max_bytes=1 << 20)
    envelope = found["dsseEnvelope"]
    payload = b64decode(envelope["payload"]).replace(b"itself now", b"never again")
    forged = found | {"dsseEnvelope": envelope | {"payload": b64encode(payload)}}
    path.write_bytes(dumps_json(forged))
    for name, data in kept.items():
        (path.parent / name).write_bytes(data)
    again = rita.must("rule", "retire", *named(here), "--reason", WHY, "--json")
    assert again.value["predicate"]["reason"] == WHY
    path.write_bytes(honest)
    for name, data in kept.items():
        (path.parent / name).write_bytes(data)
    before = tree(here)
    refused = alice("rule", "retire", *named(here), "--reason", WHY)
    assert refused.exit_code == 1
    assert tree(here) == before


def test_a_rule_that_is_deleted_is_not_released_away(alice, ci, plane, here):
    alice.must(
        "rule", "new", "acme.another", "--from", "change-calendar", "--overlay", here
    )
    alice.must("rule", "sign", "--overlay", here)
    release(ci, here)
    folder = here / "overlay" / "rules" / RULE
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    refused = release(ci, here, "retirement-missing")
    assert "trustacks rule retire" in refused.err
    stale = joined(plane, "rolf", "author", "retire")
    stale.must("rule", "retire", *named(here), "--reason", WHY)
    path = retired_path(here / "overlay", RULE)
    other = path.with_name("acme.another.retired.sigstore.json")
    other = other.parent.parent / "acme.another" / other.name
    for one in other.parent.iterdir():
        one.unlink()
    other.write_bytes(path.read_bytes())
    assert release(ci, here, "retirement-stale")
