# SPDX-License-Identifier: Apache-2.0
"""``trustacks server``: the only commands that load the Control Plane."""

from pathlib import Path

import click

from control_plane.run import jobs_only, migrate_only
from control_plane.run import run as run_server
from control_plane.settings import Settings
from trustacks._cli.lazy import command
from trustacks._cli.session import Session

_state_option = click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="The folder that holds everything the server keeps.",
)


@command("run")
@_state_option
@click.option("--host", help="The address to listen on; 127.0.0.1 by default.")
@click.option(
    "--port", type=int, help="The port; 8080 by default, 0 lets the system choose."
)
@click.option(
    "--public-host", help="The last labels of the logs' names; see the guide."
)
def run(
    session: Session,  # noqa: ARG001 - every command has one
    *,
    state: Path | None,
    host: str | None,
    port: int | None,
    public_host: str | None,
) -> None:
    """Run a Control Plane until SIGTERM or Ctrl-C.

    The first start makes the passphrase of its keys and an admin token in the state
    folder, and says so. Settings come from here or from TRUSTACKS_<NAME>.
    """
    run_server(
        Settings.read(state=state, host=host, port=port, public_host=public_host)
    )


@command("migrate")
@_state_option
def migrate(session: Session, state: Path | None) -> None:
    """Bring the registry's schema up to date; the server must not be running."""
    version = migrate_only(Settings.read(state=state))
    session.output.result({"version": version}, f"registry at version {version}")


@command("jobs")
@_state_option
@click.option("--once", is_flag=True, help="Do what is due now, and end.")
def jobs(session: Session, *, state: Path | None, once: bool) -> None:
    """Renew online metadata and delete garbage, without serving.

    A server does this by itself. This is for a machine of its own, with its own copy of
    the state folder, beside servers that share a bucket and PostgreSQL.
    """
    done = jobs_only(Settings.read(state=state), once=once)
    session.output.result(
        {"refreshed": done.refreshed, "deleted": done.deleted},
        f"refreshed {done.refreshed} workspaces, deleted {done.deleted} objects",
    )
