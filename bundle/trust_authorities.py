# SPDX-License-Identifier: Apache-2.0
"""Trust an outside timestamp authority in a workspace, or trust it no longer.

Pure, as ``trust_instances``. The minutes of a certificate need a time from outside
(ADR 0040); whose word that is, admins say, because the document cannot. The Control
Plane's own authority stays: every attestation carries its stamp, and its word can make
evidence invalid, never valid (DESIGN T3).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from bundle.trust_instances import (
    Custodies,
    Pinning,
    certificate_of,
    pin_instance,
    read_document,
    require_not_promoted,
    rows_of,
)
from keys.digest import Digest
from keys.strict import dumps_json
from signer.errors import (
    TrustedRootFormatError,
    UnknownAuthorityError,
)
from signer.form import Custody
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot

_TSA: Final = "timestampAuthorities"


def pin_authorities(
    policy: TrustPolicy, trusted_root: bytes, *, given: bytes, custody: Custody
) -> Pinning:
    """Trust the timestamp authorities of a TrustedRoot document.

    Args:
        policy: The trust policy in force.
        trusted_root: The trusted root in force.
        given: The document; what else is in it is not looked at.
        custody: Who can cause their word.

    Raises:
        FormatError: Not a TrustedRoot, or one without a timestamp authority.
        CustodyError: One is the Control Plane's, and would be somebody else's.
    """
    added = {certificate_of(row): row for row in rows_of(read_document(given), _TSA)}
    if not added:
        raise TrustedRootFormatError(
            "trusted root: expected a timestamp authority, got none"
        )
    before = policy.custody.authorities
    custodies = {**before, **dict.fromkeys(added, custody)}
    require_not_promoted("timestamp authority", before, custodies)
    return _pinned(policy, trusted_root, {**_known(trusted_root), **added}, custodies)


def pin_whole(
    policy: TrustPolicy,
    trusted_root: bytes,
    name: str,
    *,
    given: bytes,
    custodies: Custodies,
    tsa_custody: Custody | None,
) -> Pinning:
    """Pin an instance, and trust its timestamp authorities if their custody is said.

    Raises:
        TrustacksError: As ``pin_instance`` and ``pin_authorities``.
    """
    made = pin_instance(policy, trusted_root, name, given=given, custodies=custodies)
    if tsa_custody is None:
        return made
    return pin_authorities(
        made.policy, made.trusted_root, given=given, custody=tsa_custody
    )


def drop_authority(
    policy: TrustPolicy, trusted_root: bytes, authority: Digest
) -> Pinning:
    """Trust an outside timestamp authority no longer, nor anything that it stamped.

    Raises:
        UnknownAuthorityError: It is not trusted, or it is the Control Plane's own.
    """
    known = _known(trusted_root)
    outside = [
        digest
        for digest in known
        if policy.custody.of_authority(digest) is Custody.EXTERNAL
    ]
    if authority not in outside:
        raise UnknownAuthorityError(
            "expected an outside timestamp authority: "
            f"{', '.join(map(str, sorted(outside))) or '(none)'}, got {authority}"
        )
    custodies = {
        digest: custody
        for digest, custody in policy.custody.authorities.items()
        if digest != authority
    }
    kept = {digest: row for digest, row in known.items() if digest != authority}
    return _pinned(policy, trusted_root, kept, custodies)


def _known(trusted_root: bytes) -> dict[Digest, Any]:
    rows = rows_of(read_document(trusted_root), _TSA)
    return {certificate_of(row): row for row in rows}


def _pinned(
    policy: TrustPolicy,
    trusted_root: bytes,
    rows: Mapping[Digest, Any],
    custodies: Mapping[Digest, Custody],
) -> Pinning:
    data = dumps_json(read_document(trusted_root) | {_TSA: list(rows.values())})
    TrustedRoot.parse(data)
    custody = replace(policy.custody, authorities=custodies)
    return Pinning(replace(policy, custody=custody), data)
