# SPDX-License-Identifier: Apache-2.0
"""What of a repository neither a client nor an auditor needs any more.

::

    kept for ever   roots; targets and all that they list; of each published revision
                    its files and the first release role that lists it. Replay judges
                    every release again and needs just these (``bundle.audit``)
    garbage         superseded snapshots; superseded release roles that were never
                    published, or list what an earlier one lists (renewals); files of
                    releases that no published role lists
    never touched   log, attestations, chain; versions from the committed one on: a
                    number that was ever stored is never signed again

Laws: nothing that the committed state reaches is garbage. An object is garbage from the
first look that says so, which is never before its successor was committed; a grace
counted from there is the successor's age or less. The look is noted before anything is
deleted. Without a note every object's time begins anew, and what can no longer be
judged stays.

Which release roles were published is known from snapshots. A snapshot goes a grace
after the look that judged the roles that it names.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tuf.api.metadata import Snapshot, TargetFile, Targets

from bundle.storage.interface import Storage
from bundle.tuf.committed import TIMESTAMP_NAME, Committed, metadata_name
from bundle.tuf.documents import target_name
from bundle.tuf.garbage_note import Judged, Note
from bundle.tuf.metadata import MAX_BYTES, parse_metadata
from bundle.tuf.roles import OVERLAY_PREFIX, RELEASE, ROOT, SNAPSHOT, TARGETS
from bundle.tuf.view import revision_of

_METADATA: Final = "metadata/"
_OVERLAY: Final = f"targets/{OVERLAY_PREFIX}"
_OVERLAY_FILE: Final = re.compile(rf"{_OVERLAY}([1-9][0-9]*)/[^/]+")

# Files by their names in the store.
_Listed = Mapping[str, TargetFile]


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a repository found.

    Attributes:
        garbage: Names of objects that nobody needs.
        judged: How far it came; the next one goes on from there.
    """

    garbage: frozenset[str]
    judged: Judged


def look(storage: Storage, state: Committed, note: Note | None) -> Look:
    """Find what nobody needs; nothing is written.

    Args:
        storage: The repository's.
        state: What is committed in it.
        note: Of the last look.

    Raises:
        VerificationError: A stored version is not metadata; nothing is judged.
        StorageError: The store does not answer.
    """
    found = _Repository.open(storage, state, note)
    published = found.published()
    garbage = {
        *found.superseded_snapshots(),
        *(metadata_name(RELEASE, version) for version in found.useless(published)),
        *found.useless_files(published),
    }
    return Look(frozenset(garbage - reached(state)), _place(state))


def reached(state: Committed) -> frozenset[str]:
    """Return the names of all that clients of a committed state read."""
    versions = {role: signed.version for role, signed in state.roles.items()}
    listed = {**state.top.targets, **state.delegated.signed.targets}
    return frozenset(
        {
            TIMESTAMP_NAME,
            *(metadata_name(ROOT, n) for n in range(1, versions[ROOT] + 1)),
            *(metadata_name(r, versions[r]) for r in (TARGETS, RELEASE, SNAPSHOT)),
            *map(target_name, listed.values()),
        }
    )


def _place(state: Committed) -> Judged:
    return Judged(
        state.roles[SNAPSHOT].version,
        state.delegated.signed.version,
        min(map(revision_of, state.delegated.signed.targets), default=0),
    )


@dataclass(frozen=True, slots=True)
class _Repository:
    """A repository, and from where on it has not been judged.

    Attributes:
        storage: Where it is.
        now: What is committed.
        listed: What the committed release role lists.
        names: Its metadata.
        condemned: What the last look found.
        since: Where that look ended.
    """

    storage: Storage
    now: Judged
    listed: _Listed
    names: frozenset[str]
    condemned: frozenset[str]
    since: Judged

    @classmethod
    def open(
        cls, storage: Storage, state: Committed, note: Note | None
    ) -> "_Repository":
        names = frozenset(storage.names(_METADATA))
        now = _place(state)
        # Without a note nothing says where publishing began: what is behind stays.
        since = note.judged if note else now
        if metadata_name(RELEASE, since.release) not in names:
            since = now
        condemned = frozenset(note.since if note else ())
        listed = state.delegated.signed.targets
        return cls(storage, now, listed, names, condemned, since)

    def versions(self, role: str) -> list[int]:
        """Return the stored versions of a role, in order."""
        pattern = re.compile(rf"{_METADATA}([1-9][0-9]*)\.{role}\.json")
        found = map(pattern.fullmatch, self.names)
        return sorted(int(match[1]) for match in found if match)

    def superseded_snapshots(self) -> list[str]:
        versions = self.versions(SNAPSHOT)
        return [metadata_name(SNAPSHOT, v) for v in versions if v < self.now.snapshot]

    def published(self) -> list[int]:
        """Return superseded release roles that were in force since the last look."""
        if self.since.release == self.now.release:
            return []
        found = set()
        for version in self.versions(SNAPSHOT):
            if self.since.snapshot <= version <= self.now.snapshot:
                name = metadata_name(SNAPSHOT, version)
                raw = self.storage.get(name, max_bytes=MAX_BYTES[SNAPSHOT])
                listed = parse_metadata(raw, Snapshot, SNAPSHOT).signed.meta
                found.add(listed[f"{RELEASE}.json"].version)
        return sorted(v for v in found if v < self.now.release)

    def useless(self, published: list[int]) -> set[int]:
        """Return release roles that were never in force, or say nothing new."""
        stored = [v for v in self.versions(RELEASE) if v < self.now.release]
        found = {v for v in stored if metadata_name(RELEASE, v) in self.condemned}
        judged = [v for v in stored if v < self.since.release and v not in found]
        last = self._newest_of(judged[-1]) if judged and published else {}
        for version in (v for v in stored if v >= self.since.release):
            said = self._newest_of(version)
            if version not in published or said == last:
                found.add(version)
            else:
                last = said
        return found

    def useless_files(self, published: list[int]) -> Iterator[str]:
        """Yield files of releases that no role in force has listed."""
        needed = set(map(target_name, self.listed.values()))
        for version in published:
            needed.update(map(target_name, self._role(version).values()))
        for name in self.storage.names(_OVERLAY):
            pending = name in self.condemned or self._is_pending(name)
            if pending and name not in needed:
                yield name

    def _is_pending(self, name: str) -> bool:
        match = _OVERLAY_FILE.fullmatch(name)
        return match is not None and int(match[1]) >= self.since.revision

    def _newest_of(self, version: int) -> _Listed:
        """Return what a role lists of its newest revision."""
        listed = self._role(version)
        newest = max(map(revision_of, listed), default=0)
        return {p: file for p, file in listed.items() if revision_of(p) == newest}

    def _role(self, version: int) -> _Listed:
        name = metadata_name(RELEASE, version)
        raw = self.storage.get(name, max_bytes=MAX_BYTES[RELEASE])
        return parse_metadata(raw, Targets, RELEASE).signed.targets
