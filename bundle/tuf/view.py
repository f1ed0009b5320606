# SPDX-License-Identifier: Apache-2.0
"""What a workspace's TUF metadata says, judged by one function for everyone.

Runner, publisher and auditor call ``read_view``; nobody else decides on metadata. The
publisher calls it before it writes, so it never writes what a Runner would refuse; the
auditor calls it with a past ``at``. Steps, each by itself enough to refuse:

1. the roots, from the pin to the newest (``rootchain``), the newest not expired
2. targets: threshold of the newest root; not expired, and not for longer than 90 days
3. targets list trust and layers only, each by one SHA-256
4. targets delegate ``overlay/*/*`` to ``release``, terminating, and nothing else
5. the release role: its threshold, not expired, no delegation of its own
6. the release role lists releases only, each of them whole

Not here: snapshot and timestamp. They guard availability, not freshness (DESIGN 9,
T6), and whether a version is lower than one seen before is for marks to say (T7).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from tuf.api.metadata import DelegatedRole, Metadata, Targets

from bundle.limits import MAX_LISTED_REVISIONS, MAX_TARGETS_LIFE_S
from bundle.tuf.errors import TufDelegationError, TufExpiredError, TufTargetError
from bundle.tuf.keys import distinct
from bundle.tuf.metadata import (
    digest_of,
    parse_metadata,
    require_current,
    require_signed,
)
from bundle.tuf.roles import EXTENSION, RELEASE, RELEASE_PATHS, ROOT, TARGETS
from bundle.tuf.rootchain import RootChain, open_roots
from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from signer.form import Form

BUNDLE: Final = "bundle.tar.gz"
ATTESTATIONS: Final = "attestations.sigstore.jsonl"
OPA_SIGNED: Final = "opa-signed.tar.gz"

_FILE: Final = re.compile(
    r"trust/[a-z][a-z_]{0,63}\.json"
    r"|layers/constitution\.(tar\.gz|sigstore\.json)"
    r"|layers/packs/[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.(tar\.gz|sigstore\.json)"
)
_OVERLAY: Final = re.compile(
    r"overlay/([1-9][0-9]{0,14})/"
    rf"({re.escape(BUNDLE)}|{re.escape(ATTESTATIONS)}|{re.escape(OPA_SIGNED)})"
)


@dataclass(frozen=True, slots=True)
class TargetInfo:
    """What metadata says of a file.

    Attributes:
        length: Bytes.
        digest: SHA-256 of the bytes.
    """

    length: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class TufView:
    """Verified metadata of one workspace.

    Attributes:
        workspace: SHA-256 of the genesis root.
        form: Who holds the admin keys, by the pinned root.
        root_version: Of the newest root.
        root_digest: SHA-256 of its bytes.
        root_expires: When the admins must have signed the next.
        targets_version: Of targets.
        targets_digest: SHA-256 of its bytes.
        targets_expires: When the admins must have signed the next.
        checkpoint: The log's signed note that the admins saw.
        files: Trust and layers, by target name.
        release_version: Of the release role, or ``None`` without one.
        overlay: Files of the listed releases, by target name.
        revision: The highest revision listed, or ``None``.
        role_keys: Role of each key, by SHA-256 of its SubjectPublicKeyInfo.
    """

    workspace: Digest
    form: Form
    root_version: int
    root_digest: Digest
    root_expires: datetime
    targets_version: int
    targets_digest: Digest
    targets_expires: datetime
    checkpoint: str
    files: Mapping[str, TargetInfo]
    release_version: int | None
    overlay: Mapping[str, TargetInfo]
    revision: int | None
    role_keys: Mapping[str, str]


def read_view(
    roots: Sequence[bytes],
    targets: bytes,
    release: bytes | None,
    *,
    at: datetime,
) -> TufView:
    """Verify metadata and return what it says.

    Args:
        roots: Roots from the pinned one to the newest; the first is trusted.
        targets: ``targets.json``.
        release: ``release.json``, or ``None`` if nothing can be released yet.
        at: The instant for which the metadata must hold.

    Raises:
        VerificationError: Any of the steps above, by its code.
        FormatError: Not TUF metadata.
    """
    return view_under(open_roots(roots), targets, release, at=at)


def view_under(
    chain: RootChain, targets: bytes, release: bytes | None, *, at: datetime
) -> TufView:
    """Do what ``read_view`` does, for roots that were verified before.

    Raises:
        VerificationError: As ``read_view``.
        FormatError: Not TUF metadata.
    """
    require_current(chain.metadata, ROOT, at)
    top = parse_metadata(targets, Targets, TARGETS)
    require_signed(chain.current, TARGETS, top)
    require_current(top, TARGETS, at)
    files, delegation_keys = read_targets(chain, top.signed, at=at)
    listed: Mapping[str, TargetInfo] = {}
    delegated = None
    if release is not None:
        delegated = parse_metadata(release, Targets, RELEASE)
        require_signed(top.signed, RELEASE, delegated)
        require_current(delegated, RELEASE, at)
        listed = _overlay(delegated)
    return TufView(
        workspace=chain.workspace,
        form=chain.form,
        root_version=chain.current.version,
        root_digest=chain.digest,
        root_expires=chain.current.expires,
        targets_version=top.signed.version,
        targets_digest=Digest.of(targets),
        targets_expires=top.signed.expires,
        checkpoint=_checkpoint(top.signed),
        files=MappingProxyType(files),
        release_version=delegated.signed.version if delegated else None,
        overlay=MappingProxyType(listed),
        revision=max(map(revision_of, listed), default=None),
        role_keys=MappingProxyType({**chain.keys, **delegation_keys}),
    )


def read_targets(
    chain: RootChain, targets: Targets, *, at: datetime
) -> tuple[dict[str, TargetInfo], dict[str, str]]:
    """Return what targets list, and the roles of the keys that they delegate to.

    What of steps 2 to 4 does not need signatures; a proposal has none yet.

    Raises:
        VerificationError: By the step's code.
        FormatError: A field of ours is not as it should be.
    """
    _require_short_life(targets, at)
    _checkpoint(targets)
    return _files(targets), _require_delegation(chain, targets)


def revision_of(path: str) -> int:
    """Return the revision in a release's target name.

    Raises:
        TufTargetError: Not the name of a release's file.
    """
    match = _OVERLAY.fullmatch(path)
    if not match:
        raise TufTargetError(f"expected overlay/<revision>/<file>, got {path!r}")
    return int(match[1])


def _require_short_life(targets: Targets, at: datetime) -> None:
    """DESIGN 9, T6: whoever withholds a revocation can do so for 90 days at most."""
    latest = at + timedelta(seconds=MAX_TARGETS_LIFE_S)
    if targets.expires > latest:
        raise TufExpiredError(
            f"targets {targets.version}: expected an expiry until"
            f" {format_instant(latest)}, got {format_instant(targets.expires)}"
        )


def _files(targets: Targets) -> dict[str, TargetInfo]:
    """DESIGN 9, Scope: trust and layers come from top-level targets, and only they."""
    for path in targets.targets:
        if not _FILE.fullmatch(path):
            raise TufTargetError(f"targets: expected trust or layers, got {path!r}")
    return _infos(targets)


def _require_delegation(chain: RootChain, targets: Targets) -> dict[str, str]:
    """Return the identities of the release role's keys."""
    delegations = targets.delegations
    roles = delegations.roles if delegations else None
    if delegations is None or roles is None or set(roles) != {RELEASE}:
        raise TufDelegationError(f"expected one delegation, to {RELEASE}, got another")
    _require_shape(roles[RELEASE])
    if set(delegations.keys) != set(roles[RELEASE].keyids):
        raise TufDelegationError(f"expected the keys of {RELEASE} only, got others")
    everyone = [*chain.current.keys.values(), *delegations.keys.values()]
    return {
        identity: RELEASE
        for identity, key in distinct(everyone).items()
        if key.keyid in delegations.keys
    }


