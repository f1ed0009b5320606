# SPDX-License-Identifier: Apache-2.0
"""``trustacks workspace``: make, show and list workspaces."""

from pathlib import Path
from typing import Any

import click

from keys.digest import Digest
from keys.strict import b64encode
from trustacks._cli.connect import open_client, open_client_at, open_pinned
from trustacks._cli.files import refuse_existing, write_new
from trustacks._cli.layer_files import LayerFiles, read_layer_files
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.output import columns, pairs
from trustacks._cli.secrets import read_token
from trustacks._cli.session import Session
from trustacks.answers import bytes_of, items_of, optional_of, text_of

_FOLDER = click.Path(path_type=Path)


@command("create")
@click.argument("name")
@click.option("--url", required=True, help="The Control Plane's address.")
@click.option(
    "--token-file",
    type=_FOLDER,
    required=True,
    help="The file with an admin's token, such as <state>/admin-token.",
)
@click.option(
    "--constitution",
    type=_FOLDER,
    required=True,
    help="The folder of the constitution to pin, with its publisher's attestation.",
)
@click.option("--pack", "packs", type=_FOLDER, multiple=True, help="A pack to pin.")
@click.option("--publisher", type=_FOLDER, required=True, help="The publisher's key.")
@click.option("--root-out", type=_FOLDER, help="Write the root to pin there.")
@click.option("--log-key-out", type=_FOLDER, help="Write the log's key there.")
def create(
    session: Session,
    *,
    name: str,
    url: str,
    token_file: Path,
    constitution: Path,
    packs: tuple[Path, ...],
    publisher: Path,
    root_out: Path | None,
    log_key_out: Path | None,
) -> None:
    """Make the workspace NAME, with its own root, keys and log."""
    refuse_existing(*(path for path in (root_out, log_key_out) if path))
    wanted = {
        "name": name,
        "constitution": _sent(read_layer_files(constitution, publisher)),
        "packs": [
            _sent(read_layer_files(pack, publisher), named=True) for pack in packs
        ],
    }
    client = open_client_at(session, url, read_token(token_file))
    made = client.post("/v1/workspaces", wanted)
    root = bytes_of(made, "root")
    if root_out:
        write_new(root_out, root)
    if log_key_out:
        write_new(log_key_out, text_of(made, "log", "public_key").encode())
    session.output.result(made, lambda: _text(made, root))


@command("show")
@click.option(
    "--log-key-out",
    type=_FOLDER,
    help="Write the log's key there, as the admins signed it, for an auditor.",
)
@workspace_option
def show(session: Session, *, log_key_out: Path | None, workspace: str | None) -> None:
    """Show a workspace: its id, its form of trust, its log."""
    login = session.login(workspace)
    if log_key_out:
        refuse_existing(log_key_out)
        pinned = open_pinned(session, login).refresh(at=session.clock())
        write_new(log_key_out, pinned.log.key.pem.encode())
    found = open_client(session, login).workspace(login.workspace).show()
    session.output.result(found, lambda: _text(found, bytes_of(found, "root")))


@command("list")
@click.option("--url", help="The Control Plane's address, if not the login's.")
@click.option("--token-file", type=_FOLDER, help="The token, if not the login's.")
def list_(session: Session, url: str | None, token_file: Path | None) -> None:
    """List the workspaces that the token may see."""
    known = None if url and token_file else session.login()
    address = url or (known.url if known else "")
    token = read_token(token_file) if token_file else (known.token if known else None)
    answer = open_client_at(session, address, token).get("/v1/workspaces")
    rows = [
        (text_of(item, "name"), text_of(item, "workspace")) for item in items_of(answer)
    ]
    heads = ("NAME", "ID")
    session.output.result(answer, lambda: columns([heads, *rows]))


def _sent(layer: LayerFiles, *, named: bool = False) -> dict[str, str]:
    sent = {
        "archive": b64encode(layer.archive),
        "attestation": b64encode(layer.attestation),
        "publisher": layer.publisher,
    }
    return {**sent, "name": layer.name} if named else sent


def _text(workspace: Any, root: bytes) -> str:
    rows = [
        ("workspace", text_of(workspace, "name")),
        ("id", text_of(workspace, "workspace")),
        ("root to pin", str(Digest.of(root))),
        ("form of trust", text_of(workspace, "form")),
        ("log", text_of(workspace, "log", "origin")),
    ]
    note = optional_of(workspace, "property_note")
    return pairs(rows) + (f"\n{note}" if note else "")
