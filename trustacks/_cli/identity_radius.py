# SPDX-License-Identifier: Apache-2.0
"""``trustacks identity blast-radius``: what stops if an identity is revoked now."""

import click

from trustacks._cli.connect import open_pinned
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.output import pairs
from trustacks._cli.session import Session
from trustacks.radius import Radius, radius_of, sentences


@command("blast-radius")
@click.argument("identity_id", metavar="ID")
@workspace_option
def blast_radius(session: Session, *, identity_id: str, workspace: str | None) -> None:
    """Show what of the newest release rests on ID, from what was signed."""
    at = session.clock()
    pinned = open_pinned(session, session.login(workspace)).refresh(at=at)
    radius = radius_of(identity_id, pinned, pinned.head(at=at))
    session.output.result(radius.to_json(), lambda: _text(radius))


def _text(radius: Radius) -> str:
    rows = [
        ("identity", f"{radius.identity.id} ({radius.identity.principal})"),
        ("may", ", ".join(sorted(radius.identity.permissions))),
        ("revision", str(radius.revision or "none")),
        ("rules", ", ".join(radius.rules) or "none"),
        ("approvals", ", ".join(radius.approvals) or "none"),
        ("retirements", ", ".join(radius.retirements) or "none"),
        ("waivers", str(len(radius.waivers)) if radius.waivers else "none"),
        ("release", "signed by it" if radius.release else "signed by another"),
    ]
    return "\n".join([pairs(rows), *sentences(radius)])