def _require_shape(role: DelegatedRole) -> None:
    """Terminating and exactly as deep as needed (DESIGN 9, Scope)."""
    paths = tuple(role.paths or ())
    if not role.terminating or paths != RELEASE_PATHS or role.path_hash_prefixes:
        raise TufDelegationError(
            f"expected a terminating delegation of {RELEASE_PATHS[0]}, got {paths}"
        )


def _overlay(release: Metadata[Targets]) -> dict[str, TargetInfo]:
    if release.signed.delegations is not None:
        raise TufDelegationError(f"expected no delegation by {RELEASE}, got one")
    listed = release.signed.targets
    revisions = {revision_of(path) for path in listed}
    if len(revisions) > MAX_LISTED_REVISIONS:
        raise TufTargetError(
            f"expected at most {MAX_LISTED_REVISIONS} revisions, got {len(revisions)}"
        )
    for revision in revisions:
        for file in (BUNDLE, ATTESTATIONS):
            if f"overlay/{revision}/{file}" not in listed:
                raise TufTargetError(f"revision {revision}: expected {file}, got none")
    return _infos(release.signed)


def _infos(targets: Targets) -> dict[str, TargetInfo]:
    return {
        path: TargetInfo(file.length, digest_of(file.hashes, path))
        for path, file in sorted(targets.targets.items())
    }


def _checkpoint(targets: Targets) -> str:
    """DESIGN 9, T10: targets embed the log that the admins saw."""
    fields = Fields(targets.unrecognized_fields.get(EXTENSION), "targets.x-trustacks")
    checkpoint = fields.text("checkpoint")
    fields.done()
    return checkpoint
