# SPDX-License-Identifier: Apache-2.0
"""Releases and the rules in them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from control_plane.api.deps import ServicesIn, allowed
from control_plane.api.paging import LimitIn, StartIn, next_start
from control_plane.api.schemas.base import decoded
from control_plane.api.schemas.releases import (
    NewRelease,
    ReleaseDetail,
    ReleaseInfo,
    ReleaseList,
    RuleList,
)
from control_plane.api.strict import StrictRoute
from control_plane.auth.roles import Caller, Permission
from control_plane.workflows import releases
from control_plane.workflows.rules import rules_in_force

router = APIRouter(
    prefix="/v1/workspaces/{ws}", route_class=StrictRoute, tags=["releases"]
)
PublisherIn = Annotated[Caller, Depends(allowed(Permission.RELEASE_PUBLISH))]
ReaderIn = Annotated[Caller, Depends(allowed(Permission.WORKSPACE_READ))]
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
) -> ReleaseList:
    """List published releases from revision ``start`` on."""
    rows = releases.index_page(services, ws, start=start, limit=limit)
    return ReleaseList(
        items=[ReleaseInfo.of(row) for row in rows],
        next=next_start([row.revision for row in rows], limit),
    )


@router.get("/releases/{revision}")
def show(
    ws: str, revision: RevisionIn, _: ReaderIn, services: ServicesIn
) -> ReleaseDetail:
    """Show a published release and its attestation."""
    return ReleaseDetail.with_attestation(*releases.show(services, ws, revision))


@router.get("/rules")
def rules(ws: str, _: ReaderIn, services: ServicesIn) -> RuleList:
    """List the rules of the newest release."""
    return RuleList.of(rules_in_force(services, ws))
