# SPDX-License-Identifier: Apache-2.0
"""``/metrics``: for an admin of all workspaces, because it names them."""

from fastapi import APIRouter, Depends, Response

from control_plane.api.deps import ServicesIn, allowed
from control_plane.auth.roles import Permission
from control_plane.metrics import MEDIA_TYPE

router = APIRouter(tags=["server"])


@router.get(
    "/metrics",
    response_class=Response,
    dependencies=[Depends(allowed(Permission.METRICS_READ))],
)
def metrics(services: ServicesIn) -> Response:
    """Return what this server process counts, in Prometheus' text format."""
    text = services.metrics.render(services.clock())
    return Response(text, media_type=MEDIA_TYPE)
