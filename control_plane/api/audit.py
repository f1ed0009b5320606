# SPDX-License-Identifier: Apache-2.0
"""What an auditor takes away; replayed with no network and no trust in this server."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from control_plane.api.deps import ServicesIn, allowed
from control_plane.api.paging import LimitIn, StartIn, next_start
from control_plane.api.schemas.evidence import LeafInfo, LeafList, Proof
from control_plane.auth.roles import Caller, Permission
from control_plane.workflows import audit

router = APIRouter(prefix="/v1/workspaces/{ws}/audit", tags=["audit"])
AuditorIn = Annotated[Caller, Depends(allowed(Permission.AUDIT_EXPORT))]
ReaderIn = Annotated[Caller, Depends(allowed(Permission.WORKSPACE_READ))]
IndexIn = Annotated[int, Query(ge=0, le=2**31 - 1)]
_TAR = "application/x-tar"


@router.get("/entries")
def entries(
    ws: str,
    _: ReaderIn,
    services: ServicesIn,
    start: StartIn = 0,
    limit: LimitIn = 64,
) -> LeafList:
    """List the leaves of the log in order."""
    found = audit.entries(services, ws, start=start, limit=limit)
    return LeafList(
        items=[LeafInfo.of(leaf) for leaf in found],
        next=next_start([leaf.index for leaf in found], limit),
    )


@router.get("/proofs")
def proof(ws: str, index: IndexIn, _: ReaderIn, services: ServicesIn) -> Proof:
    """Return a leaf with its proof to the newest checkpoint."""
    return Proof(entry=audit.proof(services, ws, index).to_json())


@router.get(
    "/pack",
    response_class=Response,
    responses={200: {"content": {_TAR: {}}, "description": "the evidence pack"}},
)
def pack(ws: str, _: AuditorIn, services: ServicesIn) -> Response:
    """Return the evidence pack of everything up to now."""
    name = f'attachment; filename="{ws}.evidence.tar"'
    return Response(
        audit.pack(services, ws),
        media_type=_TAR,
        headers={"content-disposition": name},
    )
