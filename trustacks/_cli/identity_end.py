# SPDX-License-Identifier: Apache-2.0
"""``trustacks identity revoke, suspend, resume``: how an identity ends.

In the embedded form the Control Plane changes trust; in the sovereign form the same
change is proposed, and admins approve it (``trustacks trust approve``).
"""

from datetime import datetime

import click

from keys.errors import TrustacksError
from signer.revocation import NOTHING, Survivors
from trustacks._cli.connect import open_client, open_pinned
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.session import Session
from trustacks._cli.survivors import kept_by, survivors_option
from trustacks._cli.trust import is_sovereign, propose_change
from trustacks.client import WorkspaceApi, segment
from trustacks.pinned import Pinned
from trustacks.surviving import before_the_end
from trustacks.trust_changes import resumption, revocation, survival

_REASON = click.option("--reason", required=True, help="Why; it is signed and logged.")


@command("revoke")
@click.argument("identity_id", metavar="ID")
@_REASON
@survivors_option
@workspace_option
def revoke(
    session: Session,
    *,
    identity_id: str,
    reason: str,
    survivors: tuple[str, ...],
    workspace: str | None,
) -> None:
    """End the identity ID: every attestation of it is void, survivors excepted."""
    _end(session, workspace, identity_id, reason, survivors, final=True)


@command("suspend")
@click.argument("identity_id", metavar="ID")
@_REASON
@survivors_option
@workspace_option
def suspend(
    session: Session,
    *,
    identity_id: str,
    reason: str,
    survivors: tuple[str, ...],
    workspace: str | None,
) -> None:
    """End the identity ID until it is resumed."""
    _end(session, workspace, identity_id, reason, survivors, final=False)


@command("resume")
@click.argument("identity_id", metavar="ID")
@workspace_option
def resume(session: Session, *, identity_id: str, workspace: str | None) -> None:
    """Lift the suspension of the identity ID."""
    login = session.login(workspace)
    if is_sovereign(session, login):
        propose_change(session, workspace, resumption(identity_id))
        return
    done = _api(session, workspace).post(
        f"/identities/{segment(identity_id)}/resume", {}
    )
    session.output.result(done, lambda: f"resumed {identity_id}")
    session.output.hint("release the overlay again: trustacks bundle release")


def _end(
    session: Session,
    workspace: str | None,
    identity_id: str,
    reason: str,
    survivors: tuple[str, ...],
    *,
    final: bool,
) -> None:
    login, at = session.login(workspace), session.clock()
    pinned = open_pinned(session, login).refresh(at=at)
    held = before_the_end(pinned, identity_id)
    kept = kept_by(session, login, held, survivors) if survivors else NOTHING
    _warn(session, held, identity_id, kept, at)
    if is_sovereign(session, login):
        ended = pinned.trust.policy.revocation(identity_id)
        if ended is not None and ended.final:
            change = survival(identity_id, reason=reason, survivors=kept)
        else:
            change = revocation(
                identity_id, reason=reason, survivors=kept, at=at, final=final
            )
        propose_change(session, workspace, change)
        return
    verb, said = ("revoke", "revoked") if final else ("suspend", "suspended")
    wanted = {"reason": reason, "survivors": kept.to_json()}
    api = _api(session, workspace)
    done = api.post(f"/identities/{segment(identity_id)}/{verb}", wanted)
    session.output.result(done, lambda: f"{said} {identity_id}: {reason}")
    session.output.hint("release the overlay again: trustacks bundle release")


def _warn(
    session: Session, held: Pinned, identity_id: str, kept: Survivors, at: datetime
) -> None:
    """Say what stops at once: nothing follows a release that is void."""
    try:
        head = held.head(at=at)
    except TrustacksError:
        return  # the newest release is void for another reason
    if head is None or head.release.identity != identity_id:
        return
    if head.digest not in kept.releases | kept.attestations:
        session.output.say(
            f"release {head.release.revision} is theirs and does not survive: Runners "
            "deny, and nobody releases after it"
        )
        session.output.hint(f"--survivor release:{head.release.revision}")


def _api(session: Session, workspace: str | None) -> WorkspaceApi:
    login = session.login(workspace)
    return open_client(session, login).workspace(login.workspace)
