# SPDX-License-Identifier: Apache-2.0
"""The bounds on an evidence pack: number, unit, reason."""

from typing import Final

from bundle.limits import MAX_TARGET_BYTES

# Bytes. A pack is read whole; ten years of daily releases of 100 rules, with Runner
# reports every hour, stay below it.
MAX_PACK_BYTES: Final = 2 * 1024**3

# Members. One per log entry, and ten per release.
MAX_PACK_MEMBERS: Final = 500_000

# Bytes. The largest member is what a release publishes.
MAX_MEMBER_BYTES: Final = MAX_TARGET_BYTES

# Bytes. About 170 for each member's line.
MAX_MANIFEST_BYTES: Final = 128 * 1024**2

# Seconds. How far the time of one signature may lie before that of another which was
# logged earlier: signing, a slow upload and the retries of a lost release race.
MAX_LOG_DELAY_S: Final = 3600

# Findings of one report. Beyond it the log is wrong as a whole, and a list of every
# leaf helps nobody.
MAX_FINDINGS: Final = 1000
