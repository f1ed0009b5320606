# SPDX-License-Identifier: Apache-2.0
"""Floor, thresholds, ages and withdrawn waivers, as a request."""

from typing import Annotated

from pydantic import Field

from bundle.trust_rules import TrustRules
from control_plane.api.schemas.base import Answer, DigestText, Request
from keys.clock import parse_instant
from keys.digest import Digest
from keys.fields import MAX_ITEMS
from signer.pins import Floor
from signer.trust_laws import THRESHOLDS

Seconds = Annotated[int, Field(ge=0)]


class FloorRequest(Request):
    """A published release."""

    revision: int = Field(ge=1)
    digest: DigestText


class NewTrustRules(Request):
    """What is to be otherwise; what is left out stays."""

    floor: FloorRequest | None = None
    thresholds: dict[str, int] = Field(
        default_factory=dict, max_length=len(THRESHOLDS), examples=[{"release": 2}]
    )
    release_max_seconds: Seconds | None = None
    targets_max_seconds: Seconds | None = None
    stale_until: str | None = Field(
        default=None, description="RFC 3339, the end of decide and mark"
    )
    revocation_grace_seconds: Seconds | None = None
    withdrawn_waivers: list[DigestText] = Field(
        default_factory=list, max_length=MAX_ITEMS
    )

    def rules(self) -> TrustRules:
        """Return them as the workflow takes them.

        Raises:
            FormatError: An instant is none.
        """
        ages = {
            "release_max_seconds": self.release_max_seconds,
            "targets_max_seconds": self.targets_max_seconds,
            "stale_until": self.stale_until and parse_instant(self.stale_until),
            "revocation_grace_seconds": self.revocation_grace_seconds,
        }
        floor = self.floor
        return TrustRules(
            floor=None
            if floor is None
            else Floor(floor.revision, Digest.parse(floor.digest)),
            thresholds=self.thresholds,
            freshness={name: age for name, age in ages.items() if age is not None},
            withdrawn=frozenset(map(Digest.parse, self.withdrawn_waivers)),
        )


class TrustChanged(Answer):
    """The trust that holds these rules."""

    targets_version: int
