# SPDX-License-Identifier: Apache-2.0
"""RFC 6962 trees: hashes, roots and both proofs, each made here and checked here.

Proofs are built from a ``HashReader`` over *complete* subtrees, so that the same code
serves a tree in memory, tiles on a disk and tiles behind HTTP, and reads O(log n)
hashes whatever the size. Nothing here knows what a leaf means.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from keys.errors import UsageError
from signer.tlog.errors import InconsistentError, NotIncludedError

# (level, index) to the hash of leaves [index << level, (index + 1) << level).
HashReader = Callable[[int, int], bytes]

# RFC 6962 §2.1: "The hash of an empty list is the hash of an empty string".
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash one entry.

    Source: RFC 6962 §2.1: the prefix 0x00 keeps a leaf from passing as a node.
    """
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into one (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def verify_inclusion(
    *, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that ``leaf`` (a hash) is entry ``index`` of the tree of ``size`` leaves.

    Raises:
        NotIncludedError: The index is outside the tree, the proof has another length
            than the place demands, or it leads to another root.

    Source: RFC 9162 §2.1.3.2 (the trees of RFC 6962).
    """
    if not 0 <= index < size:
        raise NotIncludedError(
            f"expected a leaf index below {size}, got {index}", index=index, size=size
        )
    place, last, found, sha256 = index, size - 1, leaf, hashlib.sha256
    for sibling in proof:
        if last == 0:
            raise _wrong_length(NotIncludedError, size)
        # node_hash, written out: this loop is what a verifier of many bundles does most
        if place & 1 or place == last:
            found = sha256(b"\x01" + sibling + found).digest()
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = sha256(b"\x01" + found + sibling).digest()
        place, last = place >> 1, last >> 1
    if last:
        raise _wrong_length(NotIncludedError, size)
    if found != root:
        raise NotIncludedError(
            f"expected the proof to lead to root {root.hex()}, got {found.hex()}",
            index=index,
            size=size,
        )


def verify_consistency(
    *,
    old_size: int,
    old_root: bytes,
    new_size: int,
    new_root: bytes,
    proof: Sequence[bytes],
) -> None:
    """Check that the tree of ``new_size`` leaves extends the one of ``old_size``.

    Raises:
        InconsistentError: It does not, or the proof does not show it.

    Source: RFC 9162 §2.1.4.2; an old tree without leaves is the start of every tree.
    """
    if not 0 <= old_size <= new_size:
        raise InconsistentError(
            f"expected a size of at least {old_size}, got {new_size}",
            old_size=old_size,
            new_size=new_size,
        )
    if old_size in (0, new_size):
        expected = EMPTY_ROOT if old_size == 0 else new_root
        _equal_roots(expected, old_root, old_size)
        if proof:
            raise _wrong_length(InconsistentError, new_size)
        return
    old_found, new_found = _fold_consistency(old_size, old_root, new_size, proof)
    _equal_roots(old_root, old_found, old_size)
    _equal_roots(new_root, new_found, new_size)


def tree_root(size: int, hashes: HashReader) -> bytes:
    """Return the root of the first ``size`` leaves."""
    _require(size >= 0, f"expected a size of at least 0, got {size}")
    return _range_root(0, size, hashes) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, hashes: HashReader) -> tuple[bytes, ...]:
    """Return the siblings from leaf ``index`` up to the root.

    Raises:
        UsageError: There is no such leaf.

    Source: RFC 6962 §2.1.1, PATH(m, D[n]).
    """
    _require(0 <= index < size, f"expected an index below {size}, got {index}")
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(middle, end, hashes))
            end = middle
        else:
            path.append(_range_root(start, middle, hashes))
            start = middle
    return tuple(reversed(path))


def consistency_proof(
    old_size: int, new_size: int, hashes: HashReader
) -> tuple[bytes, ...]:
    """Return what shows that ``new_size`` leaves begin with the first ``old_size``.

    Raises:
        UsageError: The old size is larger than the new one.

    Source: RFC 6962 §2.1.2, PROOF(m, D[n]).
    """
    _require(
        0 <= old_size <= new_size,
        f"expected an old size up to {new_size}, got {old_size}",
    )
    if old_size in (0, new_size):
        return ()
    path, start, end = [], 0, new_size
    while old_size != end:
        middle = start + _split(end - start)
        if old_size <= middle:
            path.append(_range_root(middle, end, hashes))
            end = middle
        else:
            path.append(_range_root(start, middle, hashes))
            start = middle
    # The old root itself is what its holder has: it is left out (b = true).
    if start:
        path.append(_range_root(start, end, hashes))
    return tuple(reversed(path))


def _fold_consistency(
    old_size: int, old_root: bytes, new_size: int, proof: Sequence[bytes]
) -> tuple[bytes, bytes]:
    steps = iter(proof)
    place, last = old_size - 1, new_size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    # RFC 9162 §2.1.4.2 step 2: a whole old subtree is its own first step.
    old = new = _next(steps, new_size) if place else old_root
    for sibling in steps:
        if last == 0:
            raise _wrong_length(InconsistentError, new_size)
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise _wrong_length(InconsistentError, new_size)
    return old, new


def _range_root(start: int, end: int, hashes: HashReader) -> bytes:
    """Root of leaves [start, end), where start is a multiple of the range's power."""
    level = (end - start).bit_length() - 1
    found = hashes(level, start >> level)
    middle = start + (1 << level)
    return (
        found if middle == end else node_hash(found, _range_root(middle, end, hashes))
    )


def _split(leaves: int) -> int:
    """Return the largest power of two below ``leaves`` (RFC 6962 §2.1: k)."""
    return 1 << ((leaves - 1).bit_length() - 1)


def _next(steps: Iterator[bytes], size: int) -> bytes:
    for step in steps:
        return step
    raise _wrong_length(InconsistentError, size)


def _equal_roots(expected: bytes, got: bytes, size: int) -> None:
    if expected != got:
        raise InconsistentError(
            f"expected root {expected.hex()} at size {size}, got {got.hex()}",
            size=size,
            expected=expected.hex(),
            got=got.hex(),
        )


def _wrong_length(
    error: type[NotIncludedError | InconsistentError], size: int
) -> NotIncludedError | InconsistentError:
    return error(f"expected a proof of the length that size {size} demands", size=size)


def _require(condition: bool, message: str) -> None:  # noqa: FBT001 - a claim
    if not condition:
        raise UsageError(message)
