# SPDX-License-Identifier: Apache-2.0
"""Rebuild the registry from log and storage: at every start, and when it was lost.

Only what is missing is added, and all of it comes from committed bytes. Workspaces that
were never finished are left for the next try to begin anew. A move to the sovereign
form that was decided is carried out.
"""

import logging

from control_plane.services import Services
from control_plane.workflows.create_workspace import index_workspace
from control_plane.workflows.ledger import catch_up
from control_plane.workflows.move_steps import finish_moves
from control_plane.workflows.releases import head_of
from keys.errors import TrustacksError

_logger = logging.getLogger("control_plane")


def reindex(services: Services) -> int:
    """Add what the registry misses; return how many workspaces it has now.

    A workspace that cannot be read is logged and left out: it answers with its error,
    and keeps no other from being served.
    """
    for name in services.workspaces.made():
        try:
            workspace = index_workspace(services, name)
            catch_up(services, workspace)
            head_of(services, workspace)
            finish_moves(services, name)
        except TrustacksError as error:
            _logger.warning("index of %s: %s: %s", name, error.code, error.message)
    return len(services.workspaces.names())
