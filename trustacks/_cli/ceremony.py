# SPDX-License-Identifier: Apache-2.0
"""``trustacks ceremony``: a workspace of its admins' own, who sign where they are.

The folder is carried from admin to admin; only ``begin``, ``move`` and ``finish`` use a
network.
Everything that is signed is shown before, computed from the folder here.
"""

from pathlib import Path
from typing import Any

import click

from bundle.trust_diff import text_of as diff_text
from bundle.tuf.root_draft import root_signers
from keys.clock import format_instant
from keys.digest import Digest
from keys.errors import UsageError
from keys.public import MAX_KEY_BYTES, PublicKey
from trustacks._cli.connect import (
    open_client,
    open_client_at,
    open_outlived,
    open_pinned,
)
from trustacks._cli.files import read_given, write_new
from trustacks._cli.keyring import open_key
from trustacks._cli.layer_files import read_layer_files
from trustacks._cli.lazy import command, expired_option, workspace_option
from trustacks._cli.output import pairs
from trustacks._cli.root_text import root_text
from trustacks._cli.secrets import read_token
from trustacks._cli.session import Session
from trustacks._cli.shown import statement_text
from trustacks.ceremonies import open_ceremony
from trustacks.ceremony import Attesting, FirstTrust
from trustacks.ceremony_before import begin_move
from trustacks.ceremony_parts import Online, PinnedLayer
from trustacks.ceremony_parts import begin as begin_ceremony
from trustacks.client import Client
from trustacks.notary import stamp_with
from trustacks.trusting import Reviewed

_FOLDER = click.Path(path_type=Path)
_KEYS = click.option(
    "--key", metavar="NAME", help="The local key, if not the only one."
)
_TOKEN = click.option(
    "--token-file",
    type=_FOLDER,
    required=True,
    help="The file with a token of an admin of the server.",
)


@command("begin")
@click.argument("name")
@click.option("--url", required=True, help="The Control Plane's address.")
@_TOKEN
@click.option("--out", type=_FOLDER, required=True, help="The ceremony's folder.")
def begin(
    session: Session, *, name: str, url: str, token_file: Path, out: Path
) -> None:
    """Begin the workspace NAME: take the Control Plane's online keys into a folder."""
    client = open_client_at(session, url, read_token(token_file))
    _begun(session, begin_ceremony(client, name, out), out)


@command("move")
@click.option("--out", type=_FOLDER, required=True, help="The ceremony's folder.")
@expired_option
@workspace_option
def move(session: Session, *, out: Path, expired: bool, workspace: str | None) -> None:
    """Begin to make an embedded workspace sovereign: take what is in force along."""
    login = session.login(workspace)
    api = open_client(session, login).workspace(login.workspace)
    store = (open_outlived if expired else open_pinned)(session, login)
    _begun(session, begin_move(store, api, out, at=session.clock()), out)


def _begun(session: Session, online: Online, out: Path) -> None:
    keys = {
        "release": online.release.key_id,
        "snapshot": online.snapshot.key_id,
        "timestamp": online.timestamp.key_id,
    }
    value = {"workspace": online.workspace, "folder": str(out), "online_keys": keys}
    rows = [("folder", str(out)), *((f"{k} key", v[:16]) for k, v in keys.items())]
    session.output.result(value, lambda: pairs(rows))
    session.output.hint(f"next: trustacks ceremony root {out} --root-key ...")


@command("root")
@click.argument("folder", type=_FOLDER)
@click.option(
    "--root-key",
    "root_keys",
    type=_FOLDER,
    multiple=True,
    required=True,
    help="An admin's root key, PEM; one for each, none that the server may call.",
)
@click.option(
    "--targets-key",
    "targets_keys",
    type=_FOLDER,
    multiple=True,
    required=True,
    help="An admin's targets key, PEM; likewise.",
)
@click.option("--threshold", default=2, show_default=True, help="How many must sign.")
def root(
    session: Session,
    *,
    folder: Path,
    root_keys: tuple[Path, ...],
    targets_keys: tuple[Path, ...],
    threshold: int,
) -> None:
    """Draft the root in FOLDER: who the admins are, and how many must agree."""
    data = open_ceremony(folder).draft(
        [_public(path) for path in root_keys],
        [_public(path) for path in targets_keys],
        threshold=threshold,
        at=session.clock(),
    )
    session.output.result({"root": "unsigned"}, lambda: root_text(data))
    session.output.hint(f"each admin: trustacks ceremony sign {folder} --key NAME")


