# SPDX-License-Identifier: Apache-2.0
"""RFC 6962 trees against published values, and against the definition at every size."""

import hashlib
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.errors import UsageError
from signer.tlog.errors import InconsistentError, NotIncludedError
from signer.tlog.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

# The eight leaves and the roots of their first n, known from the test data of Google's
# certificate-transparency and of transparency-dev/merkle (testonly/reference data).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
# Their published inclusion proofs: (leaf, size) to siblings.
PROOFS = {
    (0, 1): [],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
SIZE = 300
DATA = [b"leaf %d" % n for n in range(SIZE)]


@cache
def mth(start: int, end: int) -> bytes:
    """RFC 6962 §2.1, word for word, over ``DATA[start:end]``."""
    if start == end:
        return hashlib.sha256(b"").digest()
    if end - start == 1:
        return hashlib.sha256(b"\x00" + DATA[start]).digest()
    k = 1
    while k * 2 < end - start:
        k *= 2
    return hashlib.sha256(
        b"\x01" + mth(start, start + k) + mth(start + k, end)
    ).digest()


def path(m: int, start: int, end: int) -> list[bytes]:
    """RFC 6962 §2.1.1, PATH(m, D[n])."""
    if end - start == 1:
        return []
    k = 1
    while k * 2 < end - start:
        k *= 2
    if m < k:
        return [*path(m, start, start + k), mth(start + k, end)]
    return [*path(m - k, start + k, end), mth(start, start + k)]


def subproof(m: int, start: int, end: int, *, whole: bool) -> list[bytes]:
    """RFC 6962 §2.1.2, SUBPROOF(m, D[n], b)."""
    if m == end - start:
        return [] if whole else [mth(start, end)]
    k = 1
    while k * 2 < end - start:
        k *= 2
    if m <= k:
        return [*subproof(m, start, start + k, whole=whole), mth(start + k, end)]
    return [*subproof(m - k, start + k, end, whole=False), mth(start, start + k)]


def hashes(level: int, index: int) -> bytes:
    assert (index + 1) << level <= SIZE, "a subtree that is not complete was read"
    return mth(index << level, (index + 1) << level)


def published(level: int, index: int) -> bytes:
    row = [leaf_hash(leaf) for leaf in LEAVES]
    for _ in range(level):
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
    return row[index]


@pytest.mark.parametrize(("size", "root"), ROOTS.items())
def test_published_roots(size, root):
    assert tree_root(size, published).hex() == root


@pytest.mark.parametrize(("place", "proof"), PROOFS.items(), ids=str)
def test_published_inclusion_proofs(place, proof):
    index, size = place
    assert [h.hex() for h in inclusion_proof(index, size, published)] == proof
    verify_inclusion(
        leaf=leaf_hash(LEAVES[index]),
        index=index,
        size=size,
        proof=[bytes.fromhex(h) for h in proof],
        root=bytes.fromhex(ROOTS[size]),
    )


def test_the_empty_tree_has_the_published_root():
    assert EMPTY_ROOT.hex() == ROOTS[0]


@pytest.mark.parametrize("size", [*range(1, 40), 127, 128, 129, 255, 256, 257, 300])
def test_every_leaf_of_every_size_is_proved_as_defined(size):
    assert tree_root(size, hashes) == mth(0, size)
    for index in range(size):
        proof = inclusion_proof(index, size, hashes)
        assert list(proof) == path(index, 0, size)
        verify_inclusion(
            leaf=leaf_hash(DATA[index]),
            index=index,
            size=size,
            proof=proof,
            root=mth(0, size),
        )


@settings(max_examples=150, deadline=None)
@given(st.integers(1, SIZE), st.data())
def test_any_leaf_is_proved_in_its_place_and_in_no_other(size, data):
    index = data.draw(st.integers(0, size - 1))
    claimed = data.draw(st.integers(-1, size + 1))
    proof = list(inclusion_proof(index, size, hashes))
    assert proof == path(index, 0, size)
    given_proof = {
        "index": claimed,
        "size": size,
        "proof": proof,
        "root": mth(0, size),
        "leaf": leaf_hash(DATA[index]),
    }
    if claimed == index:
        verify_inclusion(**given_proof)
        return
    with pytest.raises(NotIncludedError):
        verify_inclusion(**given_proof)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, SIZE), st.data())
def test_any_tree_is_consistent_with_what_it_began_with(size, data):
    old = data.draw(st.integers(0, size))
    proof = list(consistency_proof(old, size, hashes))
    assert proof == (subproof(old, 0, size, whole=True) if 0 < old < size else [])
    verify_consistency(
        old_size=old,
        old_root=mth(0, old),
        new_size=size,
        new_root=mth(0, size),
        proof=proof,
    )


