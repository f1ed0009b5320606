# SPDX-License-Identifier: Apache-2.0
"""Packs whose log was tampered with: by a thief of the file, and by one of the log's key.

Every story asserts the code, and that nothing was accepted. The first table is somebody
who changes a pack on its way; the second is the Control Plane itself, which signs any
tree that it likes, but cannot make a Runner have seen it.
"""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bundle.audit.findings import Severity
from bundle.audit.pack import write_pack
from keys.digest import Digest
from signer.tlog.entry import hashedrekord_body
from signer.tlog.note import sign_note
from tests.simulators.evidence import AuditedWorkspace, Doctor
from tests.simulators.memory_key import MemoryKey

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(scope="module", params=[False, True], ids=["as-submitted", "completed"])
def acme(engine, request):
    """Two releases, and a Runner that activated both and then saw the log."""
    workspace = AuditedWorkspace(AT, engine, completed=request.param)
    rule = workspace.rule()
    workspace.report(workspace.release(rule))
    last = workspace.release(rule)
    workspace.report(last)
    workspace.report(last, outcome="unchanged")
    return workspace


def other_leaf(_body):
    key = MemoryKey.ecdsa()
    return hashedrekord_body(
        digest=Digest.of(b"x"), signature=key.sign(b"x"), key=key.public_key
    )


def alter(bodies):
    bodies[1] = other_leaf(bodies[1])


def reorder(bodies):
    bodies[1], bodies[2] = bodies[2], bodies[1]


EDITS = {
    "a missing entry": lambda b: b.pop(2),
    "an altered entry": alter,
    "reordered entries": reorder,
    "a duplicated entry": lambda b: b.insert(2, b[1]),
    "an invented entry": lambda b: b.insert(1, other_leaf(b[0])),
}


def test_an_honest_pack_is_accepted_with_its_warnings(acme):
    report = acme.replay()
    assert report.accepted
    assert {f.code for f in report.findings} == {"unanchored", "unwitnessed"}
    assert [r.outcome.value for r in report.releases] == ["same", "same"]


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_entries_that_the_log_did_not_sign_are_refused(acme, edit):
    doctor = Doctor(acme)
    report = acme.replay(doctor.edit(edit, resign=False))
    assert not report.accepted
    assert set(report.codes) & {"log-altered", "not-found", "tile-format"}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_another_history_that_the_log_signs_is_forked(acme, edit):
    doctor = Doctor(acme)
    report = acme.replay(doctor.edit(edit, resign=True))
    assert not report.accepted
    assert "log-forked" in report.codes


REWRITES = {
    "an entry left out": (lambda b: b.pop(1), "log-forked"),
    "entries reordered": (reorder, "log-forked"),
    "everything after the first left out": (
        lambda b: b.__delitem__(slice(1, -1)),
        "log-truncated",
    ),
}


@pytest.mark.parametrize(("edit", "code"), REWRITES.values(), ids=REWRITES)
def test_a_rewritten_history_with_new_proofs_is_told_by_what_a_runner_signed(
    engine, edit, code
):
    workspace = AuditedWorkspace(AT, engine)
    workspace.rule()
    workspace.rule("acme.deploy_window")
    workspace.report(None, outcome="held")
    doctor = Doctor(workspace)
    edit(doctor.bodies)
    doctor.reprove()
    doctor.rewrite_log(resign=True)
    report = workspace.replay(doctor.close())
    assert report.codes == (code,)
    assert not report.accepted


def test_kept_proofs_tell_a_rewritten_history_without_any_anchor(engine):
    workspace = AuditedWorkspace(AT, engine, completed=True)
    workspace.rule()
    workspace.rule("acme.deploy_window")
    report = workspace.replay(Doctor(workspace).edit(reorder, resign=True))
    assert "log-forked" in report.codes
    assert not report.accepted


