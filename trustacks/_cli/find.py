# SPDX-License-Identifier: Apache-2.0
"""``trustacks find``: who signed what, which release has it, which Runner runs it.

The Control Plane's index answers; ``audit replay`` proves.
"""

from typing import Any

import click

from keys.digest import Digest
from keys.errors import UsageError
from trustacks._cli.connect import open_client
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.output import columns
from trustacks._cli.session import Session
from trustacks.answers import number_of, optional_of, text_of
from trustacks.client import WorkspaceApi
from trustacks.finding import attestations, releases_with, runners_of


@command("attestations")
@click.option("--subject", metavar="DIGEST", help="About these bytes: sha256:...")
@click.option("--identity", metavar="ID", help="Signed by this identity.")
@click.option("--type", "kind", metavar="URI", help="Of this predicate type only.")
@workspace_option
def find_attestations(
    session: Session,
    *,
    subject: str | None,
    identity: str | None,
    kind: str | None,
    workspace: str | None,
) -> None:
    """List logged attestations about a subject, or by an identity."""
    query = _query(subject, identity, kind)
    found = list(attestations(_api(session, workspace), **query))
    rows = [
        (
            str(number_of(item, "index")),
            text_of(item, "predicate_type") or "unknown",
            str(optional_of(item, "identity") or ""),
            text_of(item, "digest"),
        )
        for item in found
    ]
    heads = ("ENTRY", "TYPE", "SIGNED BY", "STATEMENT")
    session.output.result({"items": found}, lambda: columns([heads, *rows]))


@command("releases")
@click.argument("rule")
@workspace_option
def find_releases(session: Session, *, rule: str, workspace: str | None) -> None:
    """List the releases with RULE in force: an id, or the digest of its Rego."""
    found = list(releases_with(_api(session, workspace), rule))
    rows = [_release(item) for item in found]
    heads = ("REVISION", "BY", "ISSUED", "ARCHIVE")
    session.output.result({"items": found}, lambda: columns([heads, *rows]))


@command("runners")
@click.argument("revision", type=click.IntRange(min=1))
@workspace_option
def find_runners(session: Session, *, revision: int, workspace: str | None) -> None:
    """List the Runners that verified and activated REVISION, and since when."""
    found = runners_of(_api(session, workspace), revision)
    rows = [
        (text_of(item, "runner"), text_of(item, "at"), str(number_of(item, "sequence")))
        for item in found
    ]
    heads = ("RUNNER", "SINCE", "REPORT")
    session.output.result({"items": found}, lambda: columns([heads, *rows]))


def _query(
    subject: str | None, identity: str | None, kind: str | None
) -> dict[str, str]:
    """Return what is asked.

    Raises:
        UsageError: Neither subject nor identity, or both, or a type that is no use.
    """
    if (subject is None) == (identity is None):
        raise UsageError("expected --subject or --identity, got neither or both")
    if subject is not None:
        if kind is not None:
            raise UsageError("expected --type with --identity, got it with --subject")
        return {"subject": str(Digest.parse(subject))}
    asked = {"identity": identity or ""}
    return asked | ({"predicate_type": kind} if kind else {})


def _api(session: Session, workspace: str | None) -> WorkspaceApi:
    login = session.login(workspace)
    return open_client(session, login).workspace(login.workspace)


def _release(item: dict[str, Any]) -> tuple[str, ...]:
    names = ("identity", "issued_at", "archive")
    return (str(number_of(item, "revision")), *(text_of(item, one) for one in names))
