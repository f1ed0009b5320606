# SPDX-License-Identifier: Apache-2.0
"""``trustacks bundle cosign``: a further release identity signs what another released.

Where admins ask for several principals behind each release, each signs the same
statement. It is judged here by the gate's own steps, from the pinned state, and shown,
before it is signed; whoever is the last to be asked publishes it.
"""

import contextlib
from pathlib import Path
from typing import Any

import click

from bundle.limits import PENDING_BOUNDS
from bundle.pending import PendingRelease
from keys.errors import TrustacksError, UsageError
from trustacks._cli.connect import open_client, open_pinned
from trustacks._cli.engine import open_engine
from trustacks._cli.files import read_given, refuse_existing, write_new
from trustacks._cli.git import source_of
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.oidc_options import asked, signer_options
from trustacks._cli.output import pairs
from trustacks._cli.overlay_files import overlay_folder, read_rules
from trustacks._cli.session import Session
from trustacks._cli.shown import statement_text
from trustacks._cli.signatory import open_signatory
from trustacks.keeping import keep_released
from trustacks.pending import ReleaseCosigner, ReviewedRelease
from trustacks.preparing import Preparer
from trustacks.submitting import require_rebuilt

_FILE = click.Path(path_type=Path)


@command("cosign")
@click.argument("release", required=False, metavar="[RELEASE]")
@signer_options("Your release key, if not the default one.")
@click.option(
    "--overlay",
    type=_FILE,
    help="The overlay repository at the release's commit: build it again and compare.",
)
@click.option("-o", "--out", type=_FILE, help="A file for the next signer.")
@workspace_option
def cosign(
    session: Session,
    /,
    *,
    release: str | None,
    overlay: Path | None,
    out: Path | None,
    workspace: str | None,
    **given: Any,
) -> None:
    """Sign RELEASE too: a revision, a digest, or a file from `bundle release --out`.

    Without a name it is the only release that waits. It is published with the last
    signature that the admins ask for.
    """
    if out is not None:
        refuse_existing(out)
    login = session.login(workspace)
    store, options = open_pinned(session, login), asked(given)
    pinned = store.refresh(at=session.clock()) if options.keyless else None
    cosigner = ReleaseCosigner(
        store=store,
        api=open_client(session, login).workspace(login.workspace),
        signatory=open_signatory(session, options, login, pinned),
        engine=open_engine(session),
        clock=session.clock,
        show=lambda statement: session.output.say(statement_text(statement)),
    )
    carried = release is not None and Path(release).is_file()
    pending = _read(Path(str(release))) if carried else cosigner.find(release)
    reviewed = cosigner.review(pending)
    session.output.say(_reviewed(reviewed))
    _compare(session, cosigner, reviewed, overlay)
    last = reviewed.enough_with(cosigner.identity(reviewed.pinned))
    if carried and not last and out is None:
        raise UsageError("expected --out FILE for the next signer, got none")
    signed = cosigner.sign(reviewed)
    if not carried:
        cosigner.hand_in(signed, known=len(pending.signatures))
    if signed.enough:
        cosigner.publish(signed)
        # It is published; that the copy for authors is a release late harms nobody.
        with contextlib.suppress(TrustacksError):
            pinned = store.refresh(at=session.clock())
            keep_released(store, pinned, pinned.head(at=session.clock()))
    elif out is not None:
        write_new(out, signed.pending.to_bytes())
    value = {**signed.to_json(), "published": signed.enough}
    session.output.result(value, lambda: _signed(signed))


def _read(path: Path) -> PendingRelease:
    data = read_given(path, max_bytes=PENDING_BOUNDS.max_bytes)
    return PendingRelease.parse(data)


def _compare(
    session: Session,
    cosigner: ReleaseCosigner,
    reviewed: ReviewedRelease,
    overlay: Path | None,
) -> None:
    """Build the release again from an overlay, or say that nobody did."""
    if overlay is None:
        session.output.say("not compared with a repository: --overlay does")
        return
    preparer = Preparer(cosigner.engine, session.output.say)
    rules = read_rules(overlay)
    ready = preparer.ready(rules, reviewed.pinned, at=cosigner.clock())
    built = ready.contents.bundle(reviewed.pending.link.release.revision)
    commit = source_of(overlay_folder(overlay)).commit
    require_rebuilt(reviewed.pending, built, commit=commit)
    session.output.say(f"built again from {overlay}: the same bytes")


def _reviewed(reviewed: ReviewedRelease) -> str:
    said = reviewed.pending.link.release
    checks = len(reviewed.result.checks)
    who = ", ".join(f"{one.id} ({one.principal})" for one in reviewed.signers)
    return (
        f"revision {said.revision} on top of {said.predecessor or 'nothing'}\n"
        f"  judged here, from the pinned state: {checks} of {checks} checks passed\n"
        f"  signed by {who}: {len(reviewed.principals)} of {reviewed.threshold}"
    )


def _signed(signed: ReviewedRelease) -> str:
    done = "published" if signed.enough else "waits"
    revision = signed.pending.link.release.revision
    return pairs(
        [
            (done, f"revision {revision}"),
            ("signed by", ", ".join(one.id for one in signed.signers)),
            ("principals", f"{len(signed.principals)} of {signed.threshold}"),
            ("release", str(signed.pending.digest)),
        ]
    )
