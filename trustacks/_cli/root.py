# SPDX-License-Identifier: Apache-2.0
"""``trustacks root``: the admins' next root: drafted, signed by each, published.

The draft is a file that is carried from admin to admin. Signing shows whose keys it
names; the roots that it must follow are the pinned ones.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from tuf.api.metadata import Root

from bundle.tuf.roles import ROOT, TERMS
from bundle.tuf.root_draft import root_signers, sign_root, still_needed
from bundle.tuf.rootchain import RootChain, open_next, open_roots
from keys.clock import format_instant
from keys.durable import write_file
from keys.public import MAX_KEY_BYTES, PublicKey
from trustacks._cli.connect import open_pinned
from trustacks._cli.files import read_given, refuse_existing, write_new
from trustacks._cli.keyring import open_key
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.root_text import needed_text, root_text
from trustacks._cli.session import Session
from trustacks._cli.trust import open_desk
from trustacks.answers import text_of
from trustacks.limits import MAX_ROOT_BYTES
from trustacks.rooting import RootWish, next_root, publish_root

_FILE = click.Path(path_type=Path)
_KNOWN = click.option(
    "--root",
    "known",
    type=_FILE,
    multiple=True,
    help="A root of your own keeping, the pinned one first: no network is used.",
)


def _keys(name: str, whose: str) -> Callable[[Any], Any]:
    return click.option(
        f"--{name}-key",
        f"{name}_keys",
        type=_FILE,
        multiple=True,
        help=f"{whose}, PEM; all of them, where any changes.",
    )


@command("draft")
@click.argument("file", type=_FILE)
@_keys("root", "An admin's root key")
@_keys("targets", "An admin's targets key")
@_keys("snapshot", "An online key")
@_keys("timestamp", "An online key")
@click.option("--threshold", type=int, help="How many admins must agree.")
@click.option(
    "--days",
    type=click.IntRange(1, TERMS[ROOT].life.days),
    default=TERMS[ROOT].life.days,
    show_default=True,
    help="How long it lasts.",
)
@_KNOWN
@workspace_option
def draft(
    session: Session,
    *,
    file: Path,
    root_keys: tuple[Path, ...],
    targets_keys: tuple[Path, ...],
    snapshot_keys: tuple[Path, ...],
    timestamp_keys: tuple[Path, ...],
    threshold: int | None,
    days: int,
    known: tuple[Path, ...],
    workspace: str | None,
) -> None:
    """Draft the next root into FILE; what is not named stays as it is."""
    refuse_existing(file)
    wish = RootWish(
        root=_public(root_keys),
        targets=_public(targets_keys),
        snapshot=_public(snapshot_keys),
        timestamp=_public(timestamp_keys),
        threshold=threshold,
        life=timedelta(days=days),
    )
    roots, at = _roots(session, workspace, known), session.clock()
    data, newest = next_root(roots, wish, at=at), roots.current
    write_new(file, data)
    session.output.result({"file": str(file)}, lambda: root_text(data, newest))
    if newest.expires <= at:
        ended = format_instant(newest.expires)
        session.output.say(f"root {newest.version} expired at {ended}")
    session.output.hint(f"each admin: trustacks root sign {file} --key NAME")


@command("sign")
@click.argument("file", type=_FILE)
@click.option("--key", metavar="NAME", help="Your root key.")
@_KNOWN
@workspace_option
def sign(
    session: Session,
    *,
    file: Path,
    key: str | None,
    known: tuple[Path, ...],
    workspace: str | None,
) -> None:
    """Add your signature to the root in FILE."""
    data = read_given(file, max_bytes=MAX_ROOT_BYTES)
    roots = _roots(session, workspace, known)
    open_next(roots, data)
    newest = roots.current
    session.output.say("signing the root\n" + root_text(data, newest))
    signed = sign_root(data, open_key(session, key), previous=newest)
    value = _signatures(signed, newest)
    write_file(file, signed)
    session.output.result(value, lambda: needed_text(value["needed"]))


@command("show")
@click.argument("file", type=_FILE, required=False)
@_KNOWN
@workspace_option
def show(
    session: Session,
    *,
    file: Path | None,
    known: tuple[Path, ...],
    workspace: str | None,
) -> None:
    """Show the root in FILE, or the newest one that is published."""
    roots = _roots(session, workspace, known)
    if file is None:
        text = root_text(roots.raw[-1])
        session.output.result({"root": text}, text)
        return
    data = read_given(file, max_bytes=MAX_ROOT_BYTES)
    open_next(roots, data)
    text, value = root_text(data, roots.current), _signatures(data, roots.current)
    shown = f"{text}\n{needed_text(value['needed'])}"
    session.output.result({"root": text, **value}, shown)


@command("publish")
@click.argument("file", type=_FILE)
@click.option("--admin-key", metavar="NAME", help="Your admin identity's key.")
@workspace_option
def publish(
    session: Session, *, file: Path, admin_key: str | None, workspace: str | None
) -> None:
    """Publish the root in FILE, once enough admins have signed it."""
    data = read_given(file, max_bytes=MAX_ROOT_BYTES)
    desk = open_desk(session, workspace, outlived=True)
    version = publish_root(desk, data, open_key(session, admin_key))
    said = f"root {version} is published"
    session.output.result({"version": version}, said)


@command("online")
@click.argument("role", type=click.Choice(("release", "snapshot", "timestamp")))
@click.option("--out", type=_FILE, required=True, help="Write the public half there.")
@workspace_option
def online(session: Session, *, role: str, out: Path, workspace: str | None) -> None:
    """Have the Control Plane make a further key for ROLE."""
    refuse_existing(out)
    desk = open_desk(session, workspace)
    made = desk.api.post("/trust/online-keys", {"role": role})
    key = PublicKey.from_pem(text_of(made, "public_key"))
    write_new(out, key.pem.encode())
    value = {"role": role, "key_id": key.key_id, "file": str(out)}
    session.output.result(value, lambda: f"{role} key {key.key_id[:16]} in {out}")


def _roots(
    session: Session, workspace: str | None, files: tuple[Path, ...]
) -> RootChain:
    """Return the roots that FILE is held against: given ones, or what is published.

    Raises:
        VerificationError: They do not follow one another.
    """
    if not files:
        return open_roots(open_pinned(session, session.login(workspace)).roots())
    return open_roots([read_given(one, max_bytes=MAX_ROOT_BYTES) for one in files])


def _signatures(data: bytes, newest: Root) -> dict[str, Any]:
    there, missing = root_signers(data, previous=newest)
    needed = still_needed(data, there, previous=newest)
    return {
        "signed": list(there),
        "missing": list(missing),
        "needed": {str(version): count for version, count in needed.items()},
    }


def _public(paths: tuple[Path, ...]) -> list[PublicKey]:
    return [
        PublicKey.from_pem(read_given(path, max_bytes=MAX_KEY_BYTES)) for path in paths
    ]
