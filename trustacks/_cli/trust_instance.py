# SPDX-License-Identifier: Apache-2.0
"""``trustacks trust instance``: which Sigstore instances may certify OIDC subjects.

An instance is pinned as its own TrustedRoot document has it; whoever hands the document
over says who can cause the word of its parts, because the document does not.
"""

from pathlib import Path
from typing import Final

import click

from bundle.trust_instances import Custodies
from keys.strict import b64encode
from signer.form import Custody
from signer.instances import SigstoreInstance
from signer.limits import MAX_TRUSTED_ROOT_BYTES
from trustacks._cli.connect import open_client, open_pinned
from trustacks._cli.files import read_given
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.output import columns
from trustacks._cli.session import Session
from trustacks._cli.trust import is_sovereign, propose_change
from trustacks.client import segment
from trustacks.trust_changes import instance_dropped, instance_pinned

_WHO: Final = click.Choice([one.value for one in Custody])


@command("add")
@click.argument("name")
@click.option(
    "--trusted-root",
    type=click.Path(path_type=Path),
    required=True,
    help="Its TrustedRoot, as `cosign trusted-root create` or its TUF has it.",
)
@click.option(
    "--oidc-issuer",
    "issuers",
    multiple=True,
    required=True,
    metavar="URL",
    help="An issuer that it may speak for.",
)
@click.option(
    "--custody", type=_WHO, required=True, help="Who can cause its certificates."
)
@click.option("--ct-custody", type=_WHO, help="Of its CT logs, if another.")
@click.option("--issuer-custody", type=_WHO, help="Of the issuers, if another.")
@click.option(
    "--tsa-custody",
    type=_WHO,
    help="Trust its timestamp authorities, too, of this custody.",
)
@workspace_option
def add(
    session: Session,
    *,
    name: str,
    trusted_root: Path,
    issuers: tuple[str, ...],
    custody: str,
    ct_custody: str | None,
    issuer_custody: str | None,
    tsa_custody: str | None,
    workspace: str | None,
) -> None:
    """Pin the Sigstore instance NAME; one of that name is replaced."""
    login = session.login(workspace)
    given = read_given(trusted_root, max_bytes=MAX_TRUSTED_ROOT_BYTES)
    whose = Custody(issuer_custody or custody)
    custodies = Custodies(
        certificate_authorities=Custody(custody),
        ct_logs=Custody(ct_custody or custody),
        issuers=dict.fromkeys(issuers, whose),
    )
    pinned = open_pinned(session, login).refresh(at=session.clock())
    stamping = Custody(tsa_custody) if tsa_custody else None
    wanted = instance_pinned(
        pinned, name, given=given, custodies=custodies, tsa_custody=stamping
    )
    if is_sovereign(session, login):
        propose_change(session, login.workspace, wanted)
        return
    sent = {
        "name": name,
        "trusted_root": b64encode(given),
        "issuers": dict.fromkeys(issuers, whose.value),
        "ca_custody": custody,
        "ct_custody": ct_custody or custody,
        "tsa_custody": tsa_custody,
    }
    api = open_client(session, login).workspace(login.workspace)
    done = api.post("/trust/instances", sent)
    session.output.result(done, lambda: f"pinned {name}")


@command("remove")
@click.argument("name")
@workspace_option
def remove(session: Session, *, name: str, workspace: str | None) -> None:
    """Drop the instance NAME: no certificate of it counts, also of the past."""
    login = session.login(workspace)
    if is_sovereign(session, login):
        pinned = open_pinned(session, login).refresh(at=session.clock())
        propose_change(session, login.workspace, instance_dropped(pinned, name))
        return
    api = open_client(session, login).workspace(login.workspace)
    api.delete(f"/trust/instances/{segment(name)}")
    session.output.result({"removed": name}, lambda: f"removed {name}")


@command("list")
@workspace_option
def list_(session: Session, *, workspace: str | None) -> None:
    """List the pinned instances, from the trust that is pinned here."""
    pinned = open_pinned(session, session.login(workspace)).refresh(at=session.clock())
    policy = pinned.trust.policy
    found = sorted(policy.instances.items())
    value = {"items": [{"name": name} | one.to_json() for name, one in found]}
    heads = ("INSTANCE", "CAS", "CT LOGS", "ISSUERS")
    rows = [_row(name, one) for name, one in found]
    session.output.result(value, lambda: columns([heads, *rows]))


def _row(name: str, one: SigstoreInstance) -> tuple[str, ...]:
    parts = (one.certificate_authorities, one.ct_logs)
    return (name, *(str(len(part)) for part in parts), ", ".join(sorted(one.issuers)))
