# SPDX-License-Identifier: Apache-2.0
"""``trustacks trust change``: propose what of trust is not about one identity."""

from typing import Any

import click

from keys.clock import parse_instant
from keys.digest import Digest
from keys.errors import FormatError, UsageError
from signer.pins import Floor
from signer.trust_laws import THRESHOLDS
from trustacks._cli.floor import floor_option, read_floor
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.session import Session
from trustacks._cli.trust import is_sovereign, propose_change
from trustacks.trust_changes import rules_of_trust
from trustacks.trust_errors import EmbeddedTrustError

_DAY = 86_400


@command("change")
@floor_option
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="WHAT=N",
    help="How many principals a rule or a release needs.",
)
@click.option("--release-days", type=int, help="How long a release may last.")
@click.option("--targets-days", type=int, help="How long targets may last.")
@click.option("--stale-until", metavar="INSTANT", help="The end of decide and mark.")
@click.option("--grace-seconds", type=int, help="How long a revoked bundle decides.")
@click.option("--withdraw-waiver", "waivers", multiple=True, metavar="DIGEST")
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
    workspace: str | None,
) -> None:
    """Propose another floor, thresholds, ages, or the end of a waiver."""
    if not is_sovereign(session, session.login(workspace)):
        raise EmbeddedTrustError(
            "expected a sovereign workspace, got an embedded one",
            hint="there the Control Plane holds the admin keys; nobody proposes",
        )
    known = read_floor(floor)
    ages: dict[str, Any] = {
        "release_max_seconds": release_days and release_days * _DAY,
        "targets_max_seconds": targets_days and targets_days * _DAY,
        "stale_until": stale_until and _instant(stale_until),
        "revocation_grace_seconds": grace_seconds,
    }
    freshness = {name: value for name, value in ages.items() if value is not None}
    wanted = dict(_threshold(text) for text in thresholds)
    if not (known or wanted or freshness or waivers):
        raise UsageError("expected something to change, got nothing")
    made = rules_of_trust(
        floor=Floor(known.revision, known.digest) if known else None,
        thresholds=wanted,
        freshness=freshness,
        withdrawn=[Digest.parse(one) for one in waivers],
    )
    propose_change(session, workspace, made)


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
