# SPDX-License-Identifier: Apache-2.0
"""What must happen without anybody asking.

Online metadata must not run out, and what nobody needs must go. Laws:

- one workspace's trouble never keeps another's metadata from being refreshed: each
  failure is logged and counted with its code, and the next round tries again;
- one writer: who refreshes holds the workspace's lock, across the servers of one
  database, and what is due is read under it. A writer that lost its lock is kept out
  by the conditional write of ``timestamp.json``.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from control_plane.metrics import GARBAGE, REFRESH
from control_plane.registry import repository as index
from control_plane.services import Services
from control_plane.workflows.garbage import collect_garbage
from control_plane.workspace import Workspace
from keys.clock import parse_instant
from keys.errors import TrustacksError

# What expires besides the roles: until when Runners may use the newest release.
NEWEST_RELEASE: Final = "release-attestation"

_logger = logging.getLogger("control_plane")


class Round(NamedTuple):
    """What one round of all jobs did.

    Attributes:
        refreshed: In how many workspaces metadata was renewed.
        deleted: How many objects were garbage for long enough.
    """

    refreshed: int
    deleted: int


def run_jobs(services: Services) -> Round:
    """Do everything that is due, refreshing first."""
    return Round(refresh_all(services), collect_all(services))


def refresh_all(services: Services) -> int:
    """Renew online metadata that is past half of its life.

    Returns:
        In how many workspaces.
    """
    return _each(services, REFRESH, lambda name: _refresh(services, name))


def collect_all(services: Services) -> int:
    """Delete what has been garbage for the grace of the settings.

    Returns:
        How many objects.
    """
    return _each(services, GARBAGE, lambda name: collect_garbage(services, name))


def _each(services: Services, what: str, act: Callable[[str], int]) -> int:
    done, failed = 0, False
    for name in services.workspaces.names():
        try:
            done += act(name)
        except TrustacksError as error:
            failed = True
            services.metrics.job_failed(what, error.code)
            _logger.warning("%s of %s: %s: %s", what, name, error.code, error.message)
    if not failed:
        services.metrics.job_succeeded(what, services.clock())
    return done


def _refresh(services: Services, name: str) -> bool:
    workspace = services.workspaces.open(name)
    renewed = bool(workspace.refresh(at=services.clock()))
    services.metrics.expires(name, _expiries(services, workspace))
    return renewed


def _expiries(services: Services, workspace: Workspace) -> dict[str, datetime]:
    roles = workspace.repository.current().roles
    found = {role: signed.expires for role, signed in roles.items()}
    with services.registry.read() as session:
        head = index.head_release(session, workspace.name)
        if head is not None:
            found[NEWEST_RELEASE] = parse_instant(head.expires_at)
    return found
