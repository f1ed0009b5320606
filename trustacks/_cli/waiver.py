# SPDX-License-Identifier: Apache-2.0
"""``trustacks waiver sign, approve, list``: exceptions from packs' rules.

Two people who may waive sign one statement; a release then lists it. To end one early,
admins withdraw it: ``trustacks trust change --withdraw-waiver DIGEST``.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from bundle.overlay_waivers import (
    WaiverFiles,
    approved_path,
    find_waiver,
    read_waivers,
    waiver_path,
)
from keys.clock import format_instant, parse_instant
from keys.durable import write_file
from signer.attestation import parse_attestation
from signer.predicates.waiver import WaiverPredicate, WaiverScope
from signer.statement import parse_statement
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.oidc_options import asked, signer_options
from trustacks._cli.output import columns
from trustacks._cli.overlay_files import new_overlay_folder, overlay_option
from trustacks._cli.seconds import open_second
from trustacks._cli.session import Session
from trustacks.signing import said_in, statement_digest
from trustacks.waiver_errors import UnknownPackRuleError
from trustacks.waiving import Waiving


@command("sign")
@click.option("--rule", metavar="ID", required=True, help="The pack's rule.")
@click.option("--pack", metavar="NAME", help="The pack, if more than one is pinned.")
@click.option(
    "--justification",
    metavar="TEXT",
    required=True,
    help="Why, in 40 characters or more.",
)
@click.option(
    "--expires", metavar="INSTANT", required=True, help="Until when, 90 days at most."
)
@click.option("--not-before", metavar="INSTANT", help="From when; now by default.")
@click.option("--service", "services", multiple=True, help="Only for this service.")
@click.option("--target", "targets", multiple=True, help="Only for this target.")
@click.option("--tier", "tiers", multiple=True, help="Only for this tier.")
@signer_options("The key of whoever asks.")
@overlay_option
@workspace_option
def sign(
    session: Session,
    /,
    *,
    rule: str,
    pack: str | None,
    justification: str,
    expires: str,
    not_before: str | None,
    services: tuple[str, ...],
    targets: tuple[str, ...],
    tiers: tuple[str, ...],
    overlay: Path | None,
    workspace: str | None,
    **given: Any,
) -> None:
    """Ask that a rule of a pack does not count, for a while.

    It counts once somebody else who may waive has approved it, and a release lists it.
    """
    end = parse_instant(expires)
    begin = parse_instant(not_before) if not_before else session.clock()
    waiving = open_second(session, Waiving, asked(given), workspace)
    raw = waiving.ask(
        rule,
        pack or _only(waiving, rule),
        scope=WaiverScope(
            services=_scope(services), targets=_scope(targets), tiers=_scope(tiers)
        ),
        not_before=begin.replace(microsecond=0),
        expires=end,
        justification=justification,
    )
    path = waiver_path(new_overlay_folder(overlay), rule, statement_digest(raw))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, raw)
    name = path.name.removesuffix(".sigstore.json")
    value = _value(name, path, raw, waiving.identity.id)
    session.output.result(
        value, lambda: f"asked for as {value['identity']}: {path.as_posix()}"
    )
    session.output.hint(f"another person approves it: trustacks waiver approve {name}")


@command("approve")
@click.argument("waiver")
@signer_options("The approver's key.")
@overlay_option
@workspace_option
def approve(
    session: Session,
    /,
    *,
    waiver: str,
    overlay: Path | None,
    workspace: str | None,
    **given: Any,
) -> None:
    """Approve WAIVER, a name or a file, that somebody else asked for."""
    files = find_waiver(new_overlay_folder(overlay), waiver)
    waiving = open_second(session, Waiving, asked(given), workspace)
    raw = waiving.approve(files)
    path = approved_path(files, waiving.identity.id)
    write_file(path, raw)
    value = _value(files.name, path, raw, waiving.identity.id)
    session.output.result(
        value, lambda: f"approved as {value['identity']}: {path.as_posix()}"
    )


@command("list")
@overlay_option
def list_(session: Session, *, overlay: Path | None) -> None:
    """List the waivers of the overlay; whether one counts its release says.

    STATE: unapproved, to come, live or over.
    """
    found = [
        _described(files, session.clock())
        for files in read_waivers(new_overlay_folder(overlay))
    ]
    names = ("name", "state", "expires")
    rows = [
        [*(str(one[name]) for name in names), _scope_text(one["scope"])]
        for one in found
    ]
    heads = ("WAIVER", "STATE", "EXPIRES", "FOR")
    session.output.result({"waivers": found}, lambda: columns([heads, *rows]))


def _only(waiving: Waiving, rule: str) -> str:
    """Return the one pack that is pinned.

    Raises:
        UnknownPackRuleError: There are more, or none.
    """
    packs = sorted(waiving.pinned.parents().packs)
    if len(packs) != 1:
        raise UnknownPackRuleError(
            f"expected a pack that has {rule}, got {', '.join(packs) or 'none'}",
            hint="name it: --pack NAME",
        )
    return packs[0]


def _scope(names: Iterable[str]) -> tuple[str, ...] | None:
    return tuple(sorted(set(names))) or None


def _value(name: str, path: Path, raw: bytes, identity: str) -> dict[str, Any]:
    return {
        "name": name,
        "attestation": str(path),
        "statement": str(statement_digest(raw)),
        "identity": identity,
        "predicate": said_in(raw),
    }


def _described(files: WaiverFiles, at: datetime) -> dict[str, Any]:
    """Describe a waiver as its file says; whether it counts the release shows."""
    attestation = parse_attestation(files.attestation)
    said = WaiverPredicate.parse(
        parse_statement(attestation.envelope.payload).predicate
    )
    return {
        "name": files.name,
        "statement": str(attestation.digest),
        "rule_id": said.rule_id,
        "pack": said.pack.name,
        "scope": said.scope.to_json(),
        "state": _state(files, said, at),
        "not_before": format_instant(said.not_before),
        "expires": format_instant(said.expires),
        "identity": said.identity,
        "signatures": 1 + len(files.cosignatures),
        "justification": said.justification,
    }


def _state(files: WaiverFiles, said: WaiverPredicate, at: datetime) -> str:
    if at >= said.expires:
        return "over"
    if not files.cosignatures:
        return "unapproved"
    return "live" if said.live(at) else "to come"


def _scope_text(scope: dict[str, Any]) -> str:
    named = [",".join(names) for names in scope.values() if names is not None]
    return " ".join(named) or "everything"
