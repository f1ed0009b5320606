# SPDX-License-Identifier: Apache-2.0
"""Adopt a new root without a moment in which clients find nothing that holds.

::

    1 snapshot and timestamp again, signed for the old root and for the new one
    2 put N.root.json: clients take it from here on      THE COMMIT
    3 for a day, whatever is signed is signed for both; then for the new root alone

A client asks for roots first and for the timestamp later: step 2 may come between, for
as long as its session lasts, or a cache says that there is no new root. So the old keys
sign along for a day, which the timestamp itself says (``documents.Along``). They let
nobody in: clients of the new root do not know them.

A crash behind 1 leaves signatures that clients ignore; behind 2, nothing is left to do.
The same call goes on from there. A stolen online key is useless from 2 on: clients drop
what they kept of a role whose key the root replaced (TUF 1.0.31 §5.3.11), a
fast-forwarded version number included.
"""

from datetime import datetime

from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

from bundle.storage.interface import Storage
from bundle.tuf.committed import Committed, metadata_name, read_before
from bundle.tuf.documents import Along, RoleKeys
from bundle.tuf.errors import RootOrphansTargetsError, TufSignatureError
from bundle.tuf.metadata import parse_metadata, require_current, require_signed
from bundle.tuf.roles import ROOT, SNAPSHOT, TARGETS, TERMS, TIMESTAMP
from bundle.tuf.rootchain import from_pin, open_roots
from bundle.tuf.writer import Writer


def check_root(storage: Storage, root: bytes, *, at: datetime) -> Root:
    """Return a root that could follow the newest one; the newest itself is success.

    Raises:
        VerificationError: It does not follow, or is not for these admins.
        RootOrphansTargetsError: The targets in force would hold no longer.
    """
    before = read_before(storage)
    later = () if root == before.roots[-1] else (root,)
    chain = open_roots((*before.roots, *later))
    # What is sovereign for whoever is pinned there must stay so.
    open_roots((*from_pin(before.chain).raw, *later))
    require_current(chain.metadata, ROOT, at)
    if before.state is not None:
        targets = parse_metadata(before.state.targets, Targets, TARGETS)
        try:
            require_signed(chain.current, TARGETS, targets)
        except TufSignatureError as error:
            raise RootOrphansTargetsError(
                f"expected the targets in force to hold under root "
                f"{chain.current.version}, got too few of its keys",
                hint="name old and new targets keys in one root, change trust, then "
                "drop the old keys in the next root",
            ) from error
    return chain.current


def adopt_root(storage: Storage, keys: RoleKeys, root: bytes, *, at: datetime) -> None:
    """Publish a root; one that is there is success.

    Args:
        storage: The workspace's.
        keys: The online keys at hand, old and new.
        root: Its bytes, signed by the thresholds of the root before and its own.
        at: Now.

    Raises:
        VerificationError: As ``check_root``.
        TufSignatureError: It names an online key that is not at hand.
        StorageError: It may or may not be published; repeat the call.
    """
    new = check_root(storage, root, at=at)
    writer = Writer(storage, keys)
    before = read_before(storage)
    state = before.state
    if state is not None and root != before.roots[-1] and not _holds(state, new):
        along = Along(new, at + TERMS[TIMESTAMP].life)
        writer.commit(before, state.targets, state.release, at, along)
    writer.put({metadata_name(ROOT, new.version): root})


def _holds(state: Committed, root: Root) -> bool:
    """Return whether what is committed holds under a root as it is."""
    stamp = parse_metadata(state.timestamp, Timestamp, TIMESTAMP)
    snapshot = parse_metadata(state.snapshot, Snapshot, SNAPSHOT)
    try:
        require_signed(root, TIMESTAMP, stamp)
        require_signed(root, SNAPSHOT, snapshot)
    except TufSignatureError:
        return False
    return True
