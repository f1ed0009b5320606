# SPDX-License-Identifier: Apache-2.0
"""``trustacks trust``: look at what is to be trusted next, and sign it.

What is shown is computed here, from the pinned state and the proposal's bytes: an admin
signs what they have read, whatever the Control Plane says of it (DESIGN T9).
"""

from typing import Any

import click

from bundle.tuf.rootchain import open_roots
from keys.digest import Digest
from keys.errors import UsageError
from signer.form import Form
from trustacks._cli.ceremony import reviewed_text
from trustacks._cli.config import Login
from trustacks._cli.connect import open_client, open_outlived, open_pinned
from trustacks._cli.keyring import open_key
from trustacks._cli.lazy import command, expired_option, workspace_option
from trustacks._cli.output import columns
from trustacks._cli.session import Session
from trustacks._cli.shown import statement_text
from trustacks.answers import text_of
from trustacks.proposing import Wanted, propose
from trustacks.trust_errors import EmbeddedTrustError, ProposalChoiceError
from trustacks.trusting import Reviewed, TrustDesk

_OPEN = ("open", "signed")


@command("proposals")
@workspace_option
def proposals(session: Session, *, workspace: str | None) -> None:
    """List the proposals that the Control Plane keeps."""
    found = open_desk(session, workspace).proposals()
    rows = [
        (
            text_of(one, "id"),
            text_of(one, "status"),
            str(one.get("version")),
            text_of(one, "kind"),
            f"{one.get('signed')} of {one.get('threshold')}",
        )
        for one in found
    ]
    heads = ("PROPOSAL", "STATUS", "TARGETS", "CHANGE", "SIGNED")
    session.output.result({"items": found}, lambda: columns([heads, *rows]))


@command("diff")
@click.argument("proposal", required=False)
@expired_option
@workspace_option
def diff(
    session: Session, *, proposal: str | None, expired: bool, workspace: str | None
) -> None:
    """Show what PROPOSAL changes, computed here; the only open one by default."""
    desk = open_desk(session, workspace, outlived=expired)
    found = desk.review(chosen_proposal(desk, proposal))
    session.output.result(found.to_json(), lambda: reviewed_text(found))


@command("approve")
@click.argument("proposal", required=False)
@click.option("--key", metavar="NAME", help="Your targets key.")
@click.option(
    "--admin-key",
    metavar="NAME",
    help="Your admin identity's key: put it in force, if enough have signed.",
)
@expired_option
@workspace_option
def approve(
    session: Session,
    *,
    proposal: str | None,
    key: str | None,
    admin_key: str | None,
    expired: bool,
    workspace: str | None,
) -> None:
    """Sign PROPOSAL with your targets key; the last admin puts it in force."""
    if key is None and admin_key is None:
        raise UsageError("expected --key to sign, --admin-key to put in force, or both")
    desk = open_desk(session, workspace, outlived=expired)
    chosen = chosen_proposal(desk, proposal)
    found = desk.review(chosen)
    session.output.say(reviewed_text(found))
    if key is not None:
        desk.sign(found, open_key(session, key))
        found = desk.review(chosen)
    in_force = admin_key is not None and len(found.signatures) >= found.threshold
    if admin_key is not None and in_force:
        desk.publish(found, open_key(session, admin_key))
    value: dict[str, Any] = {**found.to_json(), "in_force": in_force}
    session.output.result(value, lambda: _approved(found, key, in_force=in_force))
    if in_force:
        session.output.hint("releases name their trust: release the overlay again")


def propose_change(
    session: Session, workspace: str | None, wanted: Wanted, *, expired: bool = False
) -> None:
    """Propose a change of trust and say what its admins do next."""
    made = propose(open_desk(session, workspace, outlived=expired), wanted)
    session.output.result(made.to_json(), lambda: "proposed\n" + reviewed_text(made))
    session.output.hint("each admin signs: trustacks trust approve --key NAME")


def is_sovereign(session: Session, login: Login) -> bool:
    """Return whether the pinned root keeps the admin keys from the Control Plane."""
    root = open_pinned(session, login).root
    return open_roots([root]).form is Form.SOVEREIGN


def require_sovereign(session: Session, workspace: str | None) -> None:
    """Refuse a workspace whose Control Plane changes trust by itself.

    Raises:
        EmbeddedTrustError: It is one.
    """
    if not is_sovereign(session, session.login(workspace)):
        raise EmbeddedTrustError(
            "expected a sovereign workspace, got an embedded one",
            hint="there the Control Plane holds the admin keys; nobody proposes",
        )


def open_desk(
    session: Session, workspace: str | None, *, outlived: bool = False
) -> TrustDesk:
    """Open an admin's desk at a workspace; ``outlived`` reads on what has expired."""
    return open_desk_at(session, session.login(workspace), outlived=outlived)


def open_desk_at(
    session: Session, login: Login, *, outlived: bool = False
) -> TrustDesk:
    """Open an admin's desk with a login."""
    return TrustDesk(
        store=(open_outlived if outlived else open_pinned)(session, login),
        api=open_client(session, login).workspace(login.workspace),
        clock=session.clock,
        show=lambda statement: session.output.say(statement_text(statement)),
    )


def chosen_proposal(desk: TrustDesk, proposal: str | None) -> Digest:
    """Return the proposal that was named by id or its beginning, or the only open one.

    Raises:
        ProposalChoiceError: None or several.
    """
    known = [one for one in desk.proposals() if isinstance(one.get("id"), str)]
    if proposal is None:
        found = [one["id"] for one in known if one.get("status") in _OPEN]
    else:
        wanted = proposal if proposal.startswith("sha256:") else f"sha256:{proposal}"
        found = [one["id"] for one in known if one["id"].startswith(wanted)]
    if len(found) != 1:
        raise ProposalChoiceError(
            f"expected one proposal, got {len(found)}",
            hint="name one: trustacks trust proposals",
        )
    return Digest.parse(found[0])


def _approved(found: Reviewed, key: str | None, *, in_force: bool) -> str:
    if in_force:
        return f"targets {found.proposal.version} are in force"
    missing = found.threshold - len(found.signatures)
    if missing > 0:
        done = "signed; " if key else ""
        return f"{done}{missing} more admins must sign"
    return "signed by enough admins; --admin-key puts it in force"
