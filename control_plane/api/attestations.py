# SPDX-License-Identifier: Apache-2.0
"""Attestations: submit to the log, find by subject."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from control_plane.api.deps import ServicesIn, allowed
from control_plane.api.paging import next_start
from control_plane.api.schemas.base import decoded
from control_plane.api.schemas.evidence import (
    AttestationInfo,
    AttestationList,
    AttestationQuery,
    Completed,
    NewAttestation,
)
from control_plane.api.strict import StrictRoute
from control_plane.auth.roles import Caller, Permission
from control_plane.workflows import attestations
from keys.digest import Digest

router = APIRouter(
    prefix="/v1/workspaces/{ws}/attestations",
    route_class=StrictRoute,
    tags=["attestations"],
)
SubmitterIn = Annotated[Caller, Depends(allowed(Permission.ATTESTATION_SUBMIT))]
ReaderIn = Annotated[Caller, Depends(allowed(Permission.WORKSPACE_READ))]


@router.post("")
def submit(
    ws: str, new: NewAttestation, _: SubmitterIn, services: ServicesIn
) -> Completed:
    """Log a rule, release or artifact attestation; again gives the same leaf."""
    recorded = attestations.submit(services, ws, decoded(new.attestation))
    return Completed.of(recorded)


@router.get("")
def find(
    ws: str,
    query: Annotated[AttestationQuery, Query()],
    _: ReaderIn,
    services: ServicesIn,
) -> AttestationList:
    """List the logged attestations that name a subject, or that an identity signed."""
    start, limit = query.start, query.limit
    if query.subject is not None:
        subject = Digest.parse(query.subject)
        found = attestations.about(services, ws, subject, start=start, limit=limit)
    else:
        found = attestations.signed_by(
            services,
            ws,
            query.identity or "",
            kind=query.predicate_type,
            start=start,
            limit=limit,
        )
    places = [one.recorded.index for one in found]
    return AttestationList(
        items=[AttestationInfo.describe(one) for one in found],
        next=next_start(places, limit),
    )
