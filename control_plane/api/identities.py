# SPDX-License-Identifier: Apache-2.0
"""Overlay-signing identities: challenge, register, list, show, revoke."""

from typing import Annotated

from fastapi import APIRouter, Depends

from control_plane.api.deps import ServicesIn, allowed
from control_plane.api.schemas.base import decoded
from control_plane.api.schemas.identities import (
    Challenge,
    IdentityInfo,
    IdentityList,
    NewChallenge,
    NewIdentity,
    Revoke,
)
from control_plane.api.strict import StrictRoute
from control_plane.auth.roles import Caller, Permission
from control_plane.workflows import claims, ends, identities
from keys.public import PublicKey
from signer.revocation import NOTHING

router = APIRouter(
    prefix="/v1/workspaces/{ws}", route_class=StrictRoute, tags=["identities"]
)
ProverIn = Annotated[Caller, Depends(allowed(Permission.IDENTITY_PROVE))]
ManagerIn = Annotated[Caller, Depends(allowed(Permission.IDENTITY_MANAGE))]
ReaderIn = Annotated[Caller, Depends(allowed(Permission.WORKSPACE_READ))]


@router.post("/identity-challenges", status_code=201)
def challenge(
    ws: str, new: NewChallenge, _: ProverIn, services: ServicesIn
) -> Challenge:
    """Ask for a challenge, to be answered by an identity-proof/v1 attestation."""
    given = identities.challenge(
        services,
        ws,
        terms=new.identity.terms(),
        public_key=PublicKey.from_pem(new.public_key),
    )
    return Challenge.of(given)


@router.post("/identities", status_code=201)
def register(
    ws: str, new: NewIdentity, _: ManagerIn, services: ServicesIn
) -> IdentityInfo:
    """Register the identity of a proof, an OIDC subject, or a key made here."""
    if new.identity is not None and new.oidc is not None:
        found = claims.register(
            services,
            ws,
            terms=new.identity.terms(),
            credential=new.oidc.credential(),
            replaces=new.replaces,
            survivors=new.survivors.read() if new.survivors else NOTHING,
        )
    elif new.identity is not None:
        found = identities.register_custodial(services, ws, terms=new.identity.terms())
    else:
        found = identities.register(
            services,
            ws,
            proof=decoded(new.proof or ""),
            public_key=PublicKey.from_pem(new.public_key or ""),
        )
    return IdentityInfo.of(found)


@router.get("/identities")
def index(ws: str, _: ReaderIn, services: ServicesIn) -> IdentityList:
    """List every identity of the trust policy in force, the revoked ones too."""
    found = identities.index(services, ws)
    return IdentityList(items=[IdentityInfo.of(one) for one in found])


@router.get("/identities/{identity}")
def show(ws: str, identity: str, _: ReaderIn, services: ServicesIn) -> IdentityInfo:
    """Show one identity."""
    return IdentityInfo.of(identities.show(services, ws, identity))


@router.post("/identities/{identity}/revoke")
def revoke(
    ws: str, identity: str, end: Revoke, _: ManagerIn, services: ServicesIn
) -> IdentityInfo:
    """End an identity; all that it signed is void but the survivors named."""
    found = ends.revoke(
        services,
        ws,
        identity,
        reason=end.reason,
        survivors=end.survivors.read(),
    )
    return IdentityInfo.of(found)


@router.post("/identities/{identity}/suspend")
def suspend(
    ws: str, identity: str, end: Revoke, _: ManagerIn, services: ServicesIn
) -> IdentityInfo:
    """Suspend an identity: as revoked, until it is resumed."""
    found = ends.revoke(
        services,
        ws,
        identity,
        reason=end.reason,
        survivors=end.survivors.read(),
        final=False,
    )
    return IdentityInfo.of(found)


@router.post("/identities/{identity}/resume")
def resume(ws: str, identity: str, _: ManagerIn, services: ServicesIn) -> IdentityInfo:
    """Lift the suspension of an identity."""
    return IdentityInfo.of(ends.resume(services, ws, identity))