@command("trust")
@click.argument("folder", type=_FOLDER)
@click.option(
    "--constitution",
    type=_FOLDER,
    required=True,
    help="The folder of the constitution to pin, with its publisher's attestation.",
)
@click.option("--pack", "packs", type=_FOLDER, multiple=True, help="A pack to pin.")
@click.option("--publisher", type=_FOLDER, required=True, help="The publisher's key.")
@click.option(
    "--admin",
    "admins",
    multiple=True,
    required=True,
    metavar="ID=FILE",
    help="Who may attest changes of trust: an id and the public key in FILE.",
)
@click.option(
    "--keep",
    multiple=True,
    metavar="ID",
    help="In a move: an identity that stays. Whoever is not named ends.",
)
def trust(
    session: Session,
    *,
    folder: Path,
    constitution: Path,
    packs: tuple[Path, ...],
    publisher: Path,
    admins: tuple[str, ...],
    keep: tuple[str, ...],
) -> None:
    """Make the first trust in FOLDER: layers, and the admins' identities."""
    layers = [_layer(path, publisher) for path in (constitution, *packs)]
    named = dict(_admin(text) for text in admins)
    wish = FirstTrust(layers, named, keep)
    made = open_ceremony(folder).trust(wish, at=session.clock())
    session.output.result(made.to_json(), lambda: reviewed_text(made))
    session.output.hint(f"each admin: trustacks ceremony sign {folder} --key NAME")


@command("sign")
@click.argument("folder", type=_FOLDER)
@_KEYS
def sign(session: Session, *, folder: Path, key: str | None) -> None:
    """Sign what FOLDER has for your key: the root, or the first trust."""
    at = session.clock()
    ceremony = open_ceremony(folder)

    def show(what: str, data: bytes) -> None:
        if what == "root":
            session.output.say("signing the root\n" + root_text(data))
        elif found := ceremony.review(at=at):
            session.output.say("signing the first trust\n" + reviewed_text(found))

    done = ceremony.sign(open_key(session, key), at=at, show=show)
    value = {"signed": list(done), "folder": str(folder)}
    session.output.result(value, lambda: f"signed {', '.join(done)}")


@command("show")
@click.argument("folder", type=_FOLDER)
def show(session: Session, *, folder: Path) -> None:
    """Show how far the ceremony in FOLDER is, and what is next."""
    ceremony = open_ceremony(folder)
    drafted = ceremony.root
    there, missing = root_signers(drafted) if drafted else ([], [])
    found = ceremony.review(at=session.clock())
    # Until the trust is made, one more signature makes another id of it.
    workspace = str(found.roots.workspace) if found else None
    value: dict[str, Any] = {
        "workspace": ceremony.online.workspace,
        "root": drafted and {"signed": there, "missing": missing},
        "id": workspace,
        "trust": None if found is None else found.to_json(),
    }
    parts = [root_text(drafted)] if drafted else ["no root yet"]
    parts += [f"id: {workspace}"] if workspace else []
    parts += [reviewed_text(found)] if found else ["no trust yet"]
    session.output.result(value, lambda: "\n".join(parts))


@command("finish")
@click.argument("folder", type=_FOLDER)
@_TOKEN
@_KEYS
@click.option("--root-out", type=_FOLDER, help="Write the root to pin there.")
def finish(
    session: Session,
    *,
    folder: Path,
    token_file: Path,
    key: str | None,
    root_out: Path | None,
) -> None:
    """Make what FOLDER says so, as the admin identity whose key is named."""
    ceremony = open_ceremony(folder)
    client = open_client_at(session, ceremony.online.url, read_token(token_file))
    by = Attesting(
        open_key(session, key),
        stamp=_stamp(client),
        at=session.clock(),
        show=lambda statement: session.output.say(statement_text(statement)),
    )
    made = ceremony.finish(client, by)
    if root_out:
        write_new(root_out, made.pin)
    pin = "first root" if ceremony.root_name == "1.root.json" else "root to pin"
    rows = [
        ("workspace", ceremony.online.workspace),
        (pin, str(Digest.of(made.pin))),
        ("form of trust", "sovereign"),
    ]
    session.output.result(made.answer, lambda: pairs(rows))


def reviewed_text(found: Reviewed) -> str:
    """Return a judged proposal for people: what changes, and who signed."""
    base = found.proposal.base
    rows = [
        ("proposal", str(found.proposal.id)),
        ("targets", f"{base.version if base else 0} -> {found.proposal.version}"),
        ("until", format_instant(found.proposal.expires)),
        ("change", found.proposal.change.kind),
        ("signed by", f"{len(found.signatures)} of {found.threshold} admins needed"),
    ]
    return pairs(rows) + "\n" + diff_text(found.differences)


def _stamp(client: Client) -> Any:
    return lambda signature: stamp_with(client, signature)


def _public(path: Path) -> PublicKey:
    return PublicKey.from_pem(read_given(path, max_bytes=MAX_KEY_BYTES))


def _admin(text: str) -> tuple[str, PublicKey]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise UsageError(f"expected --admin ID=FILE, got {text!r}")
    return name, _public(Path(path))


def _layer(folder: Path, publisher: Path) -> PinnedLayer:
    files = read_layer_files(folder, publisher)
    key = PublicKey.from_pem(files.publisher.encode())
    return PinnedLayer(files.name, files.archive, files.attestation, key)
