# SPDX-License-Identifier: Apache-2.0
"""Which roles there are, how long each lives, and who must sign: the one table.

======================  ==========  ==========================================
role                    held by     what a thief of its keys alone can do
======================  ==========  ==========================================
root                    admins      name other keys, at its threshold
targets                 admins      set trust, at its threshold
release (delegated)     publisher   offer releases; the gate still asks for the
                                    release identity's attestation
snapshot, timestamp     publisher   withhold and mix what is still unexpired
======================  ==========  ==========================================

Freshness that counts is not here: it is the expiry of targets and of the release
attestation (DESIGN 9, T6). Timestamp and snapshot keep caches honest.
"""

from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final

ROOT: Final = "root"
TARGETS: Final = "targets"
RELEASE: Final = "release"
SNAPSHOT: Final = "snapshot"
TIMESTAMP: Final = "timestamp"

# TUF 1.0.31 §4.5: `*` does not cross a slash. overlay/<revision>/<file>, no deeper.
RELEASE_PATHS: Final = ("overlay/*/*",)
OVERLAY_PREFIX: Final = "overlay/"

# Field of our own in targets and root metadata; TUF 1.0.31 §4: others ignore it.
EXTENSION: Final = "x-trustacks"
# Field of our own in each key: who can cause a signature (DESIGN 9, T1).
CUSTODY: Final = "x-trustacks-custody"

# DESIGN 9, Principals: sovereign root and targets need two.
SOVEREIGN_THRESHOLD: Final = 2
EMBEDDED_THRESHOLD: Final = 1
ONLINE_THRESHOLD: Final = 1


@dataclass(frozen=True, slots=True)
class RoleTerm:
    """How long a version of a role lives.

    Attributes:
        life: From signing to expiry.
        reason: Why so long and not longer.
    """

    life: timedelta
    reason: str


TERMS: Final = MappingProxyType(
    {
        ROOT: RoleTerm(
            timedelta(days=365),
            "a ceremony with offline keys, once a year",
        ),
        TARGETS: RoleTerm(
            timedelta(days=89),
            "withheld revocations end within 90 days (T6); one day for slow clocks",
        ),
        RELEASE: RoleTerm(
            timedelta(days=30),
            "signed with every release, and renewed by the job that renews snapshot",
        ),
        SNAPSHOT: RoleTerm(
            timedelta(days=7),
            "a week without the job before clients see an outage of refreshing",
        ),
        TIMESTAMP: RoleTerm(
            timedelta(days=1),
            "a cache cannot pass off yesterday's state to a client that has none",
        ),
    }
)
