# SPDX-License-Identifier: Apache-2.0
"""What must happen without anybody asking: online metadata must not run out.

One workspace's trouble never keeps another's metadata from being refreshed: each
failure is logged with its code, and the next round tries again.
"""

import logging

from control_plane.services import Services
from keys.errors import TrustacksError

_logger = logging.getLogger("control_plane")


def refresh_all(services: Services) -> int:
    """Renew online metadata that is past half of its life.

    Returns:
        In how many workspaces.
    """
    renewed = 0
    for name in services.workspaces.names():
        try:
            roles = services.workspaces.open(name).refresh(at=services.clock())
            renewed += bool(roles)
        except TrustacksError as error:
            _logger.warning("refresh of %s: %s: %s", name, error.code, error.message)
    return renewed
