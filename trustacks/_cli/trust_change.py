# SPDX-License-Identifier: Apache-2.0
"""``trustacks trust change``: propose what of trust is not about one identity."""

from pathlib import Path
from typing import Any

import click

from bundle.gate.approvals import approval_threshold
from bundle.gate.thresholds import release_threshold
from bundle.trust_rules import TrustRules
from keys.clock import format_instant, parse_instant
from keys.digest import Digest
from keys.errors import FormatError, UsageError
from keys.public import MAX_KEY_BYTES, PublicKey
from signer.pins import Floor
from signer.trust_laws import THRESHOLDS
from trustacks._cli.connect import open_client, open_pinned
from trustacks._cli.files import read_given
from trustacks._cli.floor import floor_option, read_floor
from trustacks._cli.lazy import command, expired_option, workspace_option
from trustacks._cli.session import Session
from trustacks._cli.trust import is_sovereign, propose_change, require_sovereign
from trustacks.trust_changes import another_release_key, renewal, rules_of_trust

_DAY = 86_400
# Thresholds that are asked of what the chain of releases leads through, too.
_WALKED = frozenset({"release", "approval"})


@command("change")
@floor_option
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="WHAT=N",
    help="How many principals a rule, a release, or a change (approval: its author and "
    "who approves it) needs. More for releases or changes also make the newest release "
    "the floor, unless --floor says another.",
)
@click.option("--release-days", type=int, help="How long a release may last.")
@click.option("--targets-days", type=int, help="How long targets may last.")
@click.option("--stale-until", metavar="INSTANT", help="The end of decide and mark.")
@click.option("--grace-seconds", type=int, help="How long a revoked bundle decides.")
@click.option("--withdraw-waiver", "waivers", multiple=True, metavar="DIGEST")
@click.option(
    "--release-key",
    type=click.Path(path_type=Path),
    help="An online key that offers releases from now on; only that changes.",
)
@workspace_option
def change(
    session: Session,
    *,
    floor: str | None,
    thresholds: tuple[str, ...],
    release_days: int | None,
    targets_days: int | None,
    stale_until: str | None,
    grace_seconds: int | None,
    waivers: tuple[str, ...],
    release_key: Path | None,
    workspace: str | None,
) -> None:
    """Set another floor, thresholds, ages, or the end of a waiver.

    In a sovereign workspace this makes a proposal; in an embedded one it is done.
    """
    known = read_floor(floor)
    ages: dict[str, Any] = {
        "release_max_seconds": release_days and release_days * _DAY,
        "targets_max_seconds": targets_days and targets_days * _DAY,
        "stale_until": stale_until and _instant(stale_until),
        "revocation_grace_seconds": grace_seconds,
    }
    freshness = {name: value for name, value in ages.items() if value is not None}
    wanted = dict(_threshold(text) for text in thresholds)
    changes = bool(known or wanted or freshness or waivers)
    if release_key is not None and not changes:
        require_sovereign(session, workspace)
        key = PublicKey.from_pem(read_given(release_key, max_bytes=MAX_KEY_BYTES))
        propose_change(session, workspace, another_release_key(key))
        return
    if release_key is not None or not changes:
        got = "--release-key and another" if changes else "nothing"
        raise UsageError(f"expected something to change, got {got}")
    rules = TrustRules(
        floor=Floor(known.revision, known.digest)
        if known
        else _floor_for(session, workspace, wanted),
        thresholds=wanted,
        freshness=freshness,
        withdrawn=frozenset(Digest.parse(one) for one in waivers),
    )
    if is_sovereign(session, session.login(workspace)):
        propose_change(session, workspace, rules_of_trust(rules))
    else:
        _set(session, workspace, rules)


@command("renew")
@expired_option
@workspace_option
def renew(session: Session, *, expired: bool, workspace: str | None) -> None:
    """Propose the trust in force for as long again: it lasts 89 days."""
    require_sovereign(session, workspace)
    propose_change(session, workspace, renewal(), expired=expired)


def _set(session: Session, workspace: str | None, rules: TrustRules) -> None:
    """Have the Control Plane, which holds the admin keys here, change the rules."""
    login = session.login(workspace)
    stale = rules.freshness.get("stale_until")
    sent = {
        "thresholds": dict(rules.thresholds),
        "withdrawn_waivers": sorted(map(str, rules.withdrawn)),
        **rules.freshness,
        **({"stale_until": format_instant(stale)} if stale else {}),
        **({"floor": rules.floor.to_json()} if rules.floor else {}),
    }
    api = open_client(session, login).workspace(login.workspace)
    done = api.post("/trust/rules", sent)
    session.output.result(done, lambda: f"targets {done['targets_version']} in force")


def _floor_for(
    session: Session, workspace: str | None, thresholds: dict[str, int]
) -> Floor | None:
    """Return the floor without which a raised threshold would stop all.

    What is published has as many signatures, and its changes as many approvals, as were
    asked for then; the admins vouch for it by its digest.
    """
    if not thresholds.keys() & _WALKED:
        return None
    at = session.clock()
    pinned = open_pinned(session, session.login(workspace)).refresh(at=at)
    before = {
        "approval": approval_threshold(pinned.trust),
        "release": release_threshold(pinned.trust.policy),
    }
    raised = [name for name in before if thresholds.get(name, 0) > before[name]]
    head = pinned.head(at=at) if raised else None
    if head is None:
        return None
    revision = head.release.revision
    session.output.say(
        f"the floor becomes revision {revision}: what is published was made under a "
        f"lower threshold for {' and '.join(raised)}"
    )
    return Floor(revision, head.digest)


def _threshold(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if name not in THRESHOLDS or not (number.isascii() and number.isdigit()):
        known = " or ".join(f"{one}=2" for one in sorted(THRESHOLDS))
        raise UsageError(f"--threshold: expected {known}, got {text!r}")
    return name, int(number)


def _instant(text: str) -> Any:
    try:
        return parse_instant(text)
    except FormatError as error:
        raise UsageError(f"--stale-until: {error.message}") from error
