# SPDX-License-Identifier: Apache-2.0
"""Time is data: decisions take an instant, loops take a ``Clock``.

The only ``datetime.now`` of the project. Instants are aware, UTC, whole seconds,
written ``YYYY-MM-DDTHH:MM:SSZ`` (RFC 3339 §5.6, the one form that we accept).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from keys.errors import FieldFormatError, UsageError

Clock = Callable[[], datetime]

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def utc_now() -> datetime:
    """Return the current instant, UTC, whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def require_utc(instant: datetime) -> datetime:
    """Return ``instant`` if it is aware and UTC.

    Raises:
        UsageError: It is naive or in another zone.
    """
    if instant.tzinfo is UTC:
        return instant
    if instant.tzinfo is None or instant.utcoffset() != UTC.utcoffset(None):
        raise UsageError(f"expected an aware UTC instant, got {instant!r}")
    return instant


def parse_instant(text: str) -> datetime:
    """Parse ``YYYY-MM-DDTHH:MM:SSZ``.

    Raises:
        FieldFormatError: Any other form, fractions and offsets included.
    """
    if _INSTANT.fullmatch(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    raise FieldFormatError(
        f"expected an instant like 2026-01-31T09:00:00Z, got {text!r}"
    )


def format_instant(instant: datetime) -> str:
    """Write an aware UTC instant as ``YYYY-MM-DDTHH:MM:SSZ``."""
    return require_utc(instant).replace(tzinfo=None).isoformat("T", "seconds") + "Z"
