# SPDX-License-Identifier: Apache-2.0
"""Sigstore instances that a workspace trusts: pin, list, drop."""

from typing import Annotated

from fastapi import APIRouter, Depends

from control_plane.api.deps import ServicesIn, allowed
from control_plane.api.schemas.base import decoded
from control_plane.api.schemas.instances import InstanceInfo, InstanceList, NewInstance
from control_plane.api.strict import StrictRoute
from control_plane.auth.roles import Caller, Permission
from control_plane.workflows import instances
from signer.form import Custody

router = APIRouter(
    prefix="/v1/workspaces/{ws}/trust/instances",
    route_class=StrictRoute,
    tags=["trust"],
)
ManagerIn = Annotated[Caller, Depends(allowed(Permission.IDENTITY_MANAGE))]
ReaderIn = Annotated[Caller, Depends(allowed(Permission.WORKSPACE_READ))]


@router.get("")
def index(ws: str, _: ReaderIn, services: ServicesIn) -> InstanceList:
    """List the instances of the trust policy in force."""
    found = sorted(instances.index(services, ws).items())
    return InstanceList(items=[InstanceInfo.of(name, one) for name, one in found])


@router.post("", status_code=201)
def pin(ws: str, new: NewInstance, _: ManagerIn, services: ServicesIn) -> InstanceInfo:
    """Pin an instance; one of that name is replaced."""
    made = instances.pin(
        services,
        ws,
        new.name,
        trusted_root=decoded(new.trusted_root),
        custodies=new.custodies(),
        tsa_custody=Custody(new.tsa_custody) if new.tsa_custody else None,
    )
    return InstanceInfo.of(new.name, made)


@router.delete("/{instance}", status_code=204)
def drop(ws: str, instance: str, _: ManagerIn, services: ServicesIn) -> None:
    """Drop an instance: no certificate of it counts any more."""
    instances.drop(services, ws, instance)
