# SPDX-License-Identifier: Apache-2.0
"""``trustacks trust authority``: outside timestamp authorities.

A certificate of an OIDC subject lives for minutes, and the Control Plane cannot say
that a signature was made in them: it takes somebody outside (ADR 0040).
"""

from pathlib import Path
from typing import Final

import click

from keys.digest import Digest
from signer.form import Custody
from signer.limits import MAX_TRUSTED_ROOT_BYTES
from trustacks._cli.connect import open_pinned
from trustacks._cli.files import read_given
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.output import columns
from trustacks._cli.session import Session
from trustacks._cli.trust import propose_change, require_sovereign
from trustacks.pinned import Pinned
from trustacks.trust_changes import authorities_pinned, authority_dropped

_WHO: Final = click.Choice([one.value for one in Custody])


@command("add")
@click.option(
    "--trusted-root",
    type=click.Path(path_type=Path),
    required=True,
    help="A TrustedRoot with them, as `cosign trusted-root create` makes it.",
)
@click.option(
    "--custody", type=_WHO, required=True, help="Who can cause their timestamps."
)
@workspace_option
def add(
    session: Session, *, trusted_root: Path, custody: str, workspace: str | None
) -> None:
    """Propose to trust the timestamp authorities of a TrustedRoot."""
    require_sovereign(session, workspace)
    given = read_given(trusted_root, max_bytes=MAX_TRUSTED_ROOT_BYTES)
    pinned = _refreshed(session, workspace)
    wanted = authorities_pinned(pinned, given=given, custody=Custody(custody))
    propose_change(session, workspace, wanted)


@command("remove")
@click.argument("digest")
@workspace_option
def remove(session: Session, *, digest: str, workspace: str | None) -> None:
    """Propose to trust the outside authority DIGEST no longer, also of the past."""
    require_sovereign(session, workspace)
    authority = Digest.parse(digest)
    pinned = _refreshed(session, workspace)
    propose_change(session, workspace, authority_dropped(pinned, authority))


@command("list")
@workspace_option
def list_(session: Session, *, workspace: str | None) -> None:
    """List the timestamp authorities, from the trust that is pinned here."""
    trust = _refreshed(session, workspace).trust
    table = trust.policy.custody
    found = [
        (str(one.digest), table.of_authority(one.digest).value, one.uri)
        for one in trust.trusted_root.authorities
    ]
    fields = ("certificate", "custody", "uri")
    value = {"items": [dict(zip(fields, row, strict=True)) for row in found]}
    heads = ("CERTIFICATE", "CUSTODY", "ADDRESS")
    session.output.result(value, lambda: columns([heads, *found]))


def _refreshed(session: Session, workspace: str | None) -> Pinned:
    return open_pinned(session, session.login(workspace)).refresh(at=session.clock())
