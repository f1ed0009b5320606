# SPDX-License-Identifier: Apache-2.0
"""The TUF metadata of a pack through time: who was trusted at each place of the log.

Laws (DESIGN 9, T10, Trust events):
- The first root is the auditor's, byte by byte; every later one, and every published
  targets version, has its event in the log, about exactly its bytes. An auditor who
  brings the root that made the workspace sovereign begins there: what its admins did
  not sign is not trusted, and what was logged before is told apart.
- Events come in the order of versions, and each names the version before: targets are
  found from the newest backwards by that name, so none in between can be left out.
- A version counts for what is logged after its event. So nobody can publish under a
  trust that was replaced, whatever time their signatures claim.

A version that was logged or prepared, and never published, is passed over and named.
"""

from collections.abc import Collection, Mapping, Sequence

from bundle.audit.errors import (
    HistoryMissingError,
    RootOtherError,
    TrustEventMissingError,
    TrustEventUntrueError,
    TrustUnpublishedError,
)
from bundle.audit.findings import Findings, Severity
from bundle.audit.ledger import Entry, Ledger
from bundle.audit.pack import Pack
from bundle.audit.published import (
    METADATA,
    metadata_by_digest,
    read_newest,
    target_object,
)
from bundle.audit.trust import (
    TrustHistory,
    TrustVersion,
    require_first,
    require_next,
)
from bundle.gate import POLICY_TARGET, TRUSTED_ROOT_TARGET
from bundle.gate.errors import OverlayMissingError, TargetMismatchError
from bundle.limits import MAX_ROOT_VERSIONS
from bundle.tuf.roles import TARGETS
from bundle.tuf.rootchain import is_sovereign, open_roots
from bundle.tuf.view import TargetInfo, read_view
from keys.digest import Digest
from signer.predicates.base import ROOT_CHANGE, TRUST_CHANGE
from signer.predicates.trust_change import TrustChangePredicate
from signer.trust import Trust
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot


def open_history(
    pack: Pack, root: bytes, ledger: Ledger, findings: Findings
) -> TrustHistory:
    """Read roots and targets with their events.

    Raises:
        RootOtherError: The pack is of another workspace.
        TrustEventMissingError: Not one version of targets holds.
        TrustacksError: The newest metadata does not hold together.
    """
    number = open_roots([root]).current.version
    _require_root(pack, root, number)
    begins = _begin(root, ledger) if number > 1 else None
    every = _events(ledger)
    events = {d: e for d, e in every.items() if begins is None or e.index > begins}
    roots = _roots(pack, root, number, ledger, findings)
    files = metadata_by_digest(pack, TARGETS)
    before = every.keys() - events.keys()
    path = _walk(Digest.of(read_newest(pack).targets), files, events, before, findings)
    versions: list[TrustVersion] = []
    for digest in path:
        with findings.at(files[digest]):
            found = _open_version(pack, files[digest], events[digest], roots)
            if versions:
                require_next(versions[-1], found)
            else:
                require_first(found, begins)
            versions.append(found)
    if not versions:
        raise TrustEventMissingError("expected targets with their event, got none")
    left = {digest: name for digest, name in files.items() if digest not in before}
    _report_others(set(path), left, events, findings)
    return TrustHistory(tuple(versions), begins)


def _require_root(pack: Pack, root: bytes, number: int) -> None:
    name = f"{METADATA}{number}.root.json"
    if name not in pack.files or pack.get(name) != root:
        raise RootOtherError(
            f"expected root {Digest.of(root)}, which you brought, as root {number} of "
            f"workspace {pack.manifest.workspace}, got another"
        )


def _begin(root: bytes, ledger: Ledger) -> int:
    """Return the leaf of the event of a root after the genesis root.

    Raises:
        TrustEventMissingError: There is none.
    """
    digest = Digest.of(root)
    for entry in ledger.entries:
        said = entry.statement
        if said.predicate_type == ROOT_CHANGE and digest in said.digests:
            return entry.index
    raise TrustEventMissingError(
        f"expected the event of root {digest}, which you brought, in the log, got none"
    )


def read_target(pack: Pack, name: str, listed: Mapping[str, TargetInfo]) -> bytes:
    """Return a target by its name.

    Raises:
        OverlayMissingError: The metadata does not list it.
        HistoryMissingError: The pack does not hold it.
        TargetMismatchError: What the pack holds is not what the metadata lists.
    """
    if name not in listed:
        raise OverlayMissingError(f"expected {name} in the metadata, got none")
    info = listed[name]
    data = pack.get(target_object(name, info.length, info.digest))
    if (len(data), Digest.of(data)) != (info.length, info.digest):
        raise TargetMismatchError(
            f"{name}: expected {info.digest}, got {Digest.of(data)}"
        )
    return data


