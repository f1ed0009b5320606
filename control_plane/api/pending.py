# SPDX-License-Identifier: Apache-2.0
"""Releases that wait for further signatures."""

from typing import Annotated

from fastapi import APIRouter, Depends

from control_plane.api.deps import ServicesIn, allowed
from control_plane.api.schemas.base import decoded
from control_plane.api.schemas.evidence import NewAttestation
from control_plane.api.schemas.pending import (
    NewPending,
    PendingDetail,
    PendingInfo,
    PendingList,
)
from control_plane.api.strict import StrictRoute
from control_plane.auth.roles import Caller, Permission
from control_plane.workflows import pending
from keys.digest import Digest

router = APIRouter(
    prefix="/v1/workspaces/{ws}/pending-releases",
    route_class=StrictRoute,
    tags=["releases"],
)
PublisherIn = Annotated[Caller, Depends(allowed(Permission.RELEASE_PUBLISH))]
ReaderIn = Annotated[Caller, Depends(allowed(Permission.WORKSPACE_READ))]


@router.post("", status_code=201)
def keep(ws: str, new: NewPending, _: PublisherIn, services: ServicesIn) -> PendingInfo:
    """Keep a release for others to sign; again gives the same.

    409 ``release-predecessor-stale`` names the new head, as for a release.
    """
    found = pending.keep(
        services,
        ws,
        bundle=decoded(new.bundle),
        attestations=decoded(new.attestations),
    )
    return PendingInfo.of(found)


@router.get("")
def index(ws: str, _: ReaderIn, services: ServicesIn) -> PendingList:
    """List the releases that were kept, lowest revision first."""
    found = pending.index(services, ws)
    return PendingList(items=[PendingInfo.of(one) for one in found])


@router.get("/{release}")
def show(ws: str, release: str, _: ReaderIn, services: ServicesIn) -> PendingDetail:
    """Show a release with everything that it consists of."""
    return PendingDetail.whole(pending.show(services, ws, Digest.parse(release)))


@router.post("/{release}/signatures", status_code=201)
def sign(
    ws: str,
    release: str,
    new: NewAttestation,
    _: PublisherIn,
    services: ServicesIn,
) -> PendingInfo:
    """Keep a further signature of a release; it is in the log already."""
    raw = decoded(new.attestation)
    return PendingInfo.of(pending.sign(services, ws, Digest.parse(release), raw))
