# SPDX-License-Identifier: Apache-2.0
"""What must happen without anybody asking.

Online metadata must not run out, and what nobody needs must go. One workspace's trouble
never keeps another's metadata from being refreshed: each failure is logged with its
code, and the next round tries again.
"""

import logging
from collections.abc import Callable
from typing import NamedTuple

from control_plane.services import Services
from control_plane.workflows.garbage import collect_garbage
from keys.errors import TrustacksError

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
    return _each(
        services,
        "refresh",
        lambda name: bool(services.workspaces.open(name).refresh(at=services.clock())),
    )


def collect_all(services: Services) -> int:
    """Delete what has been garbage for the grace of the settings.

    Returns:
        How many objects.
    """
    return _each(services, "garbage", lambda name: collect_garbage(services, name))


def _each(services: Services, what: str, act: Callable[[str], int]) -> int:
    done = 0
    for name in services.workspaces.names():
        try:
            done += act(name)
        except TrustacksError as error:
            _logger.warning("%s of %s: %s: %s", what, name, error.code, error.message)
    return done
