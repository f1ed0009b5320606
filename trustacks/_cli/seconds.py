# SPDX-License-Identifier: Apache-2.0
"""Opens whoever signs beside an author: approver, lint identity, who tells others."""

from typing import TypeVar

from trustacks._cli.connect import open_client, open_pinned
from trustacks._cli.oidc_options import Asked
from trustacks._cli.session import Session
from trustacks._cli.shown import statement_text
from trustacks._cli.signatory import open_signatory
from trustacks.approving import Second
from trustacks.keeping import keep_released
from trustacks.standard import Teller

S = TypeVar("S", bound=Second)


def open_second(
    session: Session, kind: type[S], options: Asked, workspace: str | None
) -> S:
    """Refresh the pin, and open a signer with a key or a token.

    The newest release's rules are kept on the way: what is signed is about the version
    that is released now.

    Raises:
        UnknownSignerError: No identity of the workspace.
        VerificationError: Metadata, trust or release that a Runner would refuse.
    """
    login, at = session.login(workspace), session.clock()
    store = open_pinned(session, login)
    pinned = store.refresh(at=at)
    head = pinned.head(at=at)
    keep_released(store, pinned, head)
    second = kind(
        pinned=pinned,
        head=head,
        signatory=open_signatory(session, options, login, pinned),
        api=open_client(session, login).workspace(login.workspace),
        clock=session.clock,
        show=lambda statement: session.output.say(statement_text(statement)),
    )
    second.identity  # noqa: B018 - refuses who is not registered before any work
    return second


def open_teller(session: Session, options: Asked, workspace: str | None) -> Teller:
    """Refresh the pin, and open who signs for other tools with a key or a token.

    Raises:
        UnknownSignerError: No identity of the workspace.
        VerificationError: Metadata or trust that a Runner would refuse.
    """
    login = session.login(workspace)
    pinned = open_pinned(session, login).refresh(at=session.clock())
    teller = Teller(
        pinned=pinned,
        signatory=open_signatory(session, options, login, pinned),
        api=open_client(session, login).workspace(login.workspace),
        clock=session.clock,
        show=lambda statement: session.output.say(statement_text(statement)),
    )
    teller.identity  # noqa: B018 - refuses who is not registered before any work
    return teller
