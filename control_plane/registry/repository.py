# SPDX-License-Identifier: Apache-2.0
"""Queries by intent. Each takes a session of the caller and never commits."""

from collections.abc import Iterable

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from control_plane.registry.models import (
    ChallengeRow,
    LeafRow,
    ReleaseRow,
    ReportRow,
    SubjectRow,
    WorkspaceRow,
)
from keys.digest import Digest


def find_workspace(session: Session, name: str) -> WorkspaceRow | None:
    """Return a workspace."""
    return session.get(WorkspaceRow, name)


def list_workspaces(session: Session) -> list[WorkspaceRow]:
    """Return all workspaces by name."""
    return list(session.scalars(select(WorkspaceRow).order_by(WorkspaceRow.name)))


def add_leaf(session: Session, leaf: LeafRow, subjects: Iterable[Digest]) -> None:
    """Index one leaf of the log and the subjects of its statement."""
    session.add(leaf)
    session.flush()
    _add_subjects(session, leaf, subjects)


def complete_leaf(
    session: Session,
    found: LeafRow,
    subjects: Iterable[Digest],
) -> None:
    """Index the statement of a leaf that came without one; again changes nothing."""
    leaf = session.get(LeafRow, (found.workspace, found.leaf_index))
    if leaf is not None and not leaf.predicate_type:
        leaf.predicate_type = found.predicate_type
        leaf.identity = found.identity
        _add_subjects(session, leaf, subjects)


def _add_subjects(session: Session, leaf: LeafRow, subjects: Iterable[Digest]) -> None:
    session.add_all(
        SubjectRow(
            workspace=leaf.workspace, leaf_index=leaf.leaf_index, digest=str(digest)
        )
        for digest in sorted(set(subjects))
    )


def count_leaves(session: Session, workspace: str) -> int:
    """Return how many leaves are indexed; they are indexed in order, without a gap."""
    found = session.scalar(
        select(func.max(LeafRow.leaf_index)).where(LeafRow.workspace == workspace)
    )
    return 0 if found is None else found + 1


def find_leaf(
    session: Session, workspace: str, digest: Digest, *, key_id: str | None = None
) -> LeafRow | None:
    """Return the leaf of an attestation, by the digest of its PAE.

    Without ``key_id`` the first, if several keys signed one statement.
    """
    query = select(LeafRow).where(
        LeafRow.workspace == workspace, LeafRow.digest == str(digest)
    )
    if key_id is not None:
        query = query.where(LeafRow.key_id == key_id)
    return session.scalar(query.order_by(LeafRow.leaf_index).limit(1))


def find_leaves(
    session: Session, workspace: str, digests: Iterable[Digest]
) -> list[LeafRow]:
    """Return the leaves of attestations by the digests of their PAE, newest first.

    Who asks for one of a digest and a key gets the first of them last.
    """
    query = select(LeafRow).where(
        LeafRow.workspace == workspace, LeafRow.digest.in_([str(d) for d in digests])
    )
    return list(session.scalars(query.order_by(LeafRow.leaf_index.desc())))


def leaves_about(
    session: Session, workspace: str, subject: Digest, *, start: int, limit: int
) -> list[LeafRow]:
    """Return the leaves whose statements name ``subject``, oldest first."""
    query = (
        select(LeafRow)
        .join(
            SubjectRow,
            (SubjectRow.workspace == LeafRow.workspace)
            & (SubjectRow.leaf_index == LeafRow.leaf_index),
        )
        .where(
            SubjectRow.workspace == workspace,
            SubjectRow.digest == str(subject),
            LeafRow.leaf_index >= start,
        )
        .order_by(LeafRow.leaf_index)
        .limit(limit)
    )
    return list(session.scalars(query))