def test_what_runners_were_given_must_be_of_the_auditors_log(engine):
    workspace = AuditedWorkspace(AT, engine)
    rule = workspace.rule()
    forked = replace(rule, attestation=workspace.forked(rule.attestation))
    workspace.release(forked)
    report = workspace.replay()
    assert report.codes == ("log-forked",)
    assert not report.accepted


def test_a_kept_proof_of_another_place_is_refused(engine):
    workspace = AuditedWorkspace(AT, engine, completed=True)
    workspace.rule()
    doctor = Doctor(workspace)
    doctor.bodies.append(doctor.bodies[1])
    doctor.rewrite_log(resign=True)
    doctor.reprove()  # the last proof of a leaf that is there twice is of its last place
    report = workspace.replay(doctor.close())
    assert report.codes == ("entry-duplicated", "entry-altered")
    assert not report.accepted


def test_a_fork_shows_both_trees(acme):
    doctor = Doctor(acme)
    report = acme.replay(doctor.edit(alter, resign=True))
    (first, *_) = [f for f in report.findings if f.code == "log-forked"]
    assert "expected tree hash" in first.message
    assert "got" in first.message


def test_a_truncated_history_is_refused_by_what_was_signed_over_it(acme):
    doctor = Doctor(acme)
    report = acme.replay(
        doctor.edit(lambda b: b.__delitem__(slice(3, None)), resign=True)
    )
    assert not report.accepted
    assert "evidence-unlogged" in report.codes
    assert "release-unpublished" not in report.codes


def test_a_truncated_history_without_a_trace_is_told_by_an_outside_anchor(engine):
    workspace = AuditedWorkspace(AT, engine)
    rule = workspace.rule()
    workspace.report(workspace.release(rule))
    older = workspace.export()
    workspace.report(workspace.release(rule))
    newest = workspace.log.checkpoint()
    assert workspace.replay(older).accepted
    report = workspace.replay(older, anchors=[newest])
    assert not report.accepted
    assert report.codes == ("log-truncated",)


def test_an_anchor_from_outside_witnesses_the_whole_log(acme):
    report = acme.replay(anchors=[acme.log.checkpoint()])
    assert report.accepted
    assert report.findings == ()
    assert report.log.witnessed
    assert all(item.anchored for item in report.timeline)


def test_an_anchor_of_another_history_is_an_alarm(acme, engine):
    other = AuditedWorkspace(AT, engine)
    other.log.key = acme.log.key
    for body in acme.log.bodies[:3]:
        other.log.bodies.append(body)
    report = acme.replay(anchors=[other.log.checkpoint()])
    assert not report.accepted
    assert report.codes == ("log-forked",)


def test_an_anchor_by_another_key_covers_nothing(acme):
    note = acme.log.checkpoint().decode().split("\n\n")[0] + "\n"
    forged = sign_note(note, acme.log.origin, MemoryKey.ed25519())
    report = acme.replay(anchors=[forged])
    assert not report.accepted
    assert report.codes == ("checkpoint-signature",)
    assert not report.log.witnessed


def test_an_entry_that_nobody_registered_signed_is_refused(acme):
    report = acme.replay(Doctor(acme).invent())
    assert not report.accepted
    assert "unknown-signer" in report.codes


def test_an_entry_that_comes_twice_at_the_end_is_refused(acme):
    doctor = Doctor(acme)
    report = acme.replay(doctor.edit(lambda b: b.append(b[1]), resign=True))
    assert report.codes == ("entry-duplicated",)
    assert not report.accepted


def test_a_withheld_attestation_is_refused(acme):
    doctor = Doctor(acme)
    name = next(n for n in doctor.files if n.startswith("attestations/"))
    del doctor.files[name]
    report = acme.replay(doctor.close())
    assert "evidence-withheld" in report.codes
    assert not report.accepted


@pytest.mark.parametrize("index", range(6))
def test_whichever_attestation_is_withheld_it_is_missed(acme, index):
    doctor = Doctor(acme)
    names = [n for n in doctor.files if n.startswith("attestations/")]
    del doctor.files[names[index]]
    assert "evidence-withheld" in acme.replay(doctor.close()).codes


