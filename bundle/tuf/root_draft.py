# SPDX-License-Identifier: Apache-2.0
"""A root that admins sign one after another, each where their key is.

The draft is the metadata file itself; a signature is added to it, and nothing else
changes. It is a root when ``open_roots`` accepts it: signed by its own threshold, and
by that of the root before it (TUF 1.0.31 §5.3.4). Online, offline, or carried on a
stick: the bytes are the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import Key
from tuf.api.metadata import Metadata, Root

from bundle.tuf.errors import TufKeyError, TufSignatureError, UnsafeRoleKeysError
from bundle.tuf.keys import RoleSigner, distinct, identify, role_key
from bundle.tuf.metadata import parse_metadata
from bundle.tuf.roles import (
    EXTENSION,
    ROOT,
    SNAPSHOT,
    SOVEREIGN_THRESHOLD,
    TARGETS,
    TERMS,
    TIMESTAMP,
)
from keys.digest import Digest
from keys.public import PublicKey
from keys.signing import SigningKey
from signer.form import Custody


@dataclass(frozen=True, slots=True, kw_only=True)
class RootKeys:
    """The keys that a sovereign root names.

    Attributes:
        root: The admins' root keys, all of external custody, as metadata has them.
        targets: The admins' targets keys; they may be the root keys.
        snapshot: Online keys of the publisher; two while one replaces the other.
        timestamp: The same.
        root_threshold: How many root keys must sign.
        targets_threshold: How many targets keys must sign.

    Raises:
        UnsafeRoleKeysError: A threshold below 2 or above the number of keys.
    """

    root: tuple[Key, ...]
    targets: tuple[Key, ...]
    snapshot: tuple[Key, ...]
    timestamp: tuple[Key, ...]
    root_threshold: int = SOVEREIGN_THRESHOLD
    targets_threshold: int = SOVEREIGN_THRESHOLD

    def __post_init__(self) -> None:
        for role, count, threshold in (
            (ROOT, len({identify(k) for k in self.root}), self.root_threshold),
            (TARGETS, len({identify(k) for k in self.targets}), self.targets_threshold),
        ):
            if not SOVEREIGN_THRESHOLD <= threshold <= count:
                raise UnsafeRoleKeysError(
                    f"{role}: expected a threshold of {SOVEREIGN_THRESHOLD} to the "
                    f"number of its keys, got {threshold} of {count}",
                    hint="in the sovereign form no admin decides alone",
                )
        if not self.snapshot or not self.timestamp:
            raise UnsafeRoleKeysError("expected snapshot and timestamp keys, got none")


def draft_root(
    keys: RootKeys,
    *,
    at: datetime,
    previous: Root | None = None,
    workspace: Digest | None = None,
    life: timedelta = TERMS[ROOT].life,
) -> bytes:
    """Draft the genesis root, or the root after ``previous``; nobody has signed it.

    Args:
        keys: Whom it names.
        at: Now; it lives from here.
        previous: The newest root; none for the genesis root.
        workspace: SHA-256 of the genesis root, for every later one.
        life: From now to its expiry.

    Raises:
        UnsafeRoleKeysError: A later root that does not name its workspace.
        TufKeyError: A key for two purposes.
    """
    if (previous is None) != (workspace is None):
        raise UnsafeRoleKeysError(
            "expected the workspace with every root but the first"
        )
    signed = Root(
        version=1 if previous is None else previous.version + 1,
        expires=at + life,
        consistent_snapshot=True,
        unrecognized_fields={EXTENSION: {"workspace": str(workspace)}}
        if workspace
        else {},
    )
    for role, named in (
        (ROOT, keys.root),
        (TARGETS, keys.targets),
        (SNAPSHOT, keys.snapshot),
        (TIMESTAMP, keys.timestamp),
    ):
        for key in named:
            signed.add_key(key, role)
    signed.roles[ROOT].threshold = keys.root_threshold
    signed.roles[TARGETS].threshold = keys.targets_threshold
    distinct(signed.keys.values())
    return Metadata(signed).to_bytes()


def admin_keys(keys: Iterable[PublicKey]) -> tuple[Key, ...]:
    """Return admins' keys as metadata has them: of external custody."""
    return tuple(role_key(key, Custody.EXTERNAL) for key in keys)


def online_keys(keys: Iterable[PublicKey]) -> tuple[Key, ...]:
    """Return a publisher's keys as metadata has them: of control-plane custody."""
    return tuple(role_key(key, Custody.CONTROL_PLANE) for key in keys)


def sign_root(draft: bytes, key: SigningKey, *, previous: Root | None = None) -> bytes:
    """Return the draft with one more signature; signing twice is signing once.

    Raises:
        TufKeyError: Neither this root nor the one before names the key for root.
        KeyProviderError: The key cannot be used.
    """
    metadata = parse_metadata(draft, Root, ROOT)
    named = _signers(metadata.signed, previous)
    public = named.get(key.public_key.key_id)
    if public is None:
        raise TufKeyError(
            f"expected a root key of root {metadata.signed.version} or of the one "
            f"before, got {key.public_key.key_id[:16]}"
        )
    RoleSigner(key, public).sign_into(metadata)
    return metadata.to_bytes()


def root_signers(
    draft: bytes, *, previous: Root | None = None
) -> tuple[Sequence[str], Sequence[str]]:
    """Return whose signature is there and holds, and whose is not; SPKI digests.

    Raises:
        TufSignatureError: A signature that does not hold, or a stranger's.
    """
    metadata = parse_metadata(draft, Root, ROOT)
    named = _signers(metadata.signed, previous)
    by_key = {key.keyid: spki for spki, key in named.items()}
    for key_id, signature in metadata.signatures.items():
        if key_id not in by_key:
            raise TufSignatureError(f"root: a signature of a stranger, {key_id[:16]}")
        try:
            named[by_key[key_id]].verify_signature(signature, metadata.signed_bytes)
        except (UnverifiedSignatureError, VerificationError) as error:
            raise TufSignatureError(
                f"root: the signature of {key_id[:16]} does not hold"
            ) from error
    there = sorted(by_key[key_id] for key_id in metadata.signatures)
    return there, sorted(set(named) - set(there))


def still_needed(
    draft: bytes, there: Iterable[str], *, previous: Root | None = None
) -> dict[int, int]:
    """Return how many more admins must sign, by the version of the root that asks.

    Args:
        draft: The root.
        there: Whose signatures hold, as ``root_signers`` says.
        previous: The root before.
    """
    signed = frozenset(there)
    asking = [previous, parse_metadata(draft, Root, ROOT).signed]
    needed = {}
    for root in filter(None, asking):
        role = root.roles[ROOT]
        held = signed & {identify(root.get_key(keyid)) for keyid in role.keyids}
        needed[root.version] = max(0, role.threshold - len(held))
    return needed


def _signers(root: Root, previous: Root | None) -> Mapping[str, Key]:
    found: dict[str, Key] = {}
    for one in (previous, root):
        if one is not None:
            keys = [one.get_key(k) for k in one.roles[ROOT].keyids]
            found |= {identify(key): key for key in keys}
    return found
