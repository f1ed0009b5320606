# SPDX-License-Identifier: Apache-2.0
"""Opens the Control Plane's API and what is pinned of a workspace, for a command."""

from trustacks._cli.config import Login
from trustacks._cli.pin import open_outlived, open_pinned
from trustacks._cli.session import Session
from trustacks.client import Client

__all__ = ["open_client", "open_client_at", "open_outlived", "open_pinned"]


def open_client(session: Session, login: Login) -> Client:
    """Open the API with a login's token; closed when the command ends."""
    return open_client_at(session, login.url, login.token)


def open_client_at(session: Session, url: str, token: str | None) -> Client:
    """Open the API at an address; closed when the command ends."""
    return session.keep(Client(url, token=token))
