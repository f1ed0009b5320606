# SPDX-License-Identifier: Apache-2.0
"""What a trust policy must not contradict: ids, keys, ends and thresholds.

What it must not contradict about OIDC subjects is ``signer.claims``.
"""

from collections import Counter
from typing import Final

from keys.digest import Digest
from keys.errors import FieldFormatError
from signer.errors import KeyReusedError, UnsafeTrustPolicyError
from signer.identity import Identity
from signer.limits import MAX_NAMED_RELEASES
from signer.revocation import Revocation

# What a threshold can be set for, and the permission that is counted.
THRESHOLDS: Final = {
    "release": "release",
    "rule": "author",
}


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
        UnsafeTrustPolicyError: Below 1, or above the principals that there are.
    """
    permission = THRESHOLDS.get(name)
    if permission is None:
        raise FieldFormatError(
            f"trust policy: expected thresholds of {' or '.join(sorted(THRESHOLDS))}, "
            f"got {name!r}"
        )
    principals = {one.principal for one in identities if one.may(permission)}
    # A workspace begins with nobody, and a threshold of 1 then waits for the first.
    most = max(len(principals), 1)
    if not 1 <= threshold <= most:
        raise UnsafeTrustPolicyError(
            f"trust policy: expected a threshold of 1 to {most} for {name}, "
            f"got {threshold}"
        )
