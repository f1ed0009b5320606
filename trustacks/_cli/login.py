# SPDX-License-Identifier: Apache-2.0
"""``trustacks login``: pin a workspace's root, keep a token.

The pinned root is the one thing that is believed without proof, so its digest is shown
to be compared with what an admin says; ``--root FILE`` pins a file that an admin gave.
Once pinned, another one under the same name is refused, whoever serves it; one that
admins gave, such as that which made the workspace sovereign, takes its place.

Order: ask, verify, pin, refresh, then write ``config.yaml``; an interrupted login
leaves the old one.
"""

import contextlib
from pathlib import Path
from typing import Any

import click

from bundle.tuf.errors import TufExpiredError
from bundle.tuf.rootchain import open_roots
from keys.digest import Digest
from keys.errors import TrustacksError
from trustacks._cli.config import Config, Login, load_config, store_config
from trustacks._cli.connect import open_client_at, open_pinned
from trustacks._cli.files import read_given
from trustacks._cli.keyring import public_half
from trustacks._cli.lazy import command
from trustacks._cli.notes import form_note
from trustacks._cli.output import pairs
from trustacks._cli.secrets import ask_for_token, read_token
from trustacks._cli.session import Session
from trustacks.answers import bytes_of, text_of
from trustacks.client import Client, checked_url
from trustacks.errors import PinChangedError
from trustacks.keeping import keep_released
from trustacks.limits import MAX_ROOT_BYTES


@command("login")
@click.option("--url", required=True, help="The Control Plane's address.")
@click.option("--workspace", metavar="NAME", required=True, help="The workspace.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    help="The file with the token; asked for on the terminal otherwise.",
)
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    help="Pin this root, which an admin gave you.",
)
@click.option("--key", metavar="NAME", help="The local key that signs by default.")
def login(
    session: Session,
    *,
    url: str,
    workspace: str,
    token_file: Path | None,
    root: Path | None,
    key: str | None,
) -> None:
    """Pin a workspace's root and keep a token for it."""
    checked_url(url)
    token = read_token(token_file) if token_file else ask_for_token(workspace)
    config = load_config(session.home)
    if key:
        public_half(session, key)
    client = open_client_at(session, url, token)
    who = client.get("/v1/whoami")
    chosen = _root(client, workspace, root, config)
    made = Login(workspace, client.url, Digest.of(chosen), token, key)
    store = open_pinned(session, made)
    store.pin(chosen)
    # What does not hold is no reason not to log in: somebody must mend it.
    try:
        pinned = store.refresh(at=session.clock())
    except TufExpiredError as error:
        session.output.say(f"{error.message}: admins must renew it")
    else:
        with contextlib.suppress(TrustacksError):
            keep_released(store, pinned, pinned.head(at=session.clock()))
    store_config(session.home, config.with_login(made))
    value = {
        "workspace": workspace,
        "url": client.url,
        "root": str(made.root),
        "form": str(open_roots([chosen]).form),
        "subject": text_of(who, "subject"),
        "role": text_of(who, "role"),
        "key": key,
    }
    session.output.result(value, lambda: _text(value))
    if root is None and workspace not in config.logins:
        session.output.hint("compare the pinned root's digest with what an admin says")


def _root(client: Client, workspace: str, given: Path | None, config: Config) -> bytes:
    """Return the root to pin; an earlier pin of this name must be the same."""
    if given is not None:
        return read_given(given, max_bytes=MAX_ROOT_BYTES)
    served = bytes_of(client.workspace(workspace).show(), "root")
    known = config.logins.get(workspace)
    if known is not None and known.root != Digest.of(served):
        raise PinChangedError(
            f"expected the pinned root {known.root} of {workspace}, "
            f"got {Digest.of(served)}",
            hint="ask an admin which is right; pin it with --root FILE",
        )
    return served


def _text(value: dict[str, Any]) -> str:
    return pairs(
        [
            ("logged in", f"{value['subject']} ({value['role']}) at {value['url']}"),
            ("workspace", value["workspace"]),
            ("pinned root", value["root"]),
            ("form of trust", form_note(value["form"])),
            ("signs with", value["key"] or "the key named with --key"),
        ]
    )
