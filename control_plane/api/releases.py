# SPDX-License-Identifier: Apache-2.0
"""Releases and the rules in them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from control_plane import limits
from control_plane.api.deps import ServicesIn, allowed
from control_plane.api.paging import LimitIn, StartIn, next_start
from control_plane.api.schemas.base import decoded
from control_plane.api.schemas.releases import (
    NewRelease,
    ReleaseDetail,
    ReleaseInfo,
    ReleaseList,
    RuleList,
    RunnerInfo,
    RunnerList,
)
from control_plane.api.strict import StrictRoute
from control_plane.auth.roles import Caller, Permission
from control_plane.workflows import releases, reports
from control_plane.workflows.rules import releases_with, rules_in_force

router = APIRouter(
    prefix="/v1/workspaces/{ws}", route_class=StrictRoute, tags=["releases"]
)
PublisherIn = Annotated[Caller, Depends(allowed(Permission.RELEASE_PUBLISH))]
ReaderIn = Annotated[Caller, Depends(allowed(Permission.WORKSPACE_READ))]
RuleIn = Annotated[
    str | None,
    Query(
        max_length=limits.MAX_NAME_CHARS,
        pattern=r"^([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*|sha256:[0-9a-f]{64})$",
        description="a rule id, or the SHA-256 of a rule's Rego",
    ),
]
RevisionIn = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.post("/releases", status_code=201)
def publish(
    ws: str, new: NewRelease, _: PublisherIn, services: ServicesIn
) -> ReleaseInfo:
    """Publish the next release, once the Runner's own gate has passed it.

    409 ``release-predecessor-stale`` names the new head in ``evidence.head``: build on
    it and sign again.
    """
    row = releases.publish(
        services,
        ws,
        bundle=decoded(new.bundle),
        attestations=decoded(new.attestations),
        release=decoded(new.release),
    )
    return ReleaseInfo.of(row)


@router.get("/releases")
def index(
    ws: str,
    _: ReaderIn,
    services: ServicesIn,
    start: StartIn = 0,
    limit: LimitIn = 64,
    rule: RuleIn = None,
) -> ReleaseList:
    """List published releases from revision ``start`` on.

    With ``rule``, those of the page that list it: the last page is the one whose
    ``next`` is null, whatever is in it.
    """
    rows = releases.index_page(services, ws, start=start, limit=limit)
    listed = rows if rule is None else releases_with(services, ws, rows, rule)
    return ReleaseList(
        items=[ReleaseInfo.of(row) for row in listed],
        next=next_start([row.revision for row in rows], limit),
    )


@router.get("/releases/{revision}")
def show(
    ws: str, revision: RevisionIn, _: ReaderIn, services: ServicesIn
) -> ReleaseDetail:
    """Show a published release and its attestation."""
    return ReleaseDetail.with_attestation(*releases.show(services, ws, revision))


@router.get("/releases/{revision}/runners")
def activated(
    ws: str, revision: RevisionIn, _: ReaderIn, services: ServicesIn
) -> RunnerList:
    """List the Runners that verified and activated a release, by their first report."""
    rows = reports.runners_of(services, ws, revision)
    return RunnerList(items=[RunnerInfo.of(row) for row in rows])


@router.get("/rules")
def rules(ws: str, _: ReaderIn, services: ServicesIn) -> RuleList:
    """List the rules of the newest release."""
    return RuleList.of(rules_in_force(services, ws))
