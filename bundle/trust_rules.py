# SPDX-License-Identifier: Apache-2.0
"""What of trust is not about one identity: floor, thresholds, ages, withdrawn waivers.

The same change in both forms: admins of a sovereign workspace propose it, the Control
Plane of an embedded one makes it. Whether the next policy may stand is said by
``TrustPolicy`` itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from keys.digest import Digest
from signer.pins import Floor
from signer.trust_policy import TrustPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRules:
    """What is to be otherwise; what is not named stays.

    Attributes:
        floor: The release that Runners without state begin at.
        thresholds: How many principals, by ``signer.trust_laws.THRESHOLDS``.
        freshness: Fields of ``Freshness``, by name.
        withdrawn: Waivers, by the SHA-256 of their PAE, that end.
    """

    floor: Floor | None = None
    thresholds: Mapping[str, int] = field(default_factory=dict)
    freshness: Mapping[str, Any] = field(default_factory=dict)
    withdrawn: frozenset[Digest] = frozenset()

    def applied(self, policy: TrustPolicy) -> TrustPolicy:
        """Return ``policy`` with these rules, of the same version.

        Raises:
            UnsafeTrustPolicyError: A threshold that nobody reaches, an age too long.
            FieldFormatError: A threshold of nothing.
        """
        return replace(
            policy,
            floor=self.floor or policy.floor,
            thresholds={**policy.thresholds, **self.thresholds},
            freshness=replace(policy.freshness, **self.freshness),
            withdrawn_waivers=policy.withdrawn_waivers | self.withdrawn,
        )
