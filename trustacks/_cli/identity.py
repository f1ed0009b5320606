# SPDX-License-Identifier: Apache-2.0
"""``trustacks identity``: who may sign what, with proof that they hold the key.

The proof is a statement of its own predicate type, built here from what the person
asked for, the pinned workspace and the Control Plane's challenge, shown before it is
signed. Author and admin may be two people: the author writes the proof with
``--proof-out``, the admin registers it with ``--proof`` after reading what it says.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from keys.errors import UsageError
from keys.public import PublicKey
from signer.form import Custody, Form
from signer.identity import PERMISSIONS, IdentityTerms
from trustacks._cli.config import Login
from trustacks._cli.connect import open_client, open_pinned
from trustacks._cli.files import read_given, refuse_existing, write_new
from trustacks._cli.keyring import open_key
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.output import columns, pairs
from trustacks._cli.session import Session
from trustacks._cli.shown import statement_text
from trustacks._cli.trust import propose_change
from trustacks.answers import items_of, optional_of, text_of
from trustacks.client import WorkspaceApi, segment
from trustacks.limits import IDENTITY_DAYS, MAX_PROOF_BYTES
from trustacks.possession import Proof, check_proof, prove
from trustacks.trust_changes import registration

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
) -> None:
    """Register the signing identity ID with a local key, proving that it is held."""
    login = session.login(workspace)
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
    if proof_out:
        refuse_existing(proof_out)
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


@command("list")
@workspace_option
def list_(session: Session, workspace: str | None) -> None:
    """List the identities that sign, with their permissions and state."""
    answer = _api(session, session.login(workspace)).get("/identities")
    rows = [_row(item) for item in items_of(answer)]
    heads = ("ID", "PRINCIPAL", "PERMISSIONS", "NAMESPACES", "CUSTODY", "STATE")
    session.output.result(answer, lambda: columns([heads, *rows]))


@command("show")
@click.argument("identity_id", metavar="ID")
@workspace_option
def show(session: Session, identity_id: str, workspace: str | None) -> None:
    """Show the identity ID."""
    api = _api(session, session.login(workspace))
    found = api.get(f"/identities/{segment(identity_id)}")
    session.output.result(found, lambda: _text(found))


def _register(session: Session, login: Login, proof: Proof) -> None:
    """Check a proof against the pin, then have it registered."""
    at = session.clock()
    pinned = open_pinned(session, login).refresh(at=at)
    terms = check_proof(proof, trust=pinned.trust, at=at)
    if pinned.view.form is Form.SOVEREIGN:
        propose_change(session, login.workspace, registration(terms, proof))
        return
    found = _api(session, login).post("/identities", proof.to_request())
    session.output.result(found, lambda: f"registered\n{_text(found)}")


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    state = "revoked" if optional_of(item, "revoked") else "registered"
    return (
        text_of(item, "id"),
        text_of(item, "principal"),
        _joined(item, "permissions"),
        _joined(item, "namespaces"),
        text_of(item, "custody"),
        state,
    )


def _text(item: Any) -> str:
    return pairs(
        [
            ("identity", text_of(item, "id")),
            ("principal", text_of(item, "principal")),
            ("permissions", _joined(item, "permissions")),
            ("namespaces", _joined(item, "namespaces")),
            ("custody", text_of(item, "custody")),
            (
                "window",
                f"{text_of(item, 'not_before')} to {text_of(item, 'not_after')}",
            ),
            ("key id", PublicKey.from_pem(text_of(item, "public_key")).key_id),
        ]
    )


def _joined(item: Any, name: str) -> str:
    values = optional_of(item, name)
    return ", ".join(str(v) for v in values) if isinstance(values, list) else ""


def _api(session: Session, login: Login) -> WorkspaceApi:
    return open_client(session, login).workspace(login.workspace)


def _known(permissions: tuple[str, ...]) -> frozenset[str]:
    unknown = sorted(set(permissions) - PERMISSIONS)
    if unknown:
        known = ", ".join(sorted(PERMISSIONS))
        raise UsageError(f"expected permissions of {known}, got {unknown[0]!r}")
    return frozenset(permissions)
