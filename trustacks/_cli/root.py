# SPDX-License-Identifier: Apache-2.0
"""``trustacks root``: the admins' next root: drafted, signed by each, published.

The draft is a file that is carried from admin to admin. Signing shows whose keys it
names; the roots that it must follow are the pinned ones.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bundle.tuf.root_draft import root_signers, sign_root
from keys.durable import write_file
from keys.public import MAX_KEY_BYTES, PublicKey
from trustacks._cli.files import read_given, refuse_existing, write_new
from trustacks._cli.keyring import open_key
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.root_text import root_text
from trustacks._cli.session import Session
from trustacks._cli.trust import open_desk
from trustacks.answers import text_of
from trustacks.limits import MAX_ROOT_BYTES
from trustacks.rooting import RootWish, next_root, pinned_roots, publish_root

_FILE = click.Path(path_type=Path)


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
    workspace: str | None,
) -> None:
    """Draft the next root into FILE; what is not named stays as it is."""
    refuse_existing(file)
    desk = open_desk(session, workspace)
    wish = RootWish(
        root=_public(root_keys),
        targets=_public(targets_keys),
        snapshot=_public(snapshot_keys),
        timestamp=_public(timestamp_keys),
        threshold=threshold,
    )
    data = next_root(pinned_roots(desk), wish, at=session.clock())
    write_new(file, data)
    session.output.result({"file": str(file)}, lambda: root_text(data))
    session.output.hint(f"each admin: trustacks root sign {file} --key NAME")


@command("sign")
@click.argument("file", type=_FILE)
@click.option("--key", metavar="NAME", help="Your root key.")
@workspace_option
def sign(
    session: Session, *, file: Path, key: str | None, workspace: str | None
) -> None:
    """Add your signature to the root in FILE."""
    data = read_given(file, max_bytes=MAX_ROOT_BYTES)
    newest = pinned_roots(open_desk(session, workspace)).current
    session.output.say("signing the root\n" + root_text(data))
    signed = sign_root(data, open_key(session, key), previous=newest)
    there, missing = root_signers(signed, previous=newest)
    write_file(file, signed)
    value = {"signed": list(there), "missing": list(missing)}
    session.output.result(value, lambda: f"signed by {len(there)} of its admins")


@command("show")
@click.argument("file", type=_FILE, required=False)
@workspace_option
def show(session: Session, *, file: Path | None, workspace: str | None) -> None:
    """Show the root in FILE, or the newest one that is published."""
    if file is not None:
        data = read_given(file, max_bytes=MAX_ROOT_BYTES)
    else:
        desk = open_desk(session, workspace)
        data = desk.store.refresh(at=session.clock()).fetched.roots[-1]
    session.output.result({"root": root_text(data)}, lambda: root_text(data))


@command("publish")
@click.argument("file", type=_FILE)
@click.option("--admin-key", metavar="NAME", help="Your admin identity's key.")
@workspace_option
def publish(
    session: Session, *, file: Path, admin_key: str | None, workspace: str | None
) -> None:
    """Publish the root in FILE, once enough admins have signed it."""
    data = read_given(file, max_bytes=MAX_ROOT_BYTES)
    desk = open_desk(session, workspace)
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


def _public(paths: tuple[Path, ...]) -> list[PublicKey]:
    return [
        PublicKey.from_pem(read_given(path, max_bytes=MAX_KEY_BYTES)) for path in paths
    ]
