# SPDX-License-Identifier: Apache-2.0
"""The bounds on one append: number, unit, reason."""

from typing import Final

# Entries in one commit: four full bundles; 32 submitters never wait for a second one.
MAX_BATCH_ENTRIES: Final = 1024

# Bytes of entries in one commit. A leaf of ours has 600; they are held in memory twice.
MAX_BATCH_BYTES: Final = 4 * 1024 * 1024

# Bytes. A batch in base64 (four for three), with quotes, commas and the header.
MAX_JOURNAL_BYTES: Final = 6 * 1024 * 1024