def test_an_attestation_without_a_leaf_is_refused(acme):
    doctor = Doctor(acme)
    doctor.files["attestations/" + "0" * 64 + ".sigstore.json"] = b"{}"
    report = acme.replay(doctor.close())
    assert report.codes == ("evidence-unlogged",)
    assert not report.accepted


def test_an_attestation_in_place_of_another_is_refused(acme):
    doctor = Doctor(acme)
    one, other, *_ = (n for n in doctor.files if n.startswith("attestations/"))
    doctor.files[one] = doctor.files[other]
    report = acme.replay(doctor.close())
    assert "entry-altered" in report.codes
    assert not report.accepted


def test_a_release_on_the_chain_without_a_leaf_is_refused(acme):
    doctor = Doctor(acme)
    some = next(n for n in doctor.files if n.startswith("chain/"))
    doctor.files["chain/" + "0" * 64 + ".sigstore.json"] = doctor.files[some]
    report = acme.replay(doctor.close())
    assert report.codes == ("evidence-unlogged", "entry-altered")
    assert not report.accepted


def test_tiles_that_tell_other_readers_another_tree_are_refused(acme):
    doctor = Doctor(acme)
    name = next(n for n in doctor.files if n.startswith("log/tile/0/"))
    data = doctor.files[name]
    doctor.files[name] = data[:-1] + bytes([data[-1] ^ 1])  # never what it was
    report = acme.replay(doctor.close())
    assert report.codes == ("log-altered",)
    assert not report.accepted


def test_a_tile_beyond_the_tree_is_refused(acme):
    doctor = Doctor(acme)
    doctor.files["log/tile/9/000"] = b""
    assert acme.replay(doctor.close()).codes == ("pack-member",)


def test_another_log_key_opens_nothing(acme):
    report = acme.replay(log_key=MemoryKey.ed25519().public_key)
    assert report.codes == ("checkpoint-signature",)
    assert not report.accepted
    assert report.log is None
    assert report.releases == ()


def test_a_missing_checkpoint_opens_nothing(acme):
    doctor = Doctor(acme)
    del doctor.files["log/checkpoint"]
    report = acme.replay(doctor.close())
    assert report.codes == ("history-missing",)
    assert not report.accepted


def test_a_missing_entry_bundle_opens_nothing(acme):
    doctor = Doctor(acme)
    name = next(n for n in doctor.files if n.startswith("log/tile/entries/"))
    del doctor.files[name]
    report = acme.replay(doctor.close())
    assert not report.accepted
    assert report.log is None


def test_a_release_that_rests_on_unanchored_leaves_is_refused(engine):
    workspace = AuditedWorkspace(AT, engine)
    early = workspace.log.checkpoint().decode()
    rule = workspace.rule()
    workspace.release(rule, checkpoint=early)
    report = workspace.replay()
    assert not report.accepted
    assert report.codes == ("unanchored",)
    assert workspace.replay(anchors=[workspace.log.checkpoint()]).accepted


def test_leaves_on_which_nothing_rests_may_be_beyond_the_last_anchor(acme):
    report = acme.replay()
    (unanchored,) = [f for f in report.findings if f.code == "unanchored"]
    assert unanchored.severity is Severity.WARNING
    assert [item.anchored for item in report.timeline].count(False) == 1


def test_a_pack_of_another_workspace_under_this_name_is_refused(acme, engine):
    other = AuditedWorkspace(AT, engine)
    other.release(other.rule())
    report = acme.replay(other.export(), log_key=other.log.key.public_key)
    assert report.codes == ("root-other",)
    assert not report.accepted
    assert report.form is None


def test_a_root_swapped_inside_the_pack_is_refused(acme, engine):
    doctor = Doctor(acme)
    doctor.files["metadata/1.root.json"] = AuditedWorkspace(AT, engine).root
    data = write_pack(doctor.files, name="acme", at=AT)
    assert acme.replay(data).codes == ("root-other",)
