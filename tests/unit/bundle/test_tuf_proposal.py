# SPDX-License-Identifier: Apache-2.0
"""A trust proposal: exact bytes, distinct admins, one base."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tuf.api.metadata import Root

from bundle.tuf.errors import (
    TrustProposalStaleError,
    TufKeyError,
    TufSignatureError,
)
from bundle.tuf.handed_in import stage_targets
from bundle.tuf.keys import role_key
from bundle.tuf.metadata import parse_metadata
from bundle.tuf.proposal import Base, ProposalSignature, TrustProposal, build_proposal
from bundle.tuf.proposal_signing import (
    assemble,
    sign_proposal,
    signers_of,
    threshold_of,
)
from bundle.tuf.view import read_view
from keys.digest import Digest
from keys.errors import FormatError, TrustacksError, UsageError, WriteConflictError
from signer.form import Custody
from signer.predicates.trust_change import IDENTITY_REGISTERED, Change
from tests.simulators.memory_key import MemoryKey
from tests.simulators.tuf_mirror import CHECKPOINT, FILES, Workspace

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
CHANGE = Change(kind=IDENTITY_REGISTERED, identity="jane.doe")


@pytest.fixture(scope="module")
def ws():
    return Workspace.create(AT, sovereign=True)


@pytest.fixture(scope="module")
def root(ws):
    return parse_metadata(ws.root, Root, "root").signed


def propose(ws, version=1, base=None, files=FILES, at=AT):
    key = role_key(ws.release_key.public_key, Custody.CONTROL_PLANE)
    return build_proposal(
        Digest.of(ws.root),
        base,
        version,
        files,
        key,
        CHANGE,
        checkpoint=CHECKPOINT,
        at=at,
    )


def signatures(ws, root, proposal):
    return [sign_proposal(proposal, root, key) for key in ws.targets_keys]


def test_what_is_assembled_is_what_a_runner_accepts(ws, root):
    proposal = propose(ws)
    view = read_view(
        [ws.root], assemble(proposal, root, signatures(ws, root, proposal)), None, at=AT
    )
    assert view.targets_version == 1
    assert {p: i.digest for p, i in view.files.items()} == {
        p: Digest.of(d) for p, d in FILES.items()
    }


def test_a_proposal_is_its_bytes(ws):
    proposal = propose(ws)
    assert TrustProposal.parse(proposal.to_bytes()) == proposal
    assert proposal.id == Digest.of(proposal.to_bytes())


def test_the_order_of_signatures_makes_no_difference(ws, root):
    proposal = propose(ws)
    made = signatures(ws, root, proposal)
    assert assemble(proposal, root, made) == assemble(proposal, root, made[::-1])


def test_one_admin_twice_is_one_admin(ws, root):
    proposal = propose(ws)
    one = sign_proposal(proposal, root, ws.targets_keys[0])
    assert threshold_of(root) == 2
    assert len(signers_of(proposal, root, [one, one])) == 1
    with pytest.raises(TufSignatureError):
        assemble(proposal, root, [one, one])


def test_a_signature_of_another_proposal_does_not_carry_over(ws, root):
    first, second = propose(ws), propose(ws, version=2)
    made = signatures(ws, root, first)
    with pytest.raises(TufSignatureError):
        assemble(second, root, made)


def test_a_stranger_signs_nothing(ws, root):
    proposal = propose(ws)
    with pytest.raises(TufKeyError):
        sign_proposal(proposal, root, MemoryKey.ecdsa())
    held = sign_proposal(proposal, root, ws.targets_keys[0])
    stranger = ProposalSignature("ab" * 32, held.signature)
    with pytest.raises(TufKeyError):
        signers_of(proposal, root, [stranger])


def test_a_broken_signature_is_refused_and_not_skipped(ws, root):
    proposal = propose(ws)
    made = signatures(ws, root, proposal)
    damaged = bytes([made[0].signature[0] ^ 1]) + made[0].signature[1:]
    broken = replace(made[0], signature=damaged)
    with pytest.raises(TufSignatureError):
        assemble(proposal, root, [*made, broken])


def test_a_proposal_comes_without_signatures(ws, root):
    proposal = propose(ws)
    whole = assemble(proposal, root, signatures(ws, root, proposal))
    with pytest.raises(TufSignatureError):
        replace(proposal, targets=whole)


def test_another_form_of_the_same_metadata_is_refused(ws):
    proposal = propose(ws)
    with pytest.raises(FormatError):
        replace(proposal, targets=proposal.targets + b"\n")


@pytest.mark.parametrize(
    ("base", "current"),
    [
        (None, Base(1, Digest.of(b"a"))),
        (Base(1, Digest.of(b"a")), None),
        (Base(1, Digest.of(b"a")), Base(2, Digest.of(b"a"))),
        (Base(1, Digest.of(b"a")), Base(1, Digest.of(b"b"))),
    ],
)
def test_a_proposal_on_other_targets_is_stale(ws, base, current):
    proposal = propose(ws, base=base, version=3)
    with pytest.raises(TrustProposalStaleError) as refused:
        proposal.require_base(current)
    assert refused.value.code == "trust-proposal-stale"
    proposal.require_base(base)


def test_signed_elsewhere_staged_and_published_here():
    ws = Workspace.create(AT, sovereign=True)
    root = parse_metadata(ws.root, Root, "root").signed
    proposal = propose(ws)
    whole = assemble(proposal, root, signatures(ws, root, proposal))
    staged = stage_targets(ws.storage, whole, FILES, at=AT)
    assert stage_targets(ws.storage, whole, FILES, at=AT) == staged
    ws.repository.publish_targets(staged, at=AT)
    assert ws.repository.current().targets == whole
    other = propose(ws, files={**FILES, "trust/policy.json": b"{ }"})
    again = assemble(other, root, signatures(ws, root, other))
    with pytest.raises(WriteConflictError):
        stage_targets(ws.storage, again, {**FILES, "trust/policy.json": b"{ }"}, at=AT)


@pytest.mark.parametrize("files", [{}, {**FILES, "trust/policy.json": b"other"}])
def test_other_files_than_listed_are_not_staged(ws, root, files):
    proposal = propose(ws)
    whole = assemble(proposal, root, signatures(ws, root, proposal))
    before = dict(ws.storage.objects) if hasattr(ws.storage, "objects") else None
    with pytest.raises(UsageError):
        stage_targets(ws.storage, whole, files, at=AT)
    if before is not None:
        assert dict(ws.storage.objects) == before


def test_an_expired_proposal_is_not_staged(ws, root):
    proposal = propose(ws)
    whole = assemble(proposal, root, signatures(ws, root, proposal))
    with pytest.raises(TrustacksError) as refused:
        stage_targets(ws.storage, whole, FILES, at=AT + timedelta(days=90))
    assert refused.value.code == "tuf-expired"


@given(st.data())
def test_a_damaged_proposal_is_refused_with_a_code(data):
    raw = propose(_WS).to_bytes()
    place = data.draw(st.integers(0, len(raw) - 1))
    byte = data.draw(st.integers(0, 255))
    damaged = raw[:place] + bytes([byte]) + raw[place + 1 :]
    if damaged == raw:
        return
    with suppress(TrustacksError):
        assert TrustProposal.parse(damaged).id != Digest.of(raw)


_WS = Workspace.create(AT, sovereign=True)
