# SPDX-License-Identifier: Apache-2.0
"""Runners' reports: verified, in sequence, logged.

Writes: those of ``workflows.ledger``, which adds the report's row with its leaf. The
sequence is checked before, under the workspace's lock, so that the log has no report
twice and none out of turn.
"""

from control_plane.errors import AttestationNotAcceptedError, ReportSequenceError
from control_plane.registry import repository as index
from control_plane.registry.models import ReportRow
from control_plane.services import Services
from control_plane.workflows.attestations import verify_pending
from control_plane.workflows.ledger import Recorded, catch_up, find, record
from keys.digest import Digest
from signer.predicates.runner_report import ACTIVATED, RunnerReportPredicate


def report(services: Services, name: str, runner: str, raw: bytes) -> Recorded:
    """Log a Runner's report.

    Raises:
        NotFoundError: No such workspace.
        AttestationNotAcceptedError: Another predicate type, or another Runner's.
        ReportSequenceError: It does not follow the Runner's last report.
        VerificationError: It does not hold.
        StorageError: Repeat the call.
    """
    workspace = services.workspaces.open(name)
    with workspace.lock:
        trust = workspace.published().trust
        evidence = verify_pending(services, workspace, raw, trust)
        said = evidence.predicate
        if not isinstance(said, RunnerReportPredicate) or said.runner != runner:
            raise AttestationNotAcceptedError(
                f"expected a report of Runner {runner[:64]!r}, got another statement"
            )
        catch_up(services, workspace)
        found = find(services, workspace, evidence.attestation.digest)
        if found is not None:
            return found
        _require_next(_last(services, name, runner), said)
        return record(services, workspace, raw, evidence.signer.verifier.key)


def runners(services: Services, name: str) -> list[ReportRow]:
    """Return the newest report of each Runner.

    Raises:
        NotFoundError: No such workspace.
    """
    services.workspaces.open(name)
    with services.registry.read() as session:
        return index.last_reports(session, name)


def runners_of(services: Services, name: str, revision: int) -> list[ReportRow]:
    """Return the first report of each Runner that activated a revision.

    Raises:
        NotFoundError: No such workspace.
    """
    services.workspaces.open(name)
    with services.registry.read() as session:
        return index.reports_of(session, name, revision, ACTIVATED)


def _last(services: Services, name: str, runner: str) -> ReportRow | None:
    with services.registry.read() as session:
        return index.last_report(session, name, runner)


def _require_next(last: ReportRow | None, said: RunnerReportPredicate) -> None:
    sequence = last.sequence + 1 if last else 1
    previous = Digest.parse(last.digest) if last else None
    if (said.sequence, said.previous) != (sequence, previous):
        raise ReportSequenceError(
            f"expected report {sequence} after {previous or 'nothing'}, "
            f"got {said.sequence} after {said.previous or 'nothing'}",
            last={"sequence": last.sequence, "digest": last.digest} if last else None,
        )
