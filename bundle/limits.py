# SPDX-License-Identifier: Apache-2.0
"""Every bound of this package: a number, its unit, and the reason for it.

Each has a test at the limit and one past it. A bound is checked before the work that
it limits, never after.
"""

from typing import Final

from keys.record import record

KIB: Final = 1024
MIB: Final = 1024 * KIB


@record
class ArchiveBounds:
    """What an archive may hold; the same on writing and on reading.

    There is no bound on the expansion ratio because there is no expansion: only
    stored blocks are read, so an archive is never smaller than what it holds.

    Attributes:
        max_bytes: Of the tar, and of the gzip file less its fixed framing.
        max_members: Files in the archive.
        max_path_chars: Of one member's name.
    """

    max_bytes: int
    max_members: int
    max_path_chars: int


# Rules in one overlay. The largest known policy sets have some hundreds.
MAX_RULES: Final = 10_000

BUNDLE_BOUNDS: Final = ArchiveBounds(
    # 10,000 rules of 3 KB, each of them twice: as a file and in the inventory.
    max_bytes=64 * MIB,
    # MAX_RULES, the manifest, the inventory, and room for a layer's data files.
    max_members=MAX_RULES + 100,
    # rules/<64 characters>/<64 characters>.rego is 140.
    max_path_chars=200,
)

PENDING_BOUNDS: Final = ArchiveBounds(
    # A bundle (64 MiB) and its attestations (128 MiB), and what frames them.
    max_bytes=193 * MIB,
    # These two.
    max_members=2,
    # attestations.sigstore.jsonl is 27.
    max_path_chars=32,
)

# 5 fields; a revision has at most 16 digits.
MAX_MANIFEST_BYTES: Final = 4 * KIB

# A root with 20 keys of 4 KB RSA is 40 KB.
MAX_ROOT_BYTES: Final = 128 * KIB
# Trust, layers and 100 packs at 400 bytes each, and 20 signatures.
MAX_TARGETS_BYTES: Final = 256 * KIB
# 100 listed revisions of three files at 170 bytes are 51 KB.
MAX_RELEASE_ROLE_BYTES: Final = 128 * KIB
# Two roles with length and hash are 600 bytes; 20 signatures.
MAX_SNAPSHOT_BYTES: Final = 16 * KIB
# One entry: 500 bytes; python-tuf's own default is the same.
MAX_TIMESTAMP_BYTES: Final = 16 * KIB
# Root versions from a pin to today. One a month for 20 years.
MAX_ROOT_VERSIONS: Final = 256
# Revisions that the release role lists (K).
MAX_LISTED_REVISIONS: Final = 100
# A completed attestation with token, proof and a release's inventory of 10,000 rules.
MAX_CHAIN_BYTES: Final = 8 * MIB
# Attestations of a release with 10,000 rules at 8 KB each.
MAX_TARGET_BYTES: Final = 128 * MIB

# Longest life of targets metadata, seconds: 90 days (DESIGN 9, T6).
MAX_TARGETS_LIFE_S: Final = 90 * 86_400
# One whole refresh, seconds: an idle poll needs two small files.
REFRESH_DEADLINE_S: Final = 60.0
# One request, from connecting to the last byte, seconds: 64 MiB at 1.1 MB/s.
REQUEST_DEADLINE_S: Final = 60.0
# Silence of the server within one request, seconds.
SOCKET_TIMEOUT_S: Final = 10.0

# Of a proposal: 200 changed files of 40 KiB each.
MAX_INPUT_BYTES: Final = 8 * MIB
# Reasons in one decision: more than anybody reads. A record of them is under 16 MiB.
MAX_DENIES: Final = 200
# Of one reason, for people.
MAX_MESSAGE_CHARS: Final = 1_024
# Of a rule id in a layer's own deny; an overlay's has 64.
MAX_LAYER_RULE_ID_CHARS: Final = 128
# A decision record: MAX_DENIES of them, each with a citation of 4 x 4,096 characters.
MAX_RECORD_BYTES: Final = 16 * MIB
# A verdict is good for this long, seconds: a review, not a week (DESIGN 9, Input).
DECISION_LIFE_S: Final = 3_600
# How far a clock may go back, and how far ahead another's may be, seconds.
CLOCK_SKEW_S: Final = 300
# Releases from a mark or floor to the newest. Three a day for a year.
MAX_CHAIN_RELEASES: Final = 1_024
# Attestations of what they changed: as many as the newest release may carry itself.
MAX_MOVED_ATTESTATIONS: Final = 32_768
# All of them together. 1,000 releases of 200 rules are 60 MiB.
MAX_CHAIN_TOTAL_BYTES: Final = 256 * MIB
