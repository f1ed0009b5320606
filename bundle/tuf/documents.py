# SPDX-License-Identifier: Apache-2.0
"""The publisher's documents: built, signed, and verified as a client would.

Every function returns the bytes of one version of one role. Nothing is stored here.
A number is signed once: what is given as ``version`` must be free in the store.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from securesystemslib.signer import Key
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Signed,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from bundle.tuf.keys import RoleSigner, identify, role_key
from bundle.tuf.metadata import Role, require_signed
from bundle.tuf.roles import (
    EXTENSION,
    ONLINE_THRESHOLD,
    RELEASE,
    RELEASE_PATHS,
    SNAPSHOT,
    TARGETS,
    TERMS,
    TIMESTAMP,
)
from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from keys.signing import SigningKey
from signer.form import Custody


@dataclass(frozen=True, slots=True)
class RoleKeys:
    """The private keys that a publisher can use.

    Attributes:
        targets: The admins'; empty where admins sign elsewhere (sovereign form).
        release: Of the delegated role.
        snapshot: Online.
        timestamp: Online.
        others: Returns online keys that replace those, or were replaced; metadata says
            which of all of them sign.
    """

    targets: tuple[SigningKey, ...]
    release: SigningKey
    snapshot: SigningKey
    timestamp: SigningKey
    others: Callable[[], Sequence[SigningKey]] = tuple


@dataclass(frozen=True, slots=True)
class Along:
    """Another root whose online keys sign as well, so that nobody finds a gap.

    A client reads the roots first and the timestamp later; a root may come between.

    Attributes:
        root: The root that comes next, or the one that was before.
        until: From then on the newest root's keys sign alone.
    """

    root: Root
    until: datetime


def along_until(timestamp: Signed) -> datetime | None:
    """Return until when the keys of two roots sign, as a timestamp says.

    Raises:
        FormatError: A field of ours is not as it should be.
    """
    if EXTENSION not in timestamp.unrecognized_fields:
        return None
    fields = Fields(timestamp.unrecognized_fields[EXTENSION], "timestamp.x-trustacks")
    until = fields.instant("along_until")
    fields.done()
    return until


def target_file(path: str, data: bytes) -> TargetFile:
    """Describe a target by its length and SHA-256."""
    return TargetFile(len(data), {"sha256": Digest.of(data).hex}, path)


def target_name(file: TargetFile) -> str:
    """Return a target's object name: its digest before its file name."""
    return f"targets/{file.get_prefixed_paths()[0]}"


def sign_targets(
    keys: RoleKeys,
    root: Root,
    files: Mapping[str, TargetFile],
    *,
    checkpoint: str,
    version: int,
    at: datetime,
) -> bytes:
    """Sign top-level targets: trust, layers, the delegation, the log as it was seen.

    Raises:
        TufSignatureError: The keys at hand do not reach the threshold.
    """
    online = role_key(keys.release.public_key, Custody.CONTROL_PLANE)
    role = DelegatedRole(
        RELEASE,
        [online.keyid],
        ONLINE_THRESHOLD,
        terminating=True,
        paths=list(RELEASE_PATHS),
    )
    signed = Targets(
        version=version,
        expires=at + TERMS[TARGETS].life,
        targets=dict(files),
        delegations=Delegations({online.keyid: online}, {RELEASE: role}),
        unrecognized_fields={EXTENSION: {"checkpoint": checkpoint}},
    )
    return _signed(root, TARGETS, Metadata(signed), keys.targets)


def sign_release(
    keys: RoleKeys,
    delegator: Targets,
    files: Mapping[str, TargetFile],
    *,
    version: int,
    at: datetime,
) -> bytes:
    """Sign the delegated role: the releases that are listed."""
    signed = Targets(
        version=version, expires=at + TERMS[RELEASE].life, targets=dict(files)
    )
    held = [keys.release, *keys.others()]
    return _signed(delegator, RELEASE, Metadata(signed), held)


def sign_snapshot(
    keys: RoleKeys,
    root: Root,
    files: Mapping[str, tuple[int, bytes]],
    *,
    version: int,
    at: datetime,
    along: Along | None = None,
) -> bytes:
    """Sign a snapshot of roles, each by version, length and hash.

    Args:
        keys: The keys at hand.
        root: Whose keys must sign.
        files: Version and bytes of each role.
        version: Its version.
        at: Now.
        along: Whose keys sign besides.
    """
    meta = {
        f"{role}.json": MetaFile.from_data(number, data, ["sha256"])
        for role, (number, data) in files.items()
    }
    signed = Snapshot(version=version, expires=at + TERMS[SNAPSHOT].life, meta=meta)
    held = [keys.snapshot, *keys.others()]
    return _signed(root, SNAPSHOT, Metadata(signed), held, along)


def sign_timestamp(
    keys: RoleKeys,
    root: Root,
    snapshot: tuple[int, bytes],
    *,
    version: int,
    at: datetime,
    along: Along | None = None,
) -> bytes:
    """Sign the timestamp, which names one snapshot by version, length and hash."""
    said = {"along_until": format_instant(along.until)} if along else None
    signed = Timestamp(
        version=version,
        expires=at + TERMS[TIMESTAMP].life,
        snapshot_meta=MetaFile.from_data(*snapshot, ["sha256"]),
        unrecognized_fields={EXTENSION: said} if said else {},
    )
    held = [keys.timestamp, *keys.others()]
    return _signed(root, TIMESTAMP, Metadata(signed), held, along)


def _signed(
    delegator: Root | Targets,
    role: str,
    metadata: Metadata[Role],
    keys: Iterable[SigningKey],
    along: Along | None = None,
) -> bytes:
    """Sign with those keys that the delegators name, and verify as a client does."""
    delegators = [delegator] if along is None else [delegator, along.root]
    named = {identify(key): key for one in delegators for key in _keys_of(one, role)}
    for key in keys:
        public = named.get(key.public_key.key_id)
        if public is not None:
            RoleSigner(key, public).sign_into(metadata)
    for one in delegators:
        require_signed(one, role, metadata)
    return metadata.to_bytes()


def _keys_of(delegator: Root | Targets, role: str) -> list[Key]:
    keyids = delegator.get_delegated_role(role).keyids
    return [delegator.get_key(keyid) for keyid in keyids]
