# SPDX-License-Identifier: Apache-2.0
"""The genesis root of a workspace: made once, pinned by every Runner.

Its SHA-256 is the workspace's identity, which everything signed later names. The form
of the workspace is decided here, by the custody of the root and targets keys.
"""

from collections.abc import Sequence
from datetime import datetime

from tuf.api.metadata import Metadata, Root

from bundle.tuf.errors import UnsafeRoleKeysError
from bundle.tuf.keys import RoleSigner, role_key
from bundle.tuf.roles import (
    EMBEDDED_THRESHOLD,
    ROOT,
    SNAPSHOT,
    SOVEREIGN_THRESHOLD,
    TARGETS,
    TERMS,
    TIMESTAMP,
)
from bundle.tuf.rootchain import open_roots
from keys.errors import VerificationError
from keys.public import PublicKey
from keys.signing import SigningKey
from signer.form import Custody


def build_root(
    *,
    root_keys: Sequence[SigningKey],
    targets_keys: Sequence[PublicKey],
    snapshot_key: PublicKey,
    timestamp_key: PublicKey,
    custody: Custody,
    at: datetime,
) -> bytes:
    """Make and sign ``1.root.json``.

    Args:
        root_keys: The admins' root keys; all of them sign.
        targets_keys: The admins' targets keys; they may be the root keys.
        snapshot_key: Online key of the publisher.
        timestamp_key: Another online key of the publisher.
        custody: Who can cause signatures of root and targets keys: ``external``, for
            the sovereign form with thresholds of 2, or ``control-plane``.
        at: Now.

    Raises:
        UnsafeRoleKeysError: Too few keys, or one for two purposes.
        KeyProviderError: A root key cannot be used.
    """
    admins = {ROOT: [k.public_key for k in root_keys], TARGETS: list(targets_keys)}
    signed = Root(version=1, expires=at + TERMS[ROOT].life, consistent_snapshot=True)
    for role, keys in admins.items():
        _require_enough(role, len(keys), _threshold(custody))
        for key in keys:
            signed.add_key(role_key(key, custody), role)
        signed.roles[role].threshold = _threshold(custody)
    signed.add_key(role_key(snapshot_key, Custody.CONTROL_PLANE), SNAPSHOT)
    signed.add_key(role_key(timestamp_key, Custody.CONTROL_PLANE), TIMESTAMP)
    metadata = Metadata(signed)
    for signing_key in root_keys:
        public = role_key(signing_key.public_key, custody)
        RoleSigner(signing_key, public).sign_into(metadata)
    return _checked(metadata.to_bytes())


def _threshold(custody: Custody) -> int:
    return SOVEREIGN_THRESHOLD if custody is Custody.EXTERNAL else EMBEDDED_THRESHOLD


def _require_enough(role: str, count: int, threshold: int) -> None:
    if count < threshold:
        raise UnsafeRoleKeysError(
            f"expected at least {threshold} {role} keys, got {count}"
        )


def _checked(data: bytes) -> bytes:
    """Return a root that the Runner's own view accepts."""
    try:
        open_roots([data])
    except VerificationError as error:
        raise UnsafeRoleKeysError(error.message) from error
    return data
