# SPDX-License-Identifier: Apache-2.0
"""Publish a release, after the Runner's own gate has passed it.

Order of writes:

0. the release attestation holds by itself, and its predecessor is the head
1. files and the release role's next version: stored, not reachable
2. the Runner's gate over the exact bytes that a Runner would fetch    refused: as if
   nothing had happened, but for unreachable files and a version number
3. the release attestation in ``chain/``, by its digest, its further signatures, and
   the attestations of each rule that it changes: a later chain leads through them
4. snapshot and timestamp: THE COMMIT
5. the release's row in the registry                  a crash: the next call adds it

A repeated request answers with the release as it was published.
"""

from datetime import datetime
from itertools import chain

from bundle.gate.candidate import attestations_target
from bundle.gate.check import check_release
from bundle.gate.release import sort_attestations
from bundle.gate.verdict import VerifiedRelease
from bundle.marks import Known
from bundle.runner.collect import collect
from bundle.tuf.view import ATTESTATIONS, BUNDLE, revision_of
from control_plane import limits
from control_plane.errors import ReleaseStaleError
from control_plane.registry import repository as index
from control_plane.registry.models import ReleaseRow
from control_plane.services import Services
from control_plane.workflows.move_steps import require_no_move
from control_plane.workflows.release_chain import (
    OpenRelease,
    earlier,
    open_release,
    read_chain,
    store_chain,
)
from control_plane.workflows.sources import StagedSource
from control_plane.workspaces import Published, Workspace
from keys.clock import format_instant
from keys.digest import Digest
from keys.errors import NotFoundError
from signer.attestation import join_jsonl, parse_attestation, parse_jsonl
from signer.predicates.release import ReleasePredicate
from signer.verify import Expected, verify_attestation


def publish(
    services: Services, name: str, *, bundle: bytes, attestations: bytes, release: bytes
) -> ReleaseRow:
    """Publish the next release.

    Args:
        services: The server.
        name: The workspace.
        bundle: ``bundle.tar.gz``.
        attestations: The rules' attestations, the approvals that they rest on, and
            further signatures of the release, one per line; the release's may be there.
        release: The release attestation, logged.

    Raises:
        NotFoundError: No such workspace.
        ReleaseStaleError: Another release has become the head; build on that one.
        MoveDecidedError: The workspace is being made sovereign, from the head on.
        VerificationError: The gate refuses; nothing was published.
        StorageError: It may or may not have been published; repeat the call.
    """
    workspace = services.workspaces.open(name)
    with workspace.lock:
        at = services.clock()
        published = workspace.published()
        head = head_of(services, workspace)
        opened = _check_word(published, release, at)
        if head is not None and head.digest == str(opened.digest):
            return head
        require_no_move(services, workspace)
        require_next(_known(head), opened.said)
        staged = workspace.repository.prepare_release(
            opened.said.revision,
            _files(bundle, attestations, release),
            keep=services.settings.releases_listed,
            at=at,
        )
        known = _known(head) or Known(opened.said.revision, opened.digest)
        passed = _pass_gate(
            services, StagedSource(workspace, published, staged), known, at
        )
        cosigned = passed.cosigned.get(opened.digest, ())
        store_chain(workspace, opened, attestations, cosigned)
        workspace.repository.publish_release(staged, at=at)
        services.metrics.published("release")
        return _add_row(services, _row(workspace, opened))


def head_of(services: Services, workspace: Workspace) -> ReleaseRow | None:
    """Return the newest published release, after indexing what a crash left.

    Raises:
        StorageError: The registry or the storage cannot be used.
    """
    committed = workspace.published().committed.delegated.signed.targets
    highest = max((revision_of(path) for path in committed), default=0)
    head = _indexed_head(services, workspace)
    if highest <= (head.revision if head else 0):
        return head
    with workspace.lock:  # whoever publishes right now adds the row itself
        head = _indexed_head(services, workspace)
        if highest > (head.revision if head else 0):
            _index_missing(services, workspace, highest, head)
        return _indexed_head(services, workspace)


def require_next(head: Known | None, said: ReleasePredicate) -> None:
    """Refuse a release that is not made on top of the newest one.

    Raises:
        ReleaseStaleError: It is not.
    """
    known = head.digest if head else None
    revision = head.revision + 1 if head else 1
    if (said.predecessor, said.revision) != (known, revision):
        raise ReleaseStaleError(
            f"expected revision {revision} after {known or 'nothing'}, "
            f"got {said.revision} after {said.predecessor or 'nothing'}",
            hint="build on the new head and sign again",
            head={"revision": head.revision, "digest": str(head.digest)}
            if head
            else None,
        )


