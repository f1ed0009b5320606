# SPDX-License-Identifier: Apache-2.0
"""The reading half of a transparency log: Merkle arithmetic, notes, tiles, entries.

Whoever holds a checkpoint of a log's key can check here, without the log, that an
entry is in it and that two checkpoints are one history. Appending is the business of
``control_plane.log``; what an entry *permits* is nobody's: the log grants nothing.

Example:
    >>> from signer.tlog.merkle import leaf_hash, tree_root, verify_inclusion
    >>> leaves = {(0, 0): leaf_hash(b"a")}
    >>> root = tree_root(1, lambda level, index: leaves[level, index])
    >>> verify_inclusion(leaf=leaf_hash(b"a"), index=0, size=1, proof=(), root=root)
"""
