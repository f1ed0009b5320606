# SPDX-License-Identifier: Apache-2.0
"""``trustacks audit``: export evidence once, replay it anywhere, with no network."""

from datetime import datetime
from pathlib import Path

import click

from bundle.audit.limits import MAX_PACK_BYTES
from bundle.audit.replay import replay as replay_pack
from keys.clock import parse_instant
from keys.errors import FieldFormatError, UsageError
from keys.public import MAX_KEY_BYTES, PublicKey
from signer.tlog.limits import MAX_NOTE_BYTES
from trustacks._cli.connect import open_client, open_pinned
from trustacks._cli.engine import open_engine
from trustacks._cli.files import read_given, refuse_existing, write_new
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.session import Session
from trustacks.errors import ReplayRefusedError
from trustacks.limits import MAX_ROOT_BYTES

_FILE = click.Path(path_type=Path)


@command("export")
@click.option(
    "-o", "--out", type=_FILE, required=True, help="The evidence pack to write."
)
@workspace_option
def export(session: Session, *, out: Path, workspace: str | None) -> None:
    """Write the workspace's evidence pack to a file."""
    refuse_existing(out)
    login = session.login(workspace)
    with session.output.progress("exporting"):
        api = open_client(session, login).workspace(login.workspace)
        pack = api.pack(max_bytes=MAX_PACK_BYTES)
    write_new(out, pack)
    value = {"file": str(out), "bytes": len(pack)}
    session.output.result(value, f"evidence pack of {len(pack)} bytes in {out}")


@command("replay")
@click.argument("pack", type=_FILE)
@click.option("--root", type=_FILE, help="The root to pin; the login's by default.")
@click.option("--log-key", type=_FILE, help="The log's key; the pinned one by default.")
@click.option(
    "--at", metavar="INSTANT", help="Replay as of then, such as 2026-01-31T09:00:00Z."
)
@click.option(
    "--anchor", "anchors", type=_FILE, multiple=True, help="A checkpoint of yours."
)
@workspace_option
def replay(
    session: Session,
    *,
    pack: Path,
    root: Path | None,
    log_key: Path | None,
    at: str | None,
    anchors: tuple[Path, ...],
    workspace: str | None,
) -> None:
    """Verify an evidence pack, offline: who authorised what was active.

    The judge is the Runner's own gate, asked for every release as of its time.
    """
    data = read_given(pack, max_bytes=MAX_PACK_BYTES)
    first, key = _pins(session, root, log_key, workspace)
    notes = [read_given(path, max_bytes=MAX_NOTE_BYTES) for path in anchors]
    engine = open_engine(session)
    with session.output.progress("replaying") as progress:
        report = replay_pack(
            data,
            root=first,
            log_key=key,
            engine=engine,
            at=_instant(at),
            anchors=notes,
            progress=lambda _what, done, total: progress(done, total),
        )
    session.output.result(report.to_json(), report.text)
    if not report.accepted:
        codes = report.codes or (ReplayRefusedError.code,)
        raise ReplayRefusedError(
            f"expected evidence that holds, got {', '.join(codes)}",
            passed_code=codes[0],
        )


def _pins(
    session: Session, root: Path | None, log_key: Path | None, workspace: str | None
) -> tuple[bytes, PublicKey]:
    """Return the two things that an auditor must not take from the pack."""
    if root and log_key:
        pem = read_given(log_key, max_bytes=MAX_KEY_BYTES)
        return read_given(root, max_bytes=MAX_ROOT_BYTES), PublicKey.from_pem(pem)
    if root or log_key:
        raise UsageError("expected --root and --log-key together, got one of them")
    store = open_pinned(session, session.login(workspace))
    return store.root, store.log_key


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_instant(text)
    except FieldFormatError as error:
        raise UsageError(f"--at: {error.message}") from error
