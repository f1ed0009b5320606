# SPDX-License-Identifier: Apache-2.0
"""``trustacks identity register``: who may sign what.

Of a key, possession is proved: by a statement of its own type, built here from what
the person asked for, the pinned workspace and the Control Plane's challenge, shown
before it is signed. Author and admin may be two people: the author writes it with
``--proof-out``, the admin registers it with ``--proof`` after reading what it says.
"""

from datetime import timedelta
from pathlib import Path

import click

from keys.errors import UsageError
from signer.form import Custody, Form
from signer.identity import PERMISSIONS, Identity, IdentityTerms
from trustacks._cli.config import Login
from trustacks._cli.connect import open_client, open_pinned
from trustacks._cli.files import read_given, refuse_existing, write_new
from trustacks._cli.identity_claim import (
    NOT_PROVED,
    claim_options,
    claim_request,
    claim_text,
    read_claim,
)
from trustacks._cli.identity_show import identity_text
from trustacks._cli.keyring import open_key
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.session import Session
from trustacks._cli.shown import statement_text
from trustacks._cli.trust import is_sovereign, propose_change
from trustacks.client import WorkspaceApi
from trustacks.limits import IDENTITY_DAYS, MAX_PROOF_BYTES
from trustacks.possession import Proof, check_proof, prove
from trustacks.trust_changes import registration, registration_of_subject

_FILE = click.Path(path_type=Path)


@command("register")
@click.argument("identity_id", metavar="[ID]", required=False)
@click.option("--principal", help="Who it is, such as alice@example.com.")
@click.option("--permission", "permissions", multiple=True, help="Such as author.")
@click.option("--namespace", "namespaces", multiple=True, help="Such as acme, or *.")
@click.option(
    "--key",
    metavar="NAME|URI",
    help="The key, if not the default one; none that the Control Plane may call.",
)
@click.option(
    "--days", type=click.IntRange(1, 3650), default=IDENTITY_DAYS, show_default=True
)
@click.option("--proof-out", type=_FILE, help="Only write the proof, for an admin.")
@click.option("--proof", type=_FILE, help="Register this proof of somebody else's key.")
@claim_options
@workspace_option
def register(
    session: Session,
    *,
    identity_id: str | None,
    principal: str | None,
    permissions: tuple[str, ...],
    namespaces: tuple[str, ...],
    key: str | None,
    days: int,
    proof_out: Path | None,
    proof: Path | None,
    workspace: str | None,
    **oidc: str | None,
) -> None:
    """Register the signing identity ID: a local key, which is proved, or OIDC."""
    login, claim = session.login(workspace), read_claim(**oidc)
    if claim.said and (key or proof_out or proof):
        raise UsageError("expected a key or an OIDC subject, got both")
    if proof:
        given = Proof.parse(read_given(proof, max_bytes=MAX_PROOF_BYTES))
        session.output.say(f"the proof in {proof} says:")
        session.output.say(statement_text(given.statement))
        _register(session, login, given)
        return
    if not (identity_id and principal and permissions and namespaces):
        raise UsageError(
            "expected ID, --principal, --permission and --namespace, or --proof FILE"
        )
    now = session.clock()
    terms = IdentityTerms(
        id=identity_id,
        principal=principal,
        custody=Custody.EXTERNAL,
        permissions=_known(permissions),
        namespaces=frozenset(namespaces),
        not_before=now,
        not_after=now + timedelta(days=days),
    )
    if claim.said:
        register_subject(session, login, Identity.of(terms, claim.credential()))
        return
    if proof_out:
        refuse_existing(proof_out)
    made = prove(
        terms,
        key=open_key(session, key),
        api=_api(session, login),
        workspace=open_pinned(session, login).workspace,
        show=lambda statement: session.output.say(statement_text(statement)),
    )
    if proof_out is None:
        _register(session, login, made)
        return
    write_new(proof_out, made.to_bytes())
    said = f"proof for {identity_id} in {proof_out}: give it to an admin"
    session.output.result({"id": identity_id, "proof": str(proof_out)}, said)


def register_subject(session: Session, login: Login, identity: Identity) -> None:
    """Have an OIDC subject registered, on an admin's word alone."""
    session.output.say(claim_text(identity))
    if is_sovereign(session, login):
        propose_change(session, login.workspace, registration_of_subject(identity))
    else:
        found = _api(session, login).post("/identities", claim_request(identity))
        session.output.result(found, lambda: f"registered\n{identity_text(found)}")
    session.output.hint(NOT_PROVED)


def _register(session: Session, login: Login, proof: Proof) -> None:
    """Check a proof against the pin, then have it registered."""
    at = session.clock()
    pinned = open_pinned(session, login).refresh(at=at)
    terms = check_proof(proof, trust=pinned.trust, at=at)
    if pinned.view.form is Form.SOVEREIGN:
        propose_change(session, login.workspace, registration(terms, proof))
        return
    found = _api(session, login).post("/identities", proof.to_request())
    session.output.result(found, lambda: f"registered\n{identity_text(found)}")


def _api(session: Session, login: Login) -> WorkspaceApi:
    return open_client(session, login).workspace(login.workspace)


def _known(permissions: tuple[str, ...]) -> frozenset[str]:
    unknown = sorted(set(permissions) - PERMISSIONS)
    if unknown:
        known = ", ".join(sorted(PERMISSIONS))
        raise UsageError(f"expected permissions of {known}, got {unknown[0]!r}")
    return frozenset(permissions)
