# SPDX-License-Identifier: Apache-2.0
"""Delete what nobody needs of a workspace, a grace after a look has found it so.

Order of writes: (1) the note of this look, (2) one object after the other. A crash
anywhere leaves garbage that the next look finds again, and nothing else. The lock keeps
publishers of this database out; one that has lost its lock puts its files again right
before it commits.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from bundle.storage.interface import Storage
from bundle.tuf.errors import NothingPublishedError
from bundle.tuf.garbage import look
from bundle.tuf.garbage_note import MAX_NOTE_BYTES, NOTE_NAME, Note, note_of
from control_plane import limits
from control_plane.pending_store import PendingStore
from control_plane.proposal_store import ProposalStore
from control_plane.services import Services
from control_plane.workspaces import Workspace
from keys.digest import Digest
from keys.errors import FormatError, NotFoundError

_LAST: Final = timedelta(seconds=limits.GARBAGE_LOOK_SECONDS)


def collect_garbage(services: Services, name: str) -> int:
    """Delete what has been garbage for the grace of the settings; return how much.

    Nothing happens within ``limits.GARBAGE_LOOK_SECONDS`` of the last look.

    Raises:
        NotFoundError: No such workspace.
        VerificationError: It holds what nobody signed; nothing is deleted.
        StorageError: Some of it may be deleted; a later call goes on.
    """
    grace = timedelta(seconds=services.settings.garbage_grace_seconds)
    workspace = services.workspaces.open(name)
    at = services.clock()
    deleted, due = 0, limits.GARBAGE_AT_ONCE
    while grace and due >= limits.GARBAGE_AT_ONCE:
        with workspace.lock:  # given up in between: publishers wait for a part only
            found = _look(workspace, at, grace, again=bool(deleted))
            due = len(found)
            for one in found[: limits.GARBAGE_AT_ONCE]:
                workspace.storage.discard(one)
                deleted += 1
    return deleted


def _look(
    workspace: Workspace, at: datetime, grace: timedelta, *, again: bool
) -> list[str]:
    """Note what is garbage now; return what has been for long enough."""
    storage = workspace.storage
    before, digest = _read_note(storage)
    if before and not again and before.at <= at < before.at + _LAST:
        return []
    try:
        state = workspace.repository.current()
    except NothingPublishedError:
        return []
    found = look(storage, state, before)
    garbage = {
        *found.garbage,
        *ProposalStore(storage).stale(state),
        *PendingStore(storage).stale(state, at=at),
    }
    note = note_of(garbage, found.judged, before=before, at=at)
    storage.replace(NOTE_NAME, note.to_bytes(), expected=digest)
    return note.due(grace)


def _read_note(storage: Storage) -> tuple[Note | None, Digest | None]:
    """Return the last look's note; one that cannot be read is as none."""
    try:
        raw = storage.get(NOTE_NAME, max_bytes=MAX_NOTE_BYTES)
    except NotFoundError:
        return None, None
    with suppress(FormatError):
        return Note.parse(raw), Digest.of(raw)
    return None, Digest.of(raw)
