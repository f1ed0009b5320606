# SPDX-License-Identifier: Apache-2.0
"""The folder of an enrolled Runner.

::

    <dir>/
      runner.json    workspace, address, id: written last, so an enrolment is whole
      1.root.json    the pin, whichever version it has
      passphrase     of the Runner's key; 0600, made here
      token          may only report; 0600
      state/         the Runner's own: its key and its memory (bundle.runner.state)
"""

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from bundle.runner.state import LOCK_FILE
from keys.durable import create_file, make_directory, read_file, write_file
from keys.errors import NotFoundError
from keys.fields import Fields
from keys.lock import exclusive
from keys.signing import Secrets
from keys.strict import dumps_json, loads_json
from trustacks._cli.secrets import read_secret
from trustacks.errors import NotEnrolledError
from trustacks.limits import MAX_CONFIG_BYTES, MAX_ROOT_BYTES

FORMAT: Final = "https://trustacks.com/formats/runner-enrolment/v1"
_PASSPHRASE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a Runner was enrolled as.

    Attributes:
        runner: Its id, which is its identity's.
        url: The Control Plane's address.
        workspace: The workspace's name there.
    """

    runner: str
    url: str
    workspace: str

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse ``runner.json``.

        Raises:
            FormatError: Something else.
        """
        value = loads_json(data, max_bytes=MAX_CONFIG_BYTES, what="runner.json")
        fields = Fields(value, "runner.json")
        fields.constant("format", FORMAT)
        found = cls(fields.text("runner"), fields.text("url"), fields.text("workspace"))
        fields.done()
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the file's value."""
        return {
            "format": FORMAT,
            "runner": self.runner,
            "url": self.url,
            "workspace": self.workspace,
        }


@dataclass(frozen=True, slots=True)
class RunnerHome:
    """The folder, by its parts.

    Attributes:
        directory: The folder.
    """

    directory: Path

    @property
    def state(self) -> Path:
        """The Runner's own folder."""
        return self.directory / "state"

    def prepare(self, root: bytes) -> None:
        """Make the folder and pin the root.

        Raises:
            WriteConflictError: Another root is pinned here.
            StorageUnavailableError: It cannot be written.
        """
        make_directory(self.directory, mode=0o700)
        make_directory(self.state, mode=0o700)
        create_file(self.directory / "1.root.json", root)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep a Runner from starting here.

        Raises:
            BusyError: One is running.
        """
        with exclusive(self.state / LOCK_FILE):
            yield

    def pin(self, root: bytes) -> None:
        """Put another root in the pin's place.

        Raises:
            StorageUnavailableError: The old one stays.
        """
        write_file(self.directory / "1.root.json", root)

    def make_passphrase(self) -> str:
        """Return the passphrase of the Runner's key; make it the first time.

        A Runner works unattended, so nobody can be asked; who wants it elsewhere
        moves the file and names it in TRUSTACKS_PASSPHRASE_FILE.
        """
        path = self.directory / "passphrase"
        if not path.exists():
            made = secrets.token_urlsafe(_PASSPHRASE_BYTES)
            create_file(path, f"{made}\n".encode(), mode=0o600)
        return read_secret(path)

    def passphrase(self, asked: Secrets) -> str:
        """Return the passphrase from here, or from wherever the person keeps it."""
        path = self.directory / "passphrase"
        return read_secret(path) if path.exists() else asked("the Runner's passphrase")

    def commit(self, enrolment: Enrolment, token: str) -> None:
        """Finish an enrolment: the token, then ``runner.json``."""
        write_file(self.directory / "token", f"{token}\n".encode(), mode=0o600)
        write_file(self.directory / "runner.json", dumps_json(enrolment.to_json()))

    def enrolment(self) -> Enrolment:
        """Return what the Runner was enrolled as.

        Raises:
            NotEnrolledError: The enrolment never finished.
        """
        path = self.directory / "runner.json"
        try:
            return Enrolment.parse(read_file(path, max_bytes=MAX_CONFIG_BYTES))
        except NotFoundError as error:
            raise NotEnrolledError(
                f"expected an enrolled Runner in {self.directory}, got none",
                hint=f"trustacks runner enroll --state {self.directory}",
            ) from error

    def root(self) -> bytes:
        """Return the pin."""
        return read_file(self.directory / "1.root.json", max_bytes=MAX_ROOT_BYTES)

    def token(self) -> str:
        """Return the token that reports are delivered with."""
        return read_secret(self.directory / "token")
