# SPDX-License-Identifier: Apache-2.0
"""The two files that Sigstore's clients are configured with, of one workspace."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response

from bundle.gate.candidate import TRUSTED_ROOT_TARGET
from control_plane.api.deps import CallerIn, ServicesIn, allowed
from control_plane.api.sigstore import SigstoreIn, json_answer
from control_plane.auth.roles import Caller, Permission
from control_plane.sigstore.trust import signing_config

router = APIRouter(tags=["sigstore"])
_PLACE: Final = "/v1/workspaces/{ws}/sigstore"
ReaderIn = Annotated[Caller, Depends(allowed(Permission.WORKSPACE_READ))]


@router.get(f"{_PLACE}/trusted-root", response_class=Response)
def trusted_root(ws: str, _: ReaderIn, services: ServicesIn) -> Response:
    """Return the TrustedRoot in force, the bytes that admins signed."""
    found = services.workspaces.open(ws).published().files[TRUSTED_ROOT_TARGET]
    return Response(found, media_type="application/json")


@router.get(f"{_PLACE}/signing-config", response_class=Response)
def config(
    ws: str, _: ReaderIn, sigstore: SigstoreIn, services: ServicesIn
) -> Response:
    """Return where this server's instance answers for the workspace."""
    workspace = services.workspaces.open(ws)
    return json_answer(
        signing_config(sigstore.url, workspace.name, start=sigstore.start)
    )


@router.get("/v1/sigstore/trusted-root", response_class=Response)
def instance(_: CallerIn, sigstore: SigstoreIn) -> Response:
    """Return the instance's own TrustedRoot: what an admin pins, nobody's word yet."""
    return Response(sigstore.trusted_root(), media_type="application/json")
