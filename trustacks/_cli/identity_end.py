# SPDX-License-Identifier: Apache-2.0
"""``trustacks identity revoke, suspend, resume, rotate``: how an identity ends.

In the embedded form the Control Plane changes trust; in the sovereign form the same
change is proposed, and admins approve it (``trustacks trust approve``).
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from signer.revocation import NOTHING, Survivors
from trustacks._cli.connect import open_client, open_pinned
from trustacks._cli.files import read_given
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.session import Session
from trustacks._cli.shown import statement_text
from trustacks._cli.trust import is_sovereign, propose_change
from trustacks.client import WorkspaceApi, segment
from trustacks.limits import MAX_PROOF_BYTES
from trustacks.pinned import Pinned
from trustacks.possession import Proof, check_proof
from trustacks.surviving import newest_checkpoint, survivors_of
from trustacks.trust_changes import resumption, revocation, rotation
from trustacks.trust_errors import RotationMismatchError

_REASON = click.option("--reason", required=True, help="Why; it is signed and logged.")
_SURVIVORS = click.option(
    "--survivor",
    "survivors",
    multiple=True,
    metavar="WHAT",
    help="What stays valid: sha256:DIGEST of an attestation, release:REVISION with all "
    "that it lists, logged or logged:REVISION for all that was logged by then.",
)


@command("revoke")
@click.argument("identity_id", metavar="ID")
@_REASON
@_SURVIVORS
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
@_SURVIVORS
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


@command("rotate")
@click.argument("identity_id", metavar="ID")
@click.option(
    "--proof",
    type=click.Path(path_type=Path),
    required=True,
    help="The successor's proof, from `identity register NEW ... --proof-out`.",
)
@_SURVIVORS
@workspace_option
def rotate(
    session: Session,
    *,
    identity_id: str,
    proof: Path,
    survivors: tuple[str, ...],
    workspace: str | None,
) -> None:
    """Put a new key in the place of the identity ID, of the same principal.

    The newest release, with all that it lists, stays valid, unless --survivor says
    what does.
    """
    login, at = session.login(workspace), session.clock()
    given = Proof.parse(read_given(proof, max_bytes=MAX_PROOF_BYTES))
    session.output.say(statement_text(given.statement))
    pinned = open_pinned(session, login).refresh(at=at)
    terms = check_proof(given, trust=pinned.trust, at=at)
    old = pinned.trust.policy.identity(identity_id)
    if terms.principal != old.principal:
        raise RotationMismatchError(
            f"expected a successor of {old.principal}, got one of {terms.principal}"
        )
    head = pinned.head(at=at)
    words = survivors or ((f"release:{head.digest}",) if head else ())
    kept = _kept(session, workspace, pinned, words)
    if is_sovereign(session, login):
        change = rotation(terms, given, replaces=old.id, survivors=kept, at=at)
        propose_change(session, workspace, change)
        return
    api = _api(session, workspace)
    api.post("/identities", given.to_request())
    end = {"reason": f"rotated to {terms.id}", "survivors": kept.to_json()}
    done = api.post(f"/identities/{segment(old.id)}/revoke", end)
    session.output.result(done, lambda: f"rotated {old.id} to {terms.id}")
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
    kept = NOTHING
    if survivors:
        pinned = open_pinned(session, login).refresh(at=at)
        kept = _kept(session, workspace, pinned, survivors)
    if is_sovereign(session, login):
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


def _kept(
    session: Session, workspace: str | None, pinned: Pinned, words: Sequence[str]
) -> Survivors:
    newest = partial(newest_checkpoint, _api(session, workspace), pinned)
    return survivors_of(words, pinned, newest=newest, at=session.clock())


def _api(session: Session, workspace: str | None) -> WorkspaceApi:
    login = session.login(workspace)
    return open_client(session, login).workspace(login.workspace)
