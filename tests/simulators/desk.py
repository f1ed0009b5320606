# SPDX-License-Identifier: Apache-2.0
"""People at their terminals, a Control Plane on loopback, and a clock for all of them.

``Desk.play`` does what a runbook says (``tests.simulators.runbook``): commands run as
the page has them, each person in a home of their own, files in one folder that goes
from hand to hand. Whoever is ``offline`` cannot open a connection. Keys, server,
storage and metadata are real; the clock can be put forward.
"""

import contextlib
import errno
import io
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from bundle.storage.directory import DirectoryStorage
from control_plane.app import create_app
from control_plane.jobs import run_jobs
from control_plane.services import Services, build_services
from control_plane.settings import Settings
from control_plane.stores import OpenStorage
from control_plane.workflows.reindex import reindex
from keys.clock import utc_now
from tests.simulators.plane import EXAMPLES, Ended, Person, tell_address
from tests.simulators.runbook import Names, Step, read_runbook, require_same
from trustacks._cli.main import run

PAGES = Path(__file__).parents[2] / "docs" / "runbooks"
# As the pages have it; a test's server has a port.
PAGE_URL = "https://policy.example.com"
OFFLINE = "offline"
_CODE = re.compile(r"trustacks: .* \[([a-z0-9-]+)\]")
_TUF_CLOCK = "tuf.ngclient._internal.trusted_metadata_set.datetime"
# What a shell is needed for, unless it stands in quotes.
_SHELL = re.compile(r"[|<>$`*]")
_QUOTED = re.compile(r'"[^"$`]*"')
_PATIENCE_S = 60
_without_network: set[int] = set()


def _guard(event: str, args: tuple) -> None:
    offline = threading.get_ident() in _without_network
    if event == "socket.connect" and offline and isinstance(args[1], tuple):
        raise OSError(errno.ENETUNREACH, "a machine without a network")


sys.addaudithook(_guard)


@dataclass(frozen=True)
class Said(Ended):
    """How a command ended, and what stood on the terminal, in its order."""

    terminal: str


class _Terminal(io.StringIO):
    """A stream that also shows on a terminal."""

    def __init__(self, shown: io.StringIO) -> None:
        super().__init__()
        self._shown = shown

    def write(self, text: str) -> int:
        self._shown.write(text)
        return super().write(text)


