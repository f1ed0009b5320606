# SPDX-License-Identifier: Apache-2.0
"""The Runner's own durable memory: ``state.json`` (docs/formats/runner-state.md).

Laws:

- A directory with nothing in it is *fresh*. A directory with anything in it and no
  readable ``state.json`` is damaged: deny, never fresh (DESIGN 9, T7). Otherwise
  whoever can delete one file could lower every mark.
- One durable write replaces the whole file; there is no second file to disagree with.
- ``active`` is what committed last, and is the last known good. ``pending`` is what
  was between *marks raised* and *commit* when the process died.

Not here: whether the stored release may be used. The gate says that, at every start.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from bundle.marks import Known, Marks
from bundle.runner.errors import RunnerStateDamagedError
from keys.clock import format_instant
from keys.digest import Digest
from keys.durable import read_file, write_file
from keys.errors import FormatError, NotFoundError, StorageUnavailableError
from keys.fields import Fields
from keys.strict import b64decode, b64encode, dumps_json, loads_json

FORMAT: Final = "https://trustacks.com/formats/runner-state/v1"
STATE_FILE: Final = "state.json"
LOCK_FILE: Final = "runner.lock"
# Enrolment makes the key before the first step: alone it is no state.
KEY_FILE: Final = "runner.pem"
# Marks and digests are under 2 KiB; an undelivered report is under 256 KiB.
MAX_STATE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ReportChain:
    """Where the Runner's chain of reports stands.

    Attributes:
        sequence: The number of the last delivered report; 0 before the first.
        previous: SHA-256 of its PAE.
        undelivered: The statement that was made and perhaps not delivered; it is
            sent again before any other, so that the chain never forks.
    """

    sequence: int = 0
    previous: Digest | None = None
    undelivered: bytes | None = None

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Read the chain as ``to_json`` writes it."""
        previous, text = fields.any("previous"), fields.any("undelivered")
        chain = cls(
            fields.integer("sequence"),
            None if previous is None else fields.digest("previous"),
            None if text is None else _statement(fields),
        )
        fields.done()
        return chain

    def to_json(self) -> dict[str, Any]:
        """Return the value as it is stored."""
        return {
            "sequence": self.sequence,
            "previous": self.previous and str(self.previous),
            "undelivered": self.undelivered and b64encode(self.undelivered),
        }


@dataclass(frozen=True, slots=True)
class Activation:
    """A release that committed.

    Attributes:
        release: Which.
        at: When the gate accepted it: it is judged as of then at the next start.
    """

    release: Known
    at: datetime

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Read the activation as ``to_json`` writes it."""
        activation = cls(Known.parse(fields.object("release")), fields.instant("at"))
        fields.done()
        return activation

    def to_json(self) -> dict[str, Any]:
        """Return the value as it is stored."""
        return {"release": self.release.to_json(), "at": format_instant(self.at)}


@dataclass(frozen=True, slots=True)
class State:
    """Everything that a Runner remembers between two lives.

    Attributes:
        runner: The Runner's id.
        marks: What may not go backwards; ``None`` is fresh.
        active: The release that committed last: the last known good.
        pending: The release that is being activated.
        void_since: Since when the active release fails under current trust.
        reports: The chain of reports.
    """

    runner: str
    marks: Marks | None = None
    active: Activation | None = None
    pending: Known | None = None
    void_since: datetime | None = None
    reports: ReportChain = field(default_factory=ReportChain)

    @property
    def fresh(self) -> bool:
        """Whether this Runner never accepted anything."""
        return self.marks is None

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read ``state.json``.

        Raises:
            FormatError: Not exactly the format.
        """
        value = loads_json(data, max_bytes=MAX_STATE_BYTES, what="runner state")
        fields = Fields(value, "runner state")
        fields.constant("format", FORMAT)
        state = cls(
            runner=fields.text("runner", max_chars=128),
            marks=_optional(fields, "marks", Marks),
            active=_optional(fields, "active", Activation),
            pending=_optional(fields, "pending", Known),
            void_since=_instant(fields, "void_since"),
            reports=ReportChain.parse(fields.object("reports")),
        )
        fields.done()
        return state

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        since = self.void_since
        value: Mapping[str, Any] = {
            "format": FORMAT,
            "runner": self.runner,
            "marks": self.marks and self.marks.to_json(),
            "active": self.active and self.active.to_json(),
            "pending": self.pending and self.pending.to_json(),
            "void_since": since and format_instant(since),
            "reports": self.reports.to_json(),
        }
        return dumps_json(value) + b"\n"


def load_state(directory: Path) -> State | None:
    """Read the state of a Runner, or ``None`` for an empty directory (fresh).

    Raises:
        RunnerStateDamagedError: There is something, and it is not a whole state.
        StorageUnavailableError: The disk does not answer.
    """
    try:
        data = read_file(directory / STATE_FILE, max_bytes=MAX_STATE_BYTES)
        return State.parse(data)
    except NotFoundError:
        if left := _names(directory):
            raise RunnerStateDamagedError(
                f"expected {STATE_FILE} beside {left[0]} in {directory}, got none",
                hint=_HINT,
            ) from None
        return None
    except FormatError as error:
        raise RunnerStateDamagedError(
            f"expected a whole {STATE_FILE} in {directory}: {error}", hint=_HINT
        ) from error


def store_state(directory: Path, state: State) -> None:
    """Replace the state, durably; half of it is never seen.

    Raises:
        StorageUnavailableError: The old state stays.
    """
    write_file(directory / STATE_FILE, state.to_bytes(), mode=0o600)


_Part = TypeVar("_Part", Marks, Known, Activation)

_HINT: Final = (
    "restore the directory from a backup, or give the Runner an empty one: it is "
    "fresh then, and may accept an older release that has not expired"
)


def _names(directory: Path) -> list[str]:
    try:
        names = sorted(p.name for p in directory.iterdir())
    except OSError as error:
        raise StorageUnavailableError(f"cannot list {directory}: {error}") from error
    alone = (LOCK_FILE, KEY_FILE)
    return [n for n in names if n not in alone and not n.startswith(".tmp-")]


def _statement(fields: Fields) -> bytes:
    text = fields.text("undelivered", max_chars=MAX_STATE_BYTES)
    return b64decode(text, what="undelivered report")


def _instant(fields: Fields, name: str) -> datetime | None:
    return None if fields.is_null(name) else fields.instant(name)


def _optional(fields: Fields, name: str, kind: type[_Part]) -> _Part | None:
    return None if fields.is_null(name) else kind.parse(fields.object(name))