def _walk(
    newest: Digest,
    files: Mapping[Digest, str],
    events: Mapping[Digest, Entry],
    before: Collection[Digest],
    findings: Findings,
) -> list[Digest]:
    """Return the targets that were in force, the first ones first."""
    path: list[Digest] = []
    with findings.at("targets"):
        path = _backwards(newest, files, events, before)
    return path[::-1]


def _backwards(
    newest: Digest,
    files: Mapping[Digest, str],
    events: Mapping[Digest, Entry],
    before: Collection[Digest],
) -> list[Digest]:
    path: list[Digest] = []
    digest: Digest | None = newest
    while digest is not None and digest not in before:
        if digest not in files:
            raise HistoryMissingError(f"expected targets {digest}, got none")
        if digest not in events:
            raise TrustEventMissingError(
                f"{files[digest]}: expected its event in the log, got none"
            )
        if digest in path:
            raise TrustEventUntrueError(
                f"{files[digest]}: expected earlier targets, got these again"
            )
        path.append(digest)
        digest = _event(events[digest]).previous
    return path


def _report_others(
    path: set[Digest],
    files: Mapping[Digest, str],
    events: Mapping[Digest, Entry],
    findings: Findings,
) -> None:
    """Say which targets are in the log or the pack, and were never in force."""
    newest = max(_event(events[digest]).targets_version for digest in path)
    for digest, entry in events.items():
        if digest not in path:
            with findings.at(entry.place):
                if digest not in files:
                    raise HistoryMissingError(f"expected targets {digest}, got none")
                _report_unpublished(entry, newest, findings)
    for digest in files.keys() - path - events.keys():
        prepared = TrustUnpublishedError("prepared, and never published")
        findings.add(prepared, files[digest], Severity.NOTE)


def _report_unpublished(entry: Entry, newest: int, findings: Findings) -> None:
    version = _event(entry).targets_version
    error = TrustUnpublishedError(
        f"targets {version} are in the log, and not in what was published"
    )
    # Overtaken by a later version: a change that crashed. Not overtaken: withheld.
    severity = Severity.REFUSED if version > newest else Severity.WARNING
    findings.add(error, entry.place, severity)


def _events(ledger: Ledger) -> dict[Digest, Entry]:
    """Return the trust events by the digest that they are about; the first counts."""
    events: dict[Digest, Entry] = {}
    for entry in ledger.entries:
        if entry.statement.predicate_type == TRUST_CHANGE:
            for digest in entry.statement.digests:
                events.setdefault(digest, entry)
    return events


def _roots(
    pack: Pack, root: bytes, number: int, ledger: Ledger, findings: Findings
) -> tuple[tuple[int, bytes], ...]:
    """Return (leaf of its event, bytes) of every root; the auditor's needs none."""
    said = {
        digest: entry.index
        for entry in reversed(ledger.entries)
        if entry.statement.predicate_type == ROOT_CHANGE
        for digest in entry.statement.digests
    }
    roots = [(-1, root)]
    for version in range(number + 1, MAX_ROOT_VERSIONS + 1):
        name = f"{METADATA}{version}.root.json"
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


def _event(entry: Entry) -> TrustChangePredicate:
    return TrustChangePredicate.parse(entry.statement.predicate)


def _open_version(
    pack: Pack, name: str, entry: Entry, roots: Sequence[tuple[int, bytes]]
) -> TrustVersion:
    targets = pack.get(name)
    event = _event(entry)
    stood = tuple(data for index, data in roots if index < entry.index)
    view = read_view(stood, targets, None, at=entry.time or event.at)
    # All of them, also those that no release came to need: they are the evidence of
    # what the admins signed.
    files = {name: read_target(pack, name, view.files) for name in view.files}
    policy = _file(files, POLICY_TARGET)
    trust = Trust(
        workspace=view.workspace,
        form=view.form,
        policy=TrustPolicy.parse(policy),
        trusted_root=TrustedRoot.parse(_file(files, TRUSTED_ROOT_TARGET)),
    )
    said = (event.targets_version, event.policy, event.workspace)
    if said != (view.targets_version, Digest.of(policy), view.workspace):
        raise TrustEventUntrueError(
            f"expected an event about targets {view.targets_version} and their trust "
            f"policy, got one about targets {event.targets_version}"
        )
    return TrustVersion(
        version=view.targets_version,
        index=entry.index,
        at=entry.time or event.at,
        targets=targets,
        roots=stood,
        view=view,
        trust=trust,
        event=event,
        sovereign=is_sovereign(open_roots(stood).current),
    )


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise OverlayMissingError(f"expected {name} in the targets, got none")
    return files[name]
