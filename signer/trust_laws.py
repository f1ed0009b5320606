# SPDX-License-Identifier: Apache-2.0
"""What a trust policy must not contradict: ids, keys, ends and thresholds.

What it must not contradict about OIDC subjects is ``signer.claims``.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from keys.digest import Digest
from keys.errors import FieldFormatError
from signer.errors import KeyReusedError, UnsafeTrustPolicyError
from signer.identity import Identity
from signer.limits import MAX_APPROVALS, MAX_COSIGNERS, MAX_NAMED_RELEASES
from signer.revocation import Revocation


@dataclass(frozen=True, slots=True)
class Counted:
    """What a threshold counts.

    Attributes:
        permissions: Principals with any of them count.
        least: The lowest that can be meant.
        most: As many as one release can carry the signatures of.
    """

    permissions: frozenset[str]
    least: int
    most: int

    def principals(self, identities: Iterable[Identity]) -> set[str]:
        """Return whose signatures would count."""
        return {
            one.principal
            for one in identities
            if any(one.may(permission) for permission in self.permissions)
        }


# What a threshold can be set for. Behind a change stand its author and those who
# approve it; of everything else there is one signature (docs/formats/trust-policy.md).
THRESHOLDS: Final = MappingProxyType(
    {
        "approval": Counted(frozenset({"author", "approve"}), 2, MAX_APPROVALS + 1),
        "release": Counted(frozenset({"release"}), 1, MAX_COSIGNERS + 1),
        "rule": Counted(frozenset({"author"}), 1, MAX_COSIGNERS + 1),
    }
)


def require_distinct(what: str, ids: list[str]) -> None:
    """Refuse an id that is there twice.

    Raises:
        UnsafeTrustPolicyError: One is.
    """
    twice = [one for one, count in Counter(ids).items() if count > 1]
    if twice:
        raise UnsafeTrustPolicyError(
            f"trust policy: expected every {what} once, got {twice[0]!r} twice"
        )


def require_distinct_keys(
    identities: tuple[Identity, ...], publishers: frozenset[str]
) -> None:
    """Refuse a key of two identities, or of one and a publisher.

    Raises:
        KeyReusedError: There is one (DESIGN 9, Principals: "One key, one purpose").
    """
    seen = set(publishers)
    for one in identities:
        if one.public_key is None:
            continue
        key_id = one.public_key.key_id
        if key_id in seen:
            raise KeyReusedError(
                f"trust policy: expected a key of its own for {one.id}, "
                "got one that is in use",
                identity=one.id,
                key_id=key_id,
            )
        seen.add(key_id)


def require_known(revocations: tuple[Revocation, ...], ids: set[str]) -> None:
    """Refuse the end of nobody.

    Raises:
        UnsafeTrustPolicyError: A revocation of an identity that there is not.
    """
    for revocation in revocations:
        if revocation.identity not in ids:
            raise UnsafeTrustPolicyError(
                "trust policy: expected a revocation of an identity, "
                f"got {revocation.identity!r}"
            )


def require_few(named: frozenset[Digest]) -> None:
    """Refuse more releases by digest than a Runner fetches.

    Raises:
        UnsafeTrustPolicyError: There are more.
    """
    if len(named) > MAX_NAMED_RELEASES:
        raise UnsafeTrustPolicyError(
            f"trust policy: expected at most {MAX_NAMED_RELEASES} releases by digest, "
            f"got {len(named)}"
        )


def require_reachable(
    name: str, threshold: int, identities: tuple[Identity, ...]
) -> None:
    """Refuse a threshold that counts nothing, or that nobody can reach.

    Raises:
        FieldFormatError: It counts nothing.
        UnsafeTrustPolicyError: Too low to mean anything, or above the principals that
            there are.
    """
    counted = THRESHOLDS.get(name)
    if counted is None:
        raise FieldFormatError(
            f"trust policy: expected thresholds of {' or '.join(sorted(THRESHOLDS))}, "
            f"got {name!r}"
        )
    # A workspace begins with nobody, and a threshold of 1 then waits for the first.
    least = counted.least
    most = min(max(len(counted.principals(identities)), least), counted.most)
    if not least <= threshold <= most:
        raise UnsafeTrustPolicyError(
            f"trust policy: expected a threshold of {least} to {most} for {name}, "
            f"got {threshold}",
            hint="each counts another principal: trustacks identity register adds one",
        )
