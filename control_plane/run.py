# SPDX-License-Identifier: Apache-2.0
"""One server process: bind, lock, prepare, serve, stop.

Order: (1) bind the port, so that a port in use changes nothing; (2) lock the state
directory; (3) migrate and build; (4) serve; (5) on SIGTERM or SIGINT finish the
requests in flight, then close. A crash anywhere needs no repair at the next start.
"""

import contextlib
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import uvicorn

from control_plane import limits
from control_plane.app import create_app
from control_plane.errors import PortInUseError
from control_plane.jobs import Round, run_jobs
from control_plane.registry.migrate import migrate
from control_plane.registry.session import Registry
from control_plane.services import Services, build_services
from control_plane.settings import Settings
from control_plane.state import StateDirectory
from control_plane.workflows.reindex import reindex

_BACKLOG: Final = 128


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        PortInUseError: Something else listens on the port.
        BusyError: Another server has the state directory.
        ConfigurationError: Settings that cannot be.
        StorageError: The state directory or the registry cannot be used.
    """
    with listen(settings) as listener:
        # A port that the system chose is in the issuer's name, as any other is.
        settings = replace(settings, port=listener.getsockname()[1])
        state = StateDirectory.prepare(settings)
        with state.lock(), contextlib.closing(build_services(settings)) as services:
            services.workspaces.remove_leftovers()
            reindex(services)
            with _working(services):
                _serve(services, listener)


def migrate_only(settings: Settings) -> str | None:
    """Bring the registry's schema to the newest version; return it.

    Raises:
        BusyError: A server is running on the state directory.
        StorageError: The registry cannot be used.
    """
    state = StateDirectory.prepare(settings)
    with (
        state.lock(),
        contextlib.closing(Registry(settings.registry_url)) as registry,
    ):
        return migrate(registry)


def reindex_only(settings: Settings) -> int:
    """Rebuild the registry from log and storage; return how many workspaces.

    Raises:
        BusyError: A server is running on the state directory.
        StorageError: The registry or a workspace's storage cannot be used.
    """
    state = StateDirectory.prepare(settings)
    with state.lock(), contextlib.closing(build_services(settings)) as services:
        return reindex(services)


def jobs_only(settings: Settings, *, once: bool) -> Round:
    """Do the jobs of a server without serving: once, or until SIGTERM or SIGINT.

    Returns:
        What the last round did.

    Raises:
        BusyError: A server is running on the state directory; it does them itself.
        ConfigurationError: Settings that cannot be.
        StorageError: The state directory or the registry cannot be used.
    """
    state = StateDirectory.prepare(settings)
    stop = threading.Event()
    with state.lock(), contextlib.closing(build_services(settings)) as services:
        if once:
            return run_jobs(services)
        for kind in (signal.SIGINT, signal.SIGTERM):
            signal.signal(kind, lambda *_: stop.set())
        done = run_jobs(services)
        while not stop.wait(limits.REFRESH_SECONDS):
            done = run_jobs(services)
        return done


def say(line: str) -> None:
    """Write one line for people, on standard error."""
    sys.stderr.write(f"trustacks: {line}\n")
    sys.stderr.flush()


@contextlib.contextmanager
def listen(settings: Settings) -> Iterator[socket.socket]:
    """Listen where the settings say.

    Raises:
        PortInUseError: Another program does, or the host is not this one.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # With the protocol named, asyncio turns Nagle's algorithm off for what it accepts;
    # without, the body of each answer waits 40 ms for the client's delayed ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
            listener.listen(_BACKLOG)
        except OSError as error:
            raise PortInUseError(
                f"cannot listen on {settings.host}:{settings.port}: {error.strerror}",
                hint="stop the other program, or choose another --port",
            ) from error
        yield listener


def _serve(services: Services, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{port}"
    for line in (*services.first_start, *_how_to_log_in(url, services.state)):
        say(line)
    config = uvicorn.Config(
        create_app(services),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=limits.KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=limits.SHUTDOWN_SECONDS,
    )
    _Server(config, ready=f"ready on {url}").run(sockets=[listener])
    say("stopped")


def _how_to_log_in(url: str, state: StateDirectory) -> tuple[str, ...]:
    there = f"--url {url} --token-file {state.admin_token}"
    return (
        f"hint: make a workspace: trustacks workspace create NAME {there} --help",
        f"hint: log in to it: trustacks login --workspace NAME {there}",
    )


class _Server(uvicorn.Server):
    """uvicorn, saying when it is ready, and ending with success when asked to stop."""

    def __init__(self, config: uvicorn.Config, *, ready: str) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so: from here on requests are answered."""
        await super().startup(sockets)
        say(self._ready)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on the first SIGINT or SIGTERM, and do not raise it again afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        kinds = (signal.SIGINT, signal.SIGTERM)
        before = {kind: signal.signal(kind, self.handle_exit) for kind in kinds}
        try:
            yield
        finally:
            for kind, handler in before.items():
                signal.signal(kind, handler)


@contextlib.contextmanager
def _working(services: Services) -> Iterator[None]:
    """Do the jobs beside the server: embedded is one process."""
    stop = threading.Event()

    def loop() -> None:
        run_jobs(services)
        while not stop.wait(limits.REFRESH_SECONDS):
            run_jobs(services)

    thread = threading.Thread(target=loop, name="jobs", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(limits.SHUTDOWN_SECONDS)