def show(services: Services, name: str, revision: int) -> tuple[ReleaseRow, bytes]:
    """Return a published release and its attestation.

    Raises:
        NotFoundError: No such workspace or revision.
    """
    workspace = services.workspaces.open(name)
    head_of(services, workspace)
    row = _require_row(services, workspace, revision)
    return row, read_chain(workspace, Digest.parse(row.digest))


def index_page(
    services: Services, name: str, *, start: int, limit: int
) -> list[ReleaseRow]:
    """Return published releases from a revision on, oldest first.

    Raises:
        NotFoundError: No such workspace.
    """
    workspace = services.workspaces.open(name)
    head_of(services, workspace)
    with services.registry.read() as session:
        return index.list_releases(session, name, start=start, limit=limit)


def _check_word(published: Published, release: bytes, at: datetime) -> OpenRelease:
    """The gate does this again; here it keeps rubbish from being stored."""
    claimed = Expected.as_claimed(parse_attestation(release))
    expected = Expected(ReleasePredicate.type, claimed.subjects)
    verified = verify_attestation(
        release, trust=published.trust, expected=expected, at=at
    )
    found = verified.require()
    return OpenRelease(found.attestation, found.statement, found.said(ReleasePredicate))


def _files(bundle: bytes, attestations: bytes, release: bytes) -> dict[str, bytes]:
    """Return the files of a release; the attestations include the release's own.

    Before further signatures of it: the first line is its named signer's.
    """
    lines = parse_jsonl(attestations)
    if release not in lines:
        lines = (release, *lines)
    return {BUNDLE: bundle, ATTESTATIONS: join_jsonl(lines)}


def _known(head: ReleaseRow | None) -> Known | None:
    return None if head is None else Known(head.revision, Digest.parse(head.digest))


def _pass_gate(
    services: Services, source: StagedSource, known: Known, at: datetime
) -> VerifiedRelease:
    """Refuse what a Runner would refuse that knows the release before this one.

    One of the first release knows that release itself. So a publish costs the same
    after any number of releases; who starts further back walks the chain himself.

    Raises:
        TrustacksError: The first refusal of the gate.
    """
    collected = collect(source, marks=None, floor=known, at=at)
    if collected.problem is not None:
        raise collected.problem
    gate = check_release(
        collected.candidate, marks=None, floor=known, at=at, engine=services.engine
    )
    return gate.require()


def _indexed_head(services: Services, workspace: Workspace) -> ReleaseRow | None:
    with services.registry.read() as session:
        return index.head_release(session, workspace.name)


def _index_missing(
    services: Services, workspace: Workspace, highest: int, known: ReleaseRow | None
) -> None:
    listed = workspace.repository.read(
        attestations_target(highest), max_bytes=limits.MAX_STATIC_BYTES
    )
    newest = open_release(sort_attestations(listed).release)
    rows = []
    # Lazily: a publish must not read every release there ever was.
    for release in chain([newest], earlier(workspace, newest)):
        row = _row(workspace, release)
        if known is not None and row.revision <= known.revision:
            break
        rows.append(row)
    with services.registry.write() as session:
        session.add_all(rows)


def _add_row(services: Services, row: ReleaseRow) -> ReleaseRow:
    with services.registry.write() as session:
        session.add(row)
        session.flush()
        session.expunge(row)  # its values stay readable after the commit
    return row


def _row(workspace: Workspace, release: OpenRelease) -> ReleaseRow:
    archive, content = release.statement.digests
    said = release.said
    return ReleaseRow(
        workspace=workspace.name,
        revision=said.revision,
        digest=str(release.digest),
        predecessor=str(said.predecessor) if said.predecessor else None,
        archive=str(archive),
        content=str(content),
        identity=said.identity,
        issued_at=format_instant(said.issued_at),
        expires_at=format_instant(said.expires),
    )


def _require_row(services: Services, workspace: Workspace, revision: int) -> ReleaseRow:
    head_of(services, workspace)
    with services.registry.read() as session:
        row = index.find_release(session, workspace.name, revision)
    if row is None:
        raise NotFoundError(f"expected a published revision, got {revision}")
    return row
