# SPDX-License-Identifier: Apache-2.0
"""Trust proposals of sovereign workspaces: propose, look, sign, publish."""

from typing import Annotated

from fastapi import APIRouter, Depends

from control_plane.api.deps import ServicesIn, allowed
from control_plane.api.schemas.base import decoded
from control_plane.api.schemas.proposals import (
    NewOnlineKey,
    NewProposal,
    NewRoot,
    NewSignature,
    NewSovereign,
    OnlineKey,
    OnlineKeys,
    ProposalDetail,
    ProposalFile,
    ProposalInfo,
    ProposalList,
    Publication,
    RootInfo,
    by_digest,
)
from control_plane.api.schemas.workspaces import WorkspaceInfo
from control_plane.api.strict import StrictRoute
from control_plane.auth.roles import Caller, Permission
from control_plane.workflows import proposals, roots, workspaces
from control_plane.workflows.create_sovereign import create_sovereign, online_keys
from keys.digest import Digest
from keys.public import PublicKey
from keys.strict import b64encode

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["trust"])
CreatorIn = Annotated[Caller, Depends(allowed(Permission.WORKSPACE_CREATE))]
ManagerIn = Annotated[Caller, Depends(allowed(Permission.IDENTITY_MANAGE))]
ReaderIn = Annotated[Caller, Depends(allowed(Permission.WORKSPACE_READ))]
_PROPOSALS = "/workspaces/{ws}/trust/proposals"


@router.post("/ceremonies/{name}/online-keys", status_code=201)
def keys(name: str, _: CreatorIn, services: ServicesIn) -> OnlineKeys:
    """Make the online keys of a sovereign workspace to be; again gives the same."""
    return OnlineKeys.of(online_keys(services, name))


@router.post("/ceremonies/{name}", status_code=201)
def finish(
    name: str, new: NewSovereign, _: CreatorIn, services: ServicesIn
) -> WorkspaceInfo:
    """Make a sovereign workspace from the root and the trust that admins signed."""
    create_sovereign(services, name, new.genesis())
    return WorkspaceInfo.of(workspaces.describe(services, name))


@router.get(_PROPOSALS)
def index(ws: str, _: ReaderIn, services: ServicesIn) -> ProposalList:
    """List the proposals, lowest targets version first."""
    found = proposals.index(services, ws)
    return ProposalList(items=[ProposalInfo.of(one) for one in found])


@router.post(_PROPOSALS, status_code=201)
def propose(
    ws: str, new: NewProposal, _: ManagerIn, services: ServicesIn
) -> ProposalDetail:
    """Keep a proposal for the admins to sign."""
    said = new.possession
    proof = None
    if said is not None:
        proof = (decoded(said.proof), PublicKey.from_pem(said.public_key))
    found = proposals.create(
        services, ws, decoded(new.proposal), by_digest(new.files), proof=proof
    )
    return ProposalDetail.whole(found)


@router.get(_PROPOSALS + "/{proposal}")
def show(ws: str, proposal: str, _: ReaderIn, services: ServicesIn) -> ProposalDetail:
    """Show a proposal with its signatures."""
    return ProposalDetail.whole(proposals.show(services, ws, Digest.parse(proposal)))


@router.get(_PROPOSALS + "/{proposal}/files/{digest}")
def file(
    ws: str, proposal: str, digest: str, _: ReaderIn, services: ServicesIn
) -> ProposalFile:
    """Return a file that a proposal lists."""
    data = proposals.file(services, ws, Digest.parse(proposal), Digest.parse(digest))
    return ProposalFile(content=b64encode(data))


@router.post(_PROPOSALS + "/{proposal}/signatures", status_code=201)
def sign(
    ws: str, proposal: str, new: NewSignature, _: ManagerIn, services: ServicesIn
) -> ProposalDetail:
    """Keep an admin's signature of a proposal."""
    found = proposals.sign(services, ws, Digest.parse(proposal), new.read())
    return ProposalDetail.whole(found)


@router.post(_PROPOSALS + "/{proposal}/publish")
def publish(
    ws: str, proposal: str, new: Publication, _: ManagerIn, services: ServicesIn
) -> ProposalDetail:
    """Put a signed proposal in force."""
    found = proposals.publish(services, ws, Digest.parse(proposal), decoded(new.event))
    return ProposalDetail.whole(found)


@router.post("/workspaces/{ws}/trust/online-keys", status_code=201)
def online_key(
    ws: str, new: NewOnlineKey, _: ManagerIn, services: ServicesIn
) -> OnlineKey:
    """Make a further online key, for the admins' next root or targets to name."""
    key = roots.new_online_key(services, ws, new.role)
    return OnlineKey(role=new.role, public_key=key.pem)


@router.post("/workspaces/{ws}/trust/roots", status_code=201)
def root(ws: str, new: NewRoot, _: ManagerIn, services: ServicesIn) -> RootInfo:
    """Publish a root that the admins signed, with an admin's event about it."""
    version = roots.publish_root(services, ws, decoded(new.root), decoded(new.event))
    return RootInfo(version=version)
