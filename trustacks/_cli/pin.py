# SPDX-License-Identifier: Apache-2.0
"""Opens what is pinned of a workspace, for a command that asks no server."""

from trustacks._cli.config import Login
from trustacks._cli.session import Session
from trustacks.outlived import OutlivedStore
from trustacks.pinned import PinnedStore


def open_pinned(session: Session, login: Login) -> PinnedStore:
    """Open what is pinned of a login's workspace."""
    return PinnedStore(
        session.home / "workspaces",
        root=login.root,
        url=login.url,
        name=login.workspace,
    )


def open_outlived(session: Session, login: Login) -> OutlivedStore:
    """Open the same for an admin who renews what has expired."""
    return OutlivedStore(
        session.home / "workspaces",
        root=login.root,
        url=login.url,
        name=login.workspace,
        warn=session.output.say,
    )
