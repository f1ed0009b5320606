# SPDX-License-Identifier: Apache-2.0
"""``trustacks bundle release, reaffirm``: the release identity's word, through TUF."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bundle.archive import content_digest
from bundle.gate.candidate import bundle_target
from bundle.limits import BUNDLE_BOUNDS
from keys.digest import Digest
from keys.errors import TrustacksError
from signer.predicates.parts import Source
from trustacks._cli.connect import open_client, open_pinned
from trustacks._cli.engine import open_engine
from trustacks._cli.files import refuse_existing, write_new
from trustacks._cli.git import source_of
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.oidc_options import Asked, asked, signer_options
from trustacks._cli.output import pairs
from trustacks._cli.overlay_files import overlay_folder, overlay_option, read_whole
from trustacks._cli.session import Session
from trustacks._cli.shown import statement_text
from trustacks._cli.signatory import open_signatory
from trustacks.beside import Beside
from trustacks.keeping import keep_released
from trustacks.release_errors import NothingReleasedError
from trustacks.release_statement import Released
from trustacks.releasing import Releaser
from trustacks.standard import Teller

_SIGNER = signer_options("The release key, if not the default one.")
_OUT = click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    help="Where more than one must sign: a file to carry to the next one by hand.",
)


@command("release")
@_SIGNER
@_OUT
@click.option(
    "--provenance",
    type=click.Path(path_type=Path),
    help="Sign the SLSA provenance of the release, and write it here.",
)
@overlay_option
@workspace_option
def release(
    session: Session,
    /,
    *,
    out: Path | None,
    provenance: Path | None,
    overlay: Path | None,
    workspace: str | None,
    **given: Any,
) -> None:
    """Build, attest and publish the next revision of the overlay.

    Where the admins ask for several principals behind a release, it waits for the
    others: trustacks bundle cosign.
    """
    if provenance is not None:
        refuse_existing(provenance)
    whole = read_whole(overlay)
    beside = Beside.of(whole)
    source = source_of(overlay_folder(overlay))
    releaser = _releaser(session, workspace, asked(given), out)
    releaser = replace(
        releaser, source=Source(commit=source.commit, branch=source.branch)
    )
    _run(session, releaser, lambda: releaser.release(whole.rules, beside), out)
    if provenance is not None:
        _tell(session, releaser, provenance)


@command("reaffirm")
@_SIGNER
@_OUT
@workspace_option
def reaffirm(
    session: Session, /, *, out: Path | None, workspace: str | None, **given: Any
) -> None:
    """Renew the newest release before it expires, or after a change of trust.

    Its rules are released again as they are, as the next revision; the overlay is not
    asked. Where several must sign a release, they sign this one too.
    """
    releaser = _releaser(session, workspace, asked(given), out)
    _run(session, releaser, releaser.reaffirm, out)


def _releaser(
    session: Session, workspace: str | None, options: Asked, out: Path | None
) -> Releaser:
    if out is not None:
        refuse_existing(out)
    login = session.login(workspace)
    store = open_pinned(session, login)
    pinned = store.refresh(at=session.clock()) if options.keyless else None
    return Releaser(
        store=store,
        api=open_client(session, login).workspace(login.workspace),
        signatory=open_signatory(session, options, login, pinned),
        engine=open_engine(session),
        clock=session.clock,
        source=Source(),
        show=lambda statement: session.output.say(statement_text(statement)),
        warn=session.output.say,
        carried=out is not None,
    )


def _run(
    session: Session,
    releaser: Releaser,
    work: Callable[[], Released],
    out: Path | None,
) -> None:
    with session.output.progress("releasing"):
        done = work()
        if done.pending is not None and out is not None:
            write_new(out, done.pending.to_bytes())
        # It is published; that the copy for authors is a release late harms nobody.
        with contextlib.suppress(TrustacksError):
            pinned = releaser.store.refresh(at=session.clock())
            head = pinned.head(at=session.clock())
            keep_released(releaser.store, pinned, head)
    session.output.result(done.to_json(), lambda: _text(done))
    if done.pending is not None:
        name = done.revision if out is None else out
        session.output.hint(f"the others sign: trustacks bundle cosign {name}")


def _tell(session: Session, releaser: Releaser, path: Path) -> None:
    """Sign what the newest release was built from, once it is published."""
    pinned = releaser.store.refresh(at=session.clock())
    head = pinned.head(at=session.clock())
    if head is None:
        raise NothingReleasedError("expected a published release, got none")
    bundle = pinned.fetched.target(
        bundle_target(head.release.revision), max_bytes=BUNDLE_BOUNDS.max_bytes
    )
    teller = Teller(
        pinned, releaser.signatory, releaser.api, session.clock, releaser.show
    )
    write_new(path, teller.built(head, Digest.of(bundle), content_digest(bundle)))


def _text(done: Released) -> str:
    said = done.predicate
    return pairs(
        [
            (
                "waits" if done.pending else "released",
                f"revision {done.revision}"
                + (f", signed by 1 of {done.threshold}" if done.pending else ""),
            ),
            ("by", said.identity),
            ("rules", ", ".join(item.rule_id for item in said.inventory) or "none"),
            ("added", ", ".join(said.added) or "none"),
            ("changed", ", ".join(said.changed) or "none"),
            ("retired", ", ".join(item.rule_id for item in said.retired) or "none"),
            ("waivers", str(len(said.waivers)) if said.waivers else "none"),
            ("archive", str(done.archive)),
            ("content", str(done.content)),
            ("release", str(done.digest)),
            ("expires", f"{said.to_json()['expires']}"),
        ]
    )
