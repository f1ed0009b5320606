# SPDX-License-Identifier: Apache-2.0
"""The TUF metadata of a pack through time: who was trusted at each place of the log.

Laws (DESIGN 9, T10, Trust events):
- The first root is the auditor's, byte by byte; every later one, and every published
  targets version, has its event in the log, about exactly its bytes.
- Events come in the order of versions, and each names the version before.
- A version counts for what is logged after its event. So nobody can publish under a
  trust that was replaced, whatever time their signatures claim.

A version that no snapshot lists was prepared and never published; it is passed over,
with a note, unless it has an event.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tuf.api.metadata import Snapshot, TargetFile, Targets

from bundle.audit.errors import (
    RootOtherError,
    TrustEventMissingError,
    TrustEventUntrueError,
)
from bundle.audit.findings import Findings, Severity
from bundle.audit.ledger import Entry, Ledger
from bundle.audit.pack import GENESIS, Pack
from bundle.gate.candidate import POLICY_TARGET, TRUSTED_ROOT_TARGET
from bundle.limits import MAX_ROOT_VERSIONS
from bundle.tuf.documents import target_name
from bundle.tuf.metadata import parse_metadata
from bundle.tuf.roles import RELEASE, SNAPSHOT, TARGETS
from bundle.tuf.view import TargetInfo, TufView, read_view, revision_of
from keys.digest import Digest
from signer.predicates.base import TRUST_CHANGE
from signer.predicates.trust_change import (
    IDENTITY_REGISTERED,
    IDENTITY_REVOKED,
    WORKSPACE_CREATED,
    TrustChangePredicate,
)
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot
from signer.verify import Trust

_METADATA: Final = "metadata/"


@dataclass(frozen=True, slots=True)
class TrustVersion:
    """One version of the admins' targets, from its event on.

    Attributes:
        version: Of targets.
        index: The leaf of its event.
        targets: The bytes.
        roots: From the auditor's to the newest that stood then.
        view: What the metadata says, at the time of the event.
        trust: What attestations are verified with.
        event: What the admin said, not yet verified.
    """

    version: int
    index: int
    targets: bytes = field(repr=False)
    roots: tuple[bytes, ...] = field(repr=False)
    view: TufView = field(repr=False)
    trust: Trust = field(repr=False)
    event: TrustChangePredicate = field(repr=False)


@dataclass(frozen=True, slots=True)
class TrustHistory:
    """Who was trusted, through time.

    Attributes:
        versions: In order; at least one.
    """

    versions: tuple[TrustVersion, ...]

    def before(self, index: int) -> TrustVersion:
        """Return the version that stands for what is logged at ``index``.

        What comes before the first event (the proofs of those whom it brings) is
        judged by the first.
        """
        place = bisect_left([v.index for v in self.versions], index)
        return self.versions[max(place - 1, 0)]


def open_history(
    pack: Pack, root: bytes, ledger: Ledger, findings: Findings
) -> TrustHistory:
    """Read roots and targets with their events.

    Raises:
        RootOtherError: The pack is of another workspace.
        TrustEventMissingError: Not one version of targets holds.
    """
    if pack.get(GENESIS) != root:
        raise RootOtherError(
            f"expected root {Digest.of(root)}, which you brought, got "
            f"{pack.manifest.workspace}"
        )
    events = _events(ledger)
    roots = _roots(pack, root, ledger, findings)
    versions: list[TrustVersion] = []
    for version in _published(pack, TARGETS, events, findings):
        with findings.at(f"metadata/{version}.{TARGETS}.json"):
            found = _open_version(pack, version, events, roots)
            _require_next(versions[-1] if versions else None, found)
            versions.append(found)
    if not versions:
        raise TrustEventMissingError("expected targets with their event, got none")
    return TrustHistory(tuple(versions))


def published_releases(pack: Pack) -> dict[int, list[bytes]]:
    """Return the release role's published metadata by the highest revision listed.

    Raises:
        TrustacksError: Metadata that is none.
    """
    found: dict[int, list[bytes]] = {}
    for version in sorted(_listed(pack, RELEASE)):
        data = pack.get(f"{_METADATA}{version}.{RELEASE}.json")
        targets = parse_metadata(data, Targets, RELEASE).signed.targets
        if targets:
            found.setdefault(max(map(revision_of, targets)), []).append(data)
    return found


def read_target(pack: Pack, name: str, listed: Mapping[str, TargetInfo]) -> bytes:
    """Return a target by its name.

    Raises:
        TrustEventUntrueError: The metadata does not list it.
        HistoryMissingError: The pack does not hold it.
    """
    if name not in listed:
        raise TrustEventUntrueError(f"expected {name} in the metadata, got none")
    info = listed[name]
    return pack.get(
        target_name(TargetFile(info.length, {"sha256": info.digest.hex}, name))
    )


def _events(ledger: Ledger) -> dict[Digest, Entry]:
    """Return the trust events by the digest that they are about; the first counts."""
    events: dict[Digest, Entry] = {}
    for entry in ledger.entries:
        if entry.statement.predicate_type == TRUST_CHANGE:
            for digest in entry.statement.digests:
                events.setdefault(digest, entry)
    return events


def _roots(
    pack: Pack, root: bytes, ledger: Ledger, findings: Findings
) -> tuple[tuple[int, bytes], ...]:
    """Return (leaf of its event, bytes) of every root; the first needs none."""
    said = {d: e.index for e in reversed(ledger.entries) for d in e.statement.digests}
    roots = [(-1, root)]
    for version in range(2, MAX_ROOT_VERSIONS + 1):
        name = f"{_METADATA}{version}.root.json"
        if name not in pack.files:
            break
        data = pack.get(name)
        index = said.get(Digest.of(data))
        if index is None:
            error = TrustEventMissingError("expected its event in the log, got none")
            findings.add(error, name)
            break
        roots.append((index, data))
    return tuple(roots)


def _published(
    pack: Pack, role: str, events: Mapping[Digest, Entry], findings: Findings
) -> Iterator[int]:
    listed = _listed(pack, role)
    for version in _versions(pack, role):
        name = f"{_METADATA}{version}.{role}.json"
        if version in listed or Digest.of(pack.files[name]) in events:
            yield version
        else:
            error = TrustEventMissingError("prepared, and never published")
            findings.add(error, name, Severity.NOTE)
    for version in sorted(listed.difference(_versions(pack, role))):
        with findings.at(f"{_METADATA}{version}.{role}.json"):
            pack.get(f"{_METADATA}{version}.{role}.json")


def _versions(pack: Pack, role: str) -> list[int]:
    """Return the versions of a role that the pack holds, ascending."""
    end = f".{role}.json"
    found = [
        n[len(_METADATA) : -len(end)] for n in pack.names(_METADATA) if n.endswith(end)
    ]
    return sorted(int(n) for n in found if n.isascii() and n.isdecimal())


def _listed(pack: Pack, role: str) -> set[int]:
    """Return the versions of a role that a snapshot lists."""
    found = set()
    for version in _versions(pack, SNAPSHOT):
        data = pack.get(f"{_METADATA}{version}.{SNAPSHOT}.json")
        meta = parse_metadata(data, Snapshot, SNAPSHOT).signed.meta
        if f"{role}.json" in meta:
            found.add(meta[f"{role}.json"].version)
    return found


def _open_version(
    pack: Pack,
    version: int,
    events: Mapping[Digest, Entry],
    roots: Sequence[tuple[int, bytes]],
) -> TrustVersion:
    targets = pack.get(f"{_METADATA}{version}.{TARGETS}.json")
    entry = events.get(Digest.of(targets))
    if entry is None:
        raise TrustEventMissingError("expected its event in the log, got none")
    event = TrustChangePredicate.parse(entry.statement.predicate)
    stood = tuple(data for index, data in roots if index < entry.index)
    view = read_view(stood, targets, None, at=entry.time or event.at)
    policy = read_target(pack, POLICY_TARGET, view.files)
    trust = Trust(
        workspace=view.workspace,
        form=view.form,
        policy=TrustPolicy.parse(policy),
        trusted_root=TrustedRoot.parse(
            read_target(pack, TRUSTED_ROOT_TARGET, view.files)
        ),
    )
    said = (event.targets_version, event.policy, event.workspace)
    if said != (view.targets_version, Digest.of(policy), view.workspace):
        raise TrustEventUntrueError(
            f"expected an event about targets {view.targets_version} and their trust "
            f"policy, got one about targets {event.targets_version}"
        )
    return TrustVersion(version, entry.index, targets, stood, view, trust, event)


def _require_next(older: TrustVersion | None, newer: TrustVersion) -> None:
    """Refuse a version whose event is out of order, or untrue about the change."""
    if older is None:
        if newer.event.change.kind != WORKSPACE_CREATED:
            raise TrustEventMissingError(
                f"expected the event of the first targets, got one of {newer.version}"
            )
        return
    if newer.index < older.index or newer.event.previous != Digest.of(older.targets):
        raise TrustEventMissingError(
            f"expected an event after that of targets {older.version}, naming them, "
            f"got one that does not"
        )
    _require_true(older.trust.policy, newer.trust.policy, newer.event)


def _require_true(
    old: TrustPolicy, new: TrustPolicy, event: TrustChangePredicate
) -> None:
    """The event says who came and who went; the policies must say the same."""
    change = event.change
    known = {identity.id for identity in old.identities}
    came = {i.id for i in new.identities if i.id not in known}
    revoked = {r.identity for r in old.revocations}
    went = {r.identity for r in new.revocations if r.identity not in revoked}
    named = {change.identity}
    kept = all(identity in new.identities for identity in old.identities)
    if not kept:
        raise TrustEventUntrueError(
            "expected every registered identity as it was, got one that changed or left"
        )
    if came != (named if change.kind == IDENTITY_REGISTERED else set()) or went != (
        named if change.kind == IDENTITY_REVOKED else set()
    ):
        raise TrustEventUntrueError(
            f"expected the event to name who was registered {sorted(came)} and revoked "
            f"{sorted(went)}, got {change.kind} {change.identity}"
        )
