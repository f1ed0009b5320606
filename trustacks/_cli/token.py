# SPDX-License-Identifier: Apache-2.0
"""``trustacks workspace token``: who may call the Control Plane.

A role grants calls, never a signing right.
"""

from pathlib import Path
from typing import Final

import click

from trustacks._cli.connect import open_client
from trustacks._cli.files import refuse_unwritable, write_new
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.output import columns
from trustacks._cli.session import Session
from trustacks.answers import items_of, text_of
from trustacks.client import WorkspaceApi, segment

_ROLES: Final = ("admin", "author", "release", "runner", "auditor")
_DAY: Final = 86_400


@command("create")
@click.option(
    "--role", type=click.Choice(_ROLES), required=True, help="What it grants."
)
@click.option("--subject", required=True, help="The person or program that it is for.")
@click.option(
    "--days",
    type=click.IntRange(1, 90),
    default=30,
    show_default=True,
    help="How long it lives.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write it there, mode 0600."
)
@workspace_option
def create(
    session: Session,
    *,
    role: str,
    subject: str,
    days: int,
    out: Path | None,
    workspace: str | None,
) -> None:
    """Make a token; the only time that its text is shown."""
    if out:
        refuse_unwritable(out)
    wanted = {"role": role, "subject": subject, "ttl_seconds": days * _DAY}
    made = _api(session, workspace).post("/tokens", wanted)
    token, name = text_of(made, "token"), text_of(made, "id")
    about = f"token {name} for {subject} ({role}), until {text_of(made, 'expires')}"
    if out is None:
        session.output.say(about)
        session.output.result(made, token)
        return
    write_new(out, f"{token}\n".encode(), mode=0o600)
    shown = {key: value for key, value in made.items() if key != "token"}
    session.output.result({**shown, "file": str(out)}, f"{about}: {out}")


@command("list")
@workspace_option
def list_(session: Session, workspace: str | None) -> None:
    """List the tokens of the workspace, never their texts."""
    answer = _api(session, workspace).get("/tokens")
    names = ("id", "role", "subject", "expires", "revoked")
    rows = [[str(item.get(name) or "") for name in names] for item in items_of(answer)]
    heads = [name.upper() for name in names]
    session.output.result(answer, lambda: columns([heads, *rows]))


@command("revoke")
@click.argument("token_id", metavar="ID")
@workspace_option
def revoke(session: Session, token_id: str, workspace: str | None) -> None:
    """End the token ID now; again is success."""
    _api(session, workspace).delete(f"/tokens/{segment(token_id)}")
    session.output.result({"id": token_id, "revoked": True}, f"revoked {token_id}")


def _api(session: Session, workspace: str | None) -> WorkspaceApi:
    login = session.login(workspace)
    return open_client(session, login).workspace(login.workspace)
