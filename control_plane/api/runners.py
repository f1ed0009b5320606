# SPDX-License-Identifier: Apache-2.0
"""Runners: their reports, and how they stand."""

from typing import Annotated

from fastapi import APIRouter, Depends

from control_plane.api.deps import ServicesIn, allowed
from control_plane.api.schemas.base import decoded
from control_plane.api.schemas.evidence import Completed, NewAttestation
from control_plane.api.schemas.releases import RunnerInfo, RunnerList
from control_plane.api.strict import StrictRoute
from control_plane.auth.roles import Caller, Permission
from control_plane.workflows import reports

router = APIRouter(
    prefix="/v1/workspaces/{ws}/runners", route_class=StrictRoute, tags=["runners"]
)
ReporterIn = Annotated[Caller, Depends(allowed(Permission.REPORT_SUBMIT))]
ReaderIn = Annotated[Caller, Depends(allowed(Permission.WORKSPACE_READ))]


@router.post("/{runner}/reports")
def report(
    ws: str, runner: str, new: NewAttestation, _: ReporterIn, services: ServicesIn
) -> Completed:
    """Log a Runner's report, signed by the Runner's own key; again is one report."""
    recorded = reports.report(services, ws, runner, decoded(new.attestation))
    return Completed.of(recorded)


@router.get("")
def index(ws: str, _: ReaderIn, services: ServicesIn) -> RunnerList:
    """List the Runners by their newest reports."""
    rows = reports.runners(services, ws)
    return RunnerList(items=[RunnerInfo.of(row) for row in rows])
