# SPDX-License-Identifier: Apache-2.0
"""The registry's rows of one leaf: an index, which the log and the storage rebuild."""

from sqlalchemy.orm import Session

from control_plane.registry import repository as index
from control_plane.registry.models import LeafRow, ReportRow
from control_plane.workspaces import Workspace
from keys.clock import format_instant
from keys.digest import Digest
from signer.predicates.base import RUNNER_REPORT
from signer.predicates.runner_report import RunnerReportPredicate
from signer.statement import Statement


def add_leaf(
    session: Session,
    workspace: Workspace,
    *,
    place: int,
    digest: Digest,
    key_id: str,
    statement: Statement | None,
) -> None:
    """Add a leaf; what no statement was kept for is counted, and found by nothing.

    Args:
        session: A writing one.
        workspace: Whose leaf.
        place: Its index.
        digest: SHA-256 of its PAE.
        key_id: Of the key that signed.
        statement: What was signed; none if its bytes are missing.
    """
    row = LeafRow(
        workspace=workspace.name,
        leaf_index=place,
        digest=str(digest),
        predicate_type=statement.predicate_type if statement else "",
        key_id=key_id,
    )
    index.add_leaf(session, row, statement.digests if statement else ())
    if statement and statement.predicate_type == RUNNER_REPORT:
        _index_report(session, workspace, digest, statement)


def _index_report(
    session: Session, workspace: Workspace, digest: Digest, statement: Statement
) -> None:
    report = RunnerReportPredicate.parse(statement.predicate)
    session.add(
        ReportRow(
            workspace=workspace.name,
            runner=report.runner,
            sequence=report.sequence,
            digest=str(digest),
            outcome=report.outcome,
            code=report.code,
            revision=report.revision,
            at=format_instant(report.at),
        )
    )
