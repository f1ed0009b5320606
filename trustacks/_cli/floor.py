# SPDX-License-Identifier: Apache-2.0
"""``--floor``: the release that an operator knows, for a Runner without memory."""

import re
from collections.abc import Callable
from typing import Any, Final

import click

from bundle.marks import Known
from keys.digest import Digest
from keys.errors import UsageError

_FLOOR: Final = re.compile(r"([1-9][0-9]{0,14}):(sha256:[0-9a-f]{64})")


def floor_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--floor REVISION:DIGEST``."""
    option = click.option(
        "--floor",
        metavar="REVISION:DIGEST",
        help="A release that you know, as `bundle release` said it; where to start "
        "without memory in a sovereign workspace.",
    )
    return option(function)


def read_floor(text: str | None) -> Known | None:
    """Return the release that ``3:sha256:...`` names.

    Raises:
        UsageError: Another form.
    """
    if text is None:
        return None
    match = _FLOOR.fullmatch(text)
    if match is None:
        raise UsageError(
            f"--floor: expected a revision and digest like 3:sha256:..., got {text!r}",
            hint="`trustacks bundle release` and `bundle verify` print both",
        )
    return Known(int(match[1]), Digest.parse(match[2]))
