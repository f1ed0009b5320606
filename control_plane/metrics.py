# SPDX-License-Identifier: Apache-2.0
"""What one server process counts, as Prometheus reads it.

Labels come from small sets of ours, workspaces aside; nothing that a stranger sends
becomes a label. Times of expiry are those that the refresh job saw in its last round: a
publish may have moved them on since, never back.

Source: Prometheus text exposition format 0.0.4.
"""

import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_TOTALS: Final = {
    "trustacks_requests_total": "Requests answered, by method and status.",
    "trustacks_refusals_total": "Requests refused, by code.",
    "trustacks_publishes_total": "Releases and trust changes published here.",
    "trustacks_job_failures_total": "Workspaces that a job had to pass over, by code.",
}
_EXPIRY: Final = "trustacks_seconds_to_expiry"
_SUCCESS: Final = "trustacks_job_last_success_timestamp_seconds"
_GAUGES: Final = {
    _EXPIRY: "Seconds that a role, or the newest release, still lives; below 0: over.",
    _SUCCESS: "When the last round without a failure ended; 0: not since the start.",
}

# The jobs that there are.
REFRESH: Final = "refresh"
GARBAGE: Final = "garbage"
JOBS: Final = (REFRESH, GARBAGE)
_NEVER: Final = datetime.fromtimestamp(0, UTC)

_Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Counters and times of expiry; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: dict[str, dict[_Labels, int]] = {name: {} for name in _TOTALS}
        self._expiries: dict[str, Mapping[str, datetime]] = {}
        self._success = dict.fromkeys(JOBS, _NEVER)

    def answered(self, method: str, status: int, code: str | None = None) -> None:
        """Count an answered request; ``code`` is that of its refusal."""
        known = method if method in _METHODS else "other"
        self._count("trustacks_requests_total", method=known, status=str(status))
        if code is not None:
            self._count("trustacks_refusals_total", code=code)

    def published(self, kind: str) -> None:
        """Count a publish: ``release`` or ``trust``."""
        self._count("trustacks_publishes_total", kind=kind)

    def job_failed(self, job: str, code: str) -> None:
        """Count a workspace that a job could not look after."""
        self._count("trustacks_job_failures_total", job=job, code=code)

    def job_succeeded(self, job: str, at: datetime) -> None:
        """Say that a job has looked after every workspace."""
        with self._lock:
            self._success[job] = at

    def expires(self, workspace: str, expiries: Mapping[str, datetime]) -> None:
        """Say when each role of a workspace, and its newest release, expire."""
        with self._lock:
            self._expiries[workspace] = dict(expiries)

    def render(self, at: datetime) -> str:
        """Return everything in Prometheus' text format."""
        with self._lock:
            return "".join(f"{line}\n" for line in self._lines(at))

    def _count(self, name: str, **labels: str) -> None:
        key = tuple(labels.items())
        with self._lock:
            self._totals[name][key] = self._totals[name].get(key, 0) + 1

    def _lines(self, at: datetime) -> Iterator[str]:
        for name, about in _TOTALS.items():
            yield from _head(name, about, "counter")
            for labels, count in sorted(self._totals[name].items()):
                yield f"{name}{_shown(labels)} {count}"
        yield from _head(_SUCCESS, _GAUGES[_SUCCESS], "gauge")
        for job, since in self._success.items():
            yield f"{_SUCCESS}{_shown((('job', job),))} {int(since.timestamp())}"
        yield from _head(_EXPIRY, _GAUGES[_EXPIRY], "gauge")
        for workspace, expiries in sorted(self._expiries.items()):
            for what, instant in sorted(expiries.items()):
                shown = _shown((("workspace", workspace), ("what", what)))
                yield f"{_EXPIRY}{shown} {int((instant - at).total_seconds())}"


def _head(name: str, about: str, kind: str) -> tuple[str, str]:
    return f"# HELP {name} {about}", f"# TYPE {name} {kind}"


def _shown(labels: _Labels) -> str:
    """Values of ours need no escape: names, codes, methods, numbers."""
    inside = ",".join(f'{name}="{value}"' for name, value in labels)
    return f"{{{inside}}}" if inside else ""