def leaves_by(
    session: Session,
    workspace: str,
    identity: str,
    *,
    key_id: str | None,
    kind: str | None,
    start: int,
    limit: int,
) -> list[LeafRow]:
    """Return the leaves that an identity signed, oldest first.

    Args:
        session: A reading one.
        workspace: Whose log.
        identity: Who signed.
        key_id: Of their key, for leaves that were indexed before anybody asked who.
        kind: Of this predicate type only.
        start: From this place on.
        limit: So many.
    """
    by = LeafRow.identity == identity
    if key_id is not None:
        by |= LeafRow.identity.is_(None) & (LeafRow.key_id == key_id)
    query = select(LeafRow).where(
        LeafRow.workspace == workspace, LeafRow.leaf_index >= start, by
    )
    if kind is not None:
        query = query.where(LeafRow.predicate_type == kind)
    return list(session.scalars(query.order_by(LeafRow.leaf_index).limit(limit)))


def reports_of(
    session: Session, workspace: str, revision: int, outcome: str
) -> list[ReportRow]:
    """Return the first report of each Runner with an outcome at a revision."""
    query = (
        select(ReportRow)
        .where(
            ReportRow.workspace == workspace,
            ReportRow.revision == revision,
            ReportRow.outcome == outcome,
        )
        .order_by(ReportRow.runner, ReportRow.sequence)
    )
    first: dict[str, ReportRow] = {}
    for row in session.scalars(query):
        first.setdefault(row.runner, row)
    return list(first.values())


def head_release(session: Session, workspace: str) -> ReleaseRow | None:
    """Return the newest published release."""
    return session.scalar(
        select(ReleaseRow)
        .where(ReleaseRow.workspace == workspace)
        .order_by(ReleaseRow.revision.desc())
        .limit(1)
    )


def find_release(session: Session, workspace: str, revision: int) -> ReleaseRow | None:
    """Return one published release."""
    return session.get(ReleaseRow, (workspace, revision))


def list_releases(
    session: Session, workspace: str, *, start: int, limit: int
) -> list[ReleaseRow]:
    """Return published releases from revision ``start`` on, oldest first."""
    query = (
        select(ReleaseRow)
        .where(ReleaseRow.workspace == workspace, ReleaseRow.revision >= start)
        .order_by(ReleaseRow.revision)
        .limit(limit)
    )
    return list(session.scalars(query))


def last_report(session: Session, workspace: str, runner: str) -> ReportRow | None:
    """Return a Runner's newest report."""
    return session.scalar(
        select(ReportRow)
        .where(ReportRow.workspace == workspace, ReportRow.runner == runner)
        .order_by(ReportRow.sequence.desc())
        .limit(1)
    )


def last_reports(session: Session, workspace: str) -> list[ReportRow]:
    """Return the newest report of each Runner, by Runner."""
    newest = (
        select(ReportRow.runner, func.max(ReportRow.sequence).label("sequence"))
        .where(ReportRow.workspace == workspace)
        .group_by(ReportRow.runner)
        .subquery()
    )
    query = (
        select(ReportRow)
        .join(
            newest,
            (ReportRow.runner == newest.c.runner)
            & (ReportRow.sequence == newest.c.sequence),
        )
        .where(ReportRow.workspace == workspace)
        .order_by(ReportRow.runner)
    )
    return list(session.scalars(query))


def open_challenges(session: Session, workspace: str, *, at: str) -> int:
    """Forget challenges that have expired; return how many are open."""
    session.execute(
        delete(ChallengeRow).where(
            ChallengeRow.workspace == workspace, ChallengeRow.expires_at <= at
        )
    )
    found = session.scalar(
        select(func.count())
        .select_from(ChallengeRow)
        .where(ChallengeRow.workspace == workspace)
    )
    return found or 0


def find_challenge(
    session: Session, workspace: str, challenge: str
) -> ChallengeRow | None:
    """Return a challenge of this workspace."""
    row = session.get(ChallengeRow, challenge)
    return row if row is not None and row.workspace == workspace else None
