# SPDX-License-Identifier: Apache-2.0
"""Opens the Control Plane's API and what is pinned of a workspace, for a command."""

from trustacks._cli.config import Login
from trustacks._cli.session import Session
from trustacks.client import Client
from trustacks.pinned import PinnedStore


def open_client(session: Session, login: Login) -> Client:
    """Open the API with a login's token; closed when the command ends."""
    return open_client_at(session, login.url, login.token)


def open_client_at(session: Session, url: str, token: str | None) -> Client:
    """Open the API at an address; closed when the command ends."""
    return session.keep(Client(url, token=token))


def open_pinned(session: Session, login: Login) -> PinnedStore:
    """Open what is pinned of a login's workspace."""
    return PinnedStore(
        session.home / "workspaces",
        root=login.root,
        url=login.url,
        name=login.workspace,
    )
