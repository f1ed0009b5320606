# SPDX-License-Identifier: Apache-2.0
"""The registry's rows of one leaf: an index, which the log and the storage rebuild."""

from sqlalchemy.orm import Session

from control_plane.registry import repository as index
from control_plane.registry.models import LeafRow, ReportRow
from control_plane.workspaces import Workspace
from keys.clock import format_instant
from keys.digest import Digest
from keys.errors import TrustacksError
from signer.attestation import Attestation
from signer.predicates.base import PERMISSION, RUNNER_REPORT
from signer.predicates.runner_report import RunnerReportPredicate
from signer.signers import find_signer
from signer.statement import Statement, parse_statement


def add_leaf(
    session: Session,
    workspace: Workspace,
    *,
    place: int,
    digest: Digest,
    key_id: str,
    attestation: Attestation | None,
) -> None:
    """Add a leaf; what no statement was kept for is counted, and found by nothing.

    Args:
        session: A writing one.
        workspace: Whose leaf.
        place: Its index.
        digest: SHA-256 of its PAE.
        key_id: Of the key that signed.
        attestation: What was signed; none if its bytes are missing.
    """
    statement = None
    if attestation is not None:
        statement = parse_statement(attestation.envelope.payload)
    row = LeafRow(
        workspace=workspace.name,
        leaf_index=place,
        digest=str(digest),
        predicate_type=statement.predicate_type if statement else "",
        key_id=key_id,
        identity=attestation and signed_by(workspace, attestation),
    )
    index.add_leaf(session, row, statement.digests if statement else ())
    if statement and statement.predicate_type == RUNNER_REPORT:
        _index_report(session, workspace, digest, statement)


def signed_by(workspace: Workspace, attestation: Attestation) -> str | None:
    """Return the id of who signed, by the trust of now; none if nobody knows.

    An index for people: whoever relies on it verifies the attestation. A proof of
    possession is by nobody yet.
    """
    statement = parse_statement(attestation.envelope.payload)
    if statement.predicate_type not in PERMISSION:
        return None
    try:
        return find_signer(attestation, workspace.published().trust).identity.id
    except TrustacksError:
        return None


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