@settings(max_examples=200, deadline=None)
@given(st.integers(1, SIZE), st.data())
def test_a_changed_consistency_proof_is_refused(size, data):
    old = data.draw(st.integers(1, size))
    proof = list(consistency_proof(old, size, hashes))
    claim = {
        "old_size": old,
        "old_root": mth(0, old),
        "new_size": size,
        "new_root": mth(0, size),
        "proof": proof,
    }
    what = data.draw(st.sampled_from(["old", "new", "longer", "shorter", "flipped"]))
    if what == "old":
        claim["old_root"] = bytes(32)
    elif what == "new":
        claim["new_root"] = bytes(32)
    elif what == "longer":
        claim["proof"] = [*proof, bytes(32)]
    elif what == "shorter" and proof:
        claim["proof"] = proof[:-1]
    elif proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        claim["proof"] = [*proof[:place], bytes(32), *proof[place + 1 :]]
    else:
        return
    with pytest.raises(InconsistentError) as refused:
        verify_consistency(**claim)
    assert refused.value.code == "log-inconsistent"


def test_a_tree_that_shrank_is_inconsistent():
    with pytest.raises(InconsistentError) as refused:
        verify_consistency(
            old_size=5, old_root=mth(0, 5), new_size=4, new_root=mth(0, 4), proof=[]
        )
    assert refused.value.evidence == {"old_size": 5, "new_size": 4}


def test_two_trees_of_one_size_must_be_one():
    with pytest.raises(InconsistentError) as refused:
        verify_consistency(
            old_size=5, old_root=mth(0, 5), new_size=5, new_root=mth(1, 6), proof=[]
        )
    assert refused.value.evidence["size"] == 5


def test_an_empty_tree_with_a_root_of_its_own_is_refused():
    with pytest.raises(InconsistentError):
        verify_consistency(
            old_size=0, old_root=bytes(32), new_size=4, new_root=mth(0, 4), proof=[]
        )


WRONG = {
    "too long": lambda c: c["proof"].append(bytes(32)),
    "too short": lambda c: c["proof"].pop(),
    "none": lambda c: c["proof"].clear(),
    "flipped": lambda c: c["proof"].__setitem__(1, bytes(32)),
    "swapped": lambda c: c["proof"].reverse(),
    "other leaf": lambda c: c.update(leaf=leaf_hash(b"other")),
    "a node as a leaf": lambda c: c.update(leaf=mth(4, 6)),
    "other root": lambda c: c.update(root=mth(0, 12)),
    "larger size": lambda c: c.update(size=33),
    "past the end": lambda c: c.update(index=11),
    "negative": lambda c: c.update(index=-1),
    "empty tree": lambda c: c.update(size=0, index=0),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_wrong_inclusion_proof_is_refused(change):
    claim = {
        "leaf": leaf_hash(DATA[4]),
        "index": 4,
        "size": 11,
        "proof": list(inclusion_proof(4, 11, hashes)),
        "root": mth(0, 11),
    }
    verify_inclusion(**claim)
    change(claim)
    with pytest.raises(NotIncludedError) as refused:
        verify_inclusion(**claim)
    assert refused.value.code == "not-included"


def test_a_proof_one_step_too_long_is_refused_even_where_it_leads_to_the_root():
    """A root above the root: the signed size says how high the tree is."""
    above = node_hash(bytes(32), mth(0, 11))
    with pytest.raises(NotIncludedError):
        verify_inclusion(
            leaf=leaf_hash(DATA[4]),
            index=4,
            size=11,
            proof=[*inclusion_proof(4, 11, hashes), bytes(32)],
            root=above,
        )
    with pytest.raises(InconsistentError):
        verify_consistency(
            old_size=5,
            old_root=node_hash(bytes(32), mth(0, 5)),
            new_size=11,
            new_root=node_hash(bytes(32), mth(0, 11)),
            proof=[*consistency_proof(5, 11, hashes), bytes(32)],
        )


def test_a_proof_one_step_too_short_is_refused_even_where_it_leads_to_the_root():
    """The root of four leaves, called the root of eight."""
    with pytest.raises(NotIncludedError):
        verify_inclusion(
            leaf=leaf_hash(DATA[1]),
            index=1,
            size=8,
            proof=inclusion_proof(1, 4, hashes),
            root=mth(0, 4),
        )
    with pytest.raises(InconsistentError):
        verify_consistency(
            old_size=3,
            old_root=mth(0, 3),
            new_size=8,
            new_root=mth(0, 4),
            proof=consistency_proof(3, 4, hashes),
        )


def test_no_proof_is_made_of_what_is_not_there():
    with pytest.raises(UsageError):
        inclusion_proof(3, 3, hashes)
    with pytest.raises(UsageError):
        consistency_proof(4, 3, hashes)
    with pytest.raises(UsageError):
        tree_root(-1, hashes)
