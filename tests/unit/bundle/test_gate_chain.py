# SPDX-License-Identifier: Apache-2.0
"""The chain of releases: where it must lead, how long it may be, who is kept by it."""

from dataclasses import dataclass, field, replace

import pytest

from bundle.gate import Candidate
from bundle.gate.chain import (
    find_anchor,
    floors_of,
    open_chain,
    open_head,
    split_endorsed,
)
from bundle.gate.errors import ReleaseChainError
from bundle.gate.forward import check_log_forward
from bundle.limits import MAX_CHAIN_RELEASES
from bundle.marks import Known, LogMark
from bundle.runner.collect import collect_chain
from keys.digest import Digest
from keys.errors import FormatError, LimitExceededError, NotFoundError
from signer.attestation import build_attestation
from signer.dsse import IN_TOTO, Envelope
from signer.predicates.release import TargetsRef
from signer.tlog.checkpoint import Checkpoint
from tests.simulators.signing import Workshop, say

OTHER = Digest.of(b"another")
EMPTY = Candidate(
    roots=(),
    targets=b"",
    release_role=None,
    policy=b"",
    trusted_root=b"",
    constitution=b"",
    constitution_attestation=b"",
    revision=1,
    bundle=b"",
    attestations=b"",
)


@dataclass
class History:
    """Releases that are linked, and signed by nobody: links are read before that."""

    shop: Workshop = field(default_factory=Workshop)
    raws: list[bytes] = field(default_factory=list)

    def add(self, **changes):
        before = open_head(self.raws[-1]).digest if self.raws else None
        base = self.shop.release(inventory=(), added=())
        said = {"revision": len(self.raws) + 1, "predecessor": before, **changes}
        predicate = replace(base, **said)
        key = self.shop.people["releaser"].key.public_key
        envelope = Envelope(IN_TOTO, say(predicate, b"archive"), key.hint, b"unsigned")
        self.raws.append(build_attestation(envelope=envelope, key=key))
        return self

    def grow(self, count):
        for _ in range(count):
            self.add()
        return self

    def known(self, revision):
        return open_head(self.raws[revision - 1]).known

    def candidate(self, links=None):
        before = tuple(reversed(self.raws[:-1]))
        return replace(EMPTY, chain=before if links is None else before[:links])

    @property
    def head(self):
        return open_head(self.raws[-1])

    def chain(self, digest):
        for raw in self.raws:
            if open_head(raw).digest == digest:
                return raw
        raise NotFoundError(f"expected {digest}, got none")


@pytest.fixture(scope="module")
def five():
    return History().grow(5)


@pytest.mark.parametrize(
    ("anchor", "links"), [(None, 4), (1, 4), (2, 3), (4, 1), (5, 0)]
)
def test_a_chain_is_walked_to_what_is_known_and_no_further(five, anchor, links):
    known = five.known(anchor) if anchor else None
    walked = open_chain(five.candidate(), five.head, known)
    assert [link.release.revision for link in walked] == [4, 3, 2, 1][:links]
    gathered = tuple(collect_chain(five, five.head, known))
    assert gathered == five.candidate(links).chain


@pytest.mark.parametrize(
    ("anchor", "links"), [(None, 3), (None, 0), (1, 3), (3, 1), (4, 0)]
)
def test_a_chain_that_is_too_short_is_refused(five, anchor, links):
    known = five.known(anchor) if anchor else None
    with pytest.raises(ReleaseChainError):
        open_chain(five.candidate(links), five.head, known)


def test_a_chain_to_another_release_of_the_known_revision_is_refused(five):
    with pytest.raises(ReleaseChainError):
        open_chain(five.candidate(), five.head, Known(3, OTHER))


@pytest.mark.parametrize(
    "changes",
    [
        {"revision": 4},
        {"predecessor": OTHER},
        {"workspace": OTHER},
        {"targets": TargetsRef(version=1, digest=OTHER)},
    ],
    ids=str,
)
def test_a_step_that_does_not_follow_is_refused(changes):
    newer = TargetsRef(version=2, digest=OTHER)
    history = History().add().add(targets=newer).add(**{"targets": newer, **changes})
    with pytest.raises(ReleaseChainError):
        open_chain(history.candidate(), history.head, None)


def test_a_statement_of_another_type_is_no_link(five):
    shop = five.shop
    raw = shop.attest(say(shop.artifact(), b"data"), by=shop.people["author"])
    with pytest.raises(ReleaseChainError):
        open_head(raw)


def test_a_chain_has_a_bound(five):
    fits = replace(EMPTY, chain=(five.raws[0],) * MAX_CHAIN_RELEASES)
    assert open_chain(fits, five.head, five.known(5)) == ()
    more = replace(EMPTY, chain=(five.raws[0],) * (MAX_CHAIN_RELEASES + 1))
    with pytest.raises(LimitExceededError):
        open_chain(more, five.head, five.known(5))


def test_gathering_stops_at_its_bounds(five):
    sizes = [len(raw) for raw in five.raws[:4]]
    assert len(list(collect_chain(five, five.head, None, max_releases=4))) == 4
    with pytest.raises(LimitExceededError):
        list(collect_chain(five, five.head, None, max_releases=3))
    assert list(collect_chain(five, five.head, None, max_bytes=sum(sizes)))
    with pytest.raises(LimitExceededError):
        list(collect_chain(five, five.head, None, max_bytes=sum(sizes) - 1))


def test_gathering_what_does_not_descend_ends():
    """A mirror that leads in a circle gives the gate something to refuse."""
    history = History().grow(2)
    loop = History(history.shop, list(history.raws)).add(revision=3, predecessor=OTHER)
    loop.chain = lambda digest: loop.raws[-1]
    assert len(list(collect_chain(loop, loop.head, None))) == 1


# ------------------------------------------------------------------ anchors, floors


def test_the_anchor_is_the_mark_or_else_the_highest_floor():
    low, high = Known(2, OTHER), Known(3, OTHER)
    assert find_anchor(None, ()) is None
    assert find_anchor(None, (low, high)) == high
    assert find_anchor(None, (high, low)) == high


def test_the_admins_floor_and_the_operator_s_both_count(five):
    policy = five.shop.policy()
    mine = Known(2, OTHER)
    assert floors_of(policy, None) == ()
    assert floors_of(policy, mine) == (mine,)


def test_an_endorsed_digest_keeps_itself_and_everything_before_it(five):
    links = [open_head(raw) for raw in reversed(five.raws)]
    by_key, by_digest = split_endorsed(links, [five.known(3).digest])
    assert [link.release.revision for link in by_key] == [5, 4]
    assert [link.release.revision for link in by_digest] == [3, 2, 1]
    assert split_endorsed(links, []) == (links, [])


# ------------------------------------------------------------------ the log


def test_logs_of_another_name_are_not_compared():
    mark = LogMark("old.log", 9, OTHER)
    check_log_forward(mark, Checkpoint("new.log", 1, OTHER.raw))
    check_log_forward(mark, Checkpoint("old.log", 9, OTHER.raw))
    check_log_forward(mark, Checkpoint("old.log", 10, Digest.of(b"more").raw))


def test_reading_a_head_refuses_rubbish():
    with pytest.raises(FormatError):
        open_head(b"{}")
