# SPDX-License-Identifier: Apache-2.0
"""Targets that admins signed elsewhere, stored here; needs no key.

The sovereign counterpart of ``Repository.prepare_targets``: the same laws, and the same
commit afterwards (``Repository.publish_targets``).
"""

from collections.abc import Mapping
from datetime import datetime

from tuf.api.metadata import Targets

from bundle.storage.interface import Storage
from bundle.tuf.committed import metadata_name, read_before
from bundle.tuf.documents import target_file
from bundle.tuf.listing import payloads_of
from bundle.tuf.metadata import parse_metadata
from bundle.tuf.roles import TARGETS
from bundle.tuf.rootchain import open_roots
from bundle.tuf.staged import StagedTargets
from bundle.tuf.view import view_under
from keys.digest import Digest
from keys.errors import UsageError


def stage_targets(
    storage: Storage,
    metadata: bytes,
    files: Mapping[str, bytes],
    *,
    at: datetime,
    root: bytes | None = None,
) -> StagedTargets:
    """Store signed targets and what they list; nothing is published.

    Order of writes: files by digest, then ``N.targets.json``. A number is taken once:
    the same bytes again are success, others are refused.

    Args:
        storage: The workspace's.
        metadata: The exact bytes, signatures included.
        files: Every file that it lists, by target name.
        at: Now.
        root: The root that they are made for, where that comes next and may be needed
            because the newest ran out; that they hold under both is the caller's care.

    Raises:
        NothingPublishedError: There is no genesis root.
        VerificationError: A Runner would refuse them.
        UsageError: Other files than it lists.
        WriteConflictError: Its version number is taken by other bytes.
        StorageError: It may or may not have been stored; stage it again.
    """
    before = read_before(storage)
    under = None if root is None else open_roots((root,))
    listed = view_under(under or before.chain, metadata, None, at=at).files
    given = {path: Digest.of(data) for path, data in files.items()}
    if {path: info.digest for path, info in listed.items()} != given:
        raise UsageError("expected the files that the targets list, got others")
    described = {path: target_file(path, data) for path, data in files.items()}
    payloads = payloads_of(described, files)
    version = parse_metadata(metadata, Targets, TARGETS).signed.version
    for name, data in {**payloads, metadata_name(TARGETS, version): metadata}.items():
        storage.put_immutable(name, data)
    return StagedTargets(version, metadata, before.version(TARGETS), payloads, under)