class Clock:
    """The time of this machine, put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@contextlib.contextmanager
def told_time(clock: Clock) -> Iterator[None]:
    """Let python-tuf read a clock of ours: it has no argument for it."""
    now = SimpleNamespace(now=lambda zone: clock().astimezone(zone))
    theirs = SimpleNamespace(datetime=now, timezone=SimpleNamespace(utc=UTC))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_TUF_CLOCK, theirs)
        yield


@contextlib.contextmanager
def serving(
    state: Path,
    clock: Callable[[], datetime],
    *,
    open_storage: OpenStorage = DirectoryStorage,
    **chosen: Any,
) -> Iterator[tuple[str, Services]]:
    """Run a Control Plane in a thread; yield its address and its parts."""
    settings = Settings(state, **chosen)
    parts = build_services(settings, clock=clock, open_storage=open_storage)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        contextlib.closing(parts) as services,
    ):
        services.workspaces.remove_leftovers()
        reindex(services)
        app = create_app(services)
        config = uvicorn.Config(app, log_config=None, access_log=False, ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", services
        finally:
            server.should_exit = True
            thread.join(_PATIENCE_S)


@dataclass
class Desk:
    """A folder with everybody's home in it, and the Control Plane that they use.

    Attributes:
        folder: Of this desk; ``desk`` in it is the one that goes from hand to hand.
        url: The Control Plane's address.
        clock: Everybody's.
        services: The Control Plane's parts, for thieves and jobs.
        names: Which digest of this run one of a page stands for.
        exit_code: How the last command ended.
    """

    folder: Path
    url: str
    clock: Clock
    services: Services
    names: Names = field(default_factory=Names)
    exit_code: int = 0

    @property
    def table(self) -> Path:
        """The folder that goes from hand to hand."""
        return self.folder / "desk"

    @property
    def state(self) -> Path:
        """The Control Plane's own folder."""
        return self.folder / "server"

    def person(self, who: str) -> Person:
        """Return somebody at one of their machines, such as ``Ann, offline``."""
        folder = self.folder / "people" / re.sub(r"[^a-z0-9]+", "-", who.lower())
        return Person(folder) if folder.exists() else Person.make(folder)

    def wait(self, **by: float) -> None:
        """Let time pass; the Control Plane does what is due by then."""
        self.clock.ahead += timedelta(**by)
        run_jobs(self.services)

    # ------------------------------------------------------------------ commands

    def say(self, who: str, command: str) -> Said:
        """Run a command, as somebody, and return how it ended."""
        person = self.person(who)
        words = shlex.split(command)
        if words == ["echo", "$?"]:
            code = f"{self.exit_code}\n"
            return Said(0, code, "", code)
        if words[0] == "trustacks" and not _SHELL.search(_QUOTED.sub("", command)):
            ended = self._run(person, words[1:], offline=who.endswith(OFFLINE))
        else:
            ended = self._shell(person, command)
        self.exit_code = ended.exit_code
        return ended

    def must(self, who: str, command: str) -> Said:
        """Run a command that succeeds."""
        ended = self.say(who, command)
        assert ended.exit_code == 0, f"{who}: $ {command}\n{ended.terminal}"
        return ended

    def _run(self, person: Person, words: Sequence[str], *, offline: bool) -> Said:
        """Run a command of ours in this process."""
        terminal = io.StringIO()
        out, err = _Terminal(terminal), _Terminal(terminal)
        before = dict(os.environ)
        os.environ.update(person.variables)
        if offline:
            _without_network.add(threading.get_ident())
        try:
            with (
                contextlib.chdir(self.table),
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
            ):
                code = run(words, clock=self.clock)
        finally:
            _without_network.discard(threading.get_ident())
            os.environ.clear()
            os.environ.update(before)
        return Said(code, out.getvalue(), err.getvalue(), terminal.getvalue())

    def _shell(self, person: Person, command: str) -> Said:
        path = f"{Path(sys.executable).parent}:{person.variables['PATH']}"
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.table,
            env={**person.variables, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
        )
        return Said(done.returncode, done.stdout, "", done.stdout)

    # ------------------------------------------------------------------ runbooks

    def play(
        self,
        page: Path,
        *,
        before: dict[str, Callable[[], None]] | None = None,
        until: str | None = None,
    ) -> None:
        """Do what a page says, and hold that it prints what the page shows.

        Args:
            page: The runbook.
            before: What happens before a section, by its heading: what thieves do, and
                the time that passes.
            until: The heading of the first section that is not done.
        """
        events = dict(before or {})
        section = ""
        for step in read_runbook(page):
            if step.section != section:
                section = step.section
                if section == until:
                    break
                events.pop(section, lambda: None)()
            self.do(step)
        assert not events, f"{page.name} has no commands under {sorted(events)}"

    def do(self, step: Step) -> None:
        """Do one command of a page."""
        command = self.names.meant(step.command).replace(PAGE_URL, self.url)
        ended = self.say(step.who, command)
        said = ended.terminal.replace(self.url, PAGE_URL).splitlines()
        codes = [m[1] for m in map(_CODE.fullmatch, step.shown) if m]
        refused = any(code != "unavailable" for code in codes)
        told = f"line {step.line}: {step.who}: $ {command}\n{ended.terminal}"
        assert (ended.exit_code != 0) == refused, told
        if step.shown:
            require_same(step, said, self.names)


@contextlib.contextmanager
def desk(folder: Path) -> Iterator[Desk]:
    """Set up a desk with a Control Plane and nobody yet, or go on where one was left.

    A desk that was copied has its server at another address than its people know.
    """
    (folder / "desk").mkdir(parents=True, exist_ok=True)
    clock = Clock()
    with told_time(clock), serving(folder / "server", clock) as (url, services):
        made = Desk(folder, url, clock, services)
        token = folder / "desk" / "admin-token"
        shutil.copy(made.state / "admin-token", token)
        tell_address(folder, url)
        shutil.copytree(EXAMPLES, folder / "desk", dirs_exist_ok=True)
        yield made
