# SPDX-License-Identifier: Apache-2.0
"""The bounds on a log's evidence: number, unit, reason."""

from typing import Final

# Leaves. Sizes travel as int64 in Sigstore's bundles.
MAX_TREE_SIZE: Final = 2**63 - 1

# Bytes. C2SP signed-note: at least 16 signatures of up to nearly 5 kB, in base64.
MAX_NOTE_BYTES: Final = 131_072

# Lines. Twice what C2SP signed-note obliges a reader to accept.
MAX_NOTE_SIGNATURES: Final = 32

# Hashes. A proof in a tree of 2**63 leaves has one sibling for each level.
MAX_PROOF_HASHES: Final = 63

# Bytes. C2SP tlog-tiles: an entry's length is a uint16.
MAX_ENTRY_BYTES: Final = 65_535

# Tiles kept by one reader, 8 KiB each: a proof in 2**40 leaves touches ten.
MAX_CACHED_TILES: Final = 64

# Seconds since 1970. The last second of the year 9999, which a datetime holds.
MAX_INTEGRATED_S: Final = 253_402_300_799

# Bytes. A log's DER signature of P-256 has at most 72; RSA 4096 has 512.
MAX_PROMISE_BYTES: Final = 512

# Checkpoints whose signature is kept as checked: the newest of each log, and those of a
# batch of attestations. All of the largest notes are 16 MiB.
MAX_KEPT_CHECKPOINTS: Final = 128
