# SPDX-License-Identifier: Apache-2.0
"""Sign with a custodial identity; verify anybody's attestation."""

from typing import Annotated

from fastapi import APIRouter, Depends

from control_plane.api.deps import ServicesIn, allowed
from control_plane.api.schemas.base import decoded
from control_plane.api.schemas.evidence import (
    Completed,
    SignRequest,
    Verification,
    VerifyRequest,
)
from control_plane.api.strict import StrictRoute
from control_plane.auth.roles import Caller, Permission
from control_plane.workflows import signing
from keys.digest import Digest
from signer.statement import Subject

router = APIRouter(
    prefix="/v1/workspaces/{ws}", route_class=StrictRoute, tags=["attestations"]
)
SignerIn = Annotated[Caller, Depends(allowed(Permission.SIGN))]
VerifierIn = Annotated[Caller, Depends(allowed(Permission.VERIFY))]


@router.post("/sign")
def sign(
    ws: str, wanted: SignRequest, caller: SignerIn, services: ServicesIn
) -> Completed:
    """Sign an artifact/v1 statement with the caller's own custodial identity."""
    recorded = signing.sign(
        services,
        ws,
        caller=caller,
        identity_id=wanted.identity,
        predicate_type=wanted.predicate_type,
        subjects=[Subject(s.name, Digest.parse(s.digest)) for s in wanted.subjects],
    )
    return Completed.of(recorded)


@router.post("/verify")
def verify(
    ws: str, question: VerifyRequest, _: VerifierIn, services: ServicesIn
) -> Verification:
    """Verify an attestation under the trust in force; a refusal answers 200 too."""
    result = signing.verify(
        services,
        ws,
        attestation=decoded(question.attestation),
        predicate_type=question.predicate_type,
        subject=Digest.parse(question.subject),
    )
    return Verification(**result.to_json())
