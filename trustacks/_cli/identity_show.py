# SPDX-License-Identifier: Apache-2.0
"""``trustacks identity list, show``: who may sign, as the Control Plane has it."""

from typing import Any

import click

from keys.public import PublicKey
from trustacks._cli.connect import open_client
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.output import columns, pairs
from trustacks._cli.session import Session
from trustacks.answers import items_of, optional_of, text_of
from trustacks.client import segment


@command("list")
@workspace_option
def list_(session: Session, workspace: str | None) -> None:
    """List the identities that sign, with their permissions and state."""
    login = session.login(workspace)
    answer = open_client(session, login).workspace(login.workspace).get("/identities")
    rows = [_row(item) for item in items_of(answer)]
    heads = ("ID", "PRINCIPAL", "BY", "PERMISSIONS", "NAMESPACES", "CUSTODY", "STATE")
    session.output.result(answer, lambda: columns([heads, *rows]))


@command("show")
@click.argument("identity_id", metavar="ID")
@workspace_option
def show(session: Session, identity_id: str, workspace: str | None) -> None:
    """Show the identity ID."""
    login = session.login(workspace)
    api = open_client(session, login).workspace(login.workspace)
    found = api.get(f"/identities/{segment(identity_id)}")
    session.output.result(found, lambda: identity_text(found))


def identity_text(item: Any) -> str:
    """Return an identity as lines for people."""
    return pairs(
        [
            ("identity", text_of(item, "id")),
            ("principal", text_of(item, "principal")),
            ("permissions", _joined(item, "permissions")),
            ("namespaces", _joined(item, "namespaces")),
            ("custody", _custody(item)),
            (
                "window",
                f"{text_of(item, 'not_before')} to {text_of(item, 'not_after')}",
            ),
            ("state", _state(item)),
            *_known_by(item),
        ]
    )


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    return (
        text_of(item, "id"),
        text_of(item, "principal"),
        "key" if optional_of(item, "oidc") is None else text_of(item, "oidc", "issuer"),
        _joined(item, "permissions"),
        _joined(item, "namespaces"),
        _custody(item),
        _state(item),
    )


def _known_by(item: Any) -> list[tuple[str, str]]:
    claim = optional_of(item, "oidc")
    if claim is None:
        return [("key id", PublicKey.from_pem(text_of(item, "public_key")).key_id)]
    exact = optional_of(claim, "subject") is not None
    return [
        ("instance", text_of(claim, "instance")),
        ("issuer", text_of(claim, "issuer")),
        ("subject", text_of(claim, "subject"))
        if exact
        else ("every subject", text_of(claim, "subject_pattern")),
    ]


def _custody(item: Any) -> str:
    own, effective = text_of(item, "custody"), optional_of(item, "effective_custody")
    through = isinstance(effective, str) and effective != own
    return f"{effective}, by its CA or issuer" if through else own


def _state(item: Any) -> str:
    end = optional_of(item, "revoked")
    if end is None:
        return "registered"
    return "suspended" if optional_of(end, "final") is False else "revoked"


def _joined(item: Any, name: str) -> str:
    values = optional_of(item, name)
    return ", ".join(str(v) for v in values) if isinstance(values, list) else ""
