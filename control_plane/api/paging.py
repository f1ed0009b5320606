# SPDX-License-Identifier: Apache-2.0
"""Pages: ``start`` and ``limit`` in, ``next`` out, null on the last page."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query

from control_plane import limits
from keys.strict import MAX_JSON_INTEGER

# No index, revision or offset is larger than what SQL's INTEGER and JSON hold.
_MAX_START = min(MAX_JSON_INTEGER, 2**31 - 1)

StartIn = Annotated[int, Query(ge=0, le=_MAX_START, description="the first to return")]
LimitIn = Annotated[int, Query(ge=1, le=limits.MAX_PAGE_ITEMS)]


def next_start(places: Sequence[int], limit: int) -> int | None:
    """Return the next page's ``start``: after the last place of a full page."""
    return places[-1] + 1 if len(places) == limit else None
