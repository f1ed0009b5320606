# SPDX-License-Identifier: Apache-2.0
"""``trustacks keys``: make a signing key, show its public half.

A private key is made here, kept here encrypted, and has no way out.
"""

from pathlib import Path
from typing import Final

import click

from keys.durable import make_directory, write_file
from keys.errors import WriteConflictError
from keys.providers.encfile import create_key
from keys.public import ECDSA_P256, ED25519, PublicKey
from trustacks._cli.files import write_new
from trustacks._cli.keyring import key_path, key_uri, public_half
from trustacks._cli.lazy import command
from trustacks._cli.output import pairs
from trustacks._cli.session import Session
from trustacks.errors import KeyExistsError

_KINDS: Final = {"ecdsa-p256": ECDSA_P256, "ed25519": ED25519}


@command("create")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(sorted(_KINDS)),
    default="ecdsa-p256",
    show_default=True,
    help="Attestations are signed with ecdsa-p256.",
)
def create(session: Session, name: str, kind: str) -> None:
    """Make a signing key NAME, encrypted, in the client's folder.

    The passphrase is read from TRUSTACKS_PASSPHRASE_FILE, or asked for twice.
    """
    path = key_path(session.home, name)
    if path.exists():
        raise _exists(path)
    make_directory(path.parent, mode=0o700)
    passphrase = session.passphrases.new(f"new passphrase for {path}")
    try:
        public = create_key(path, passphrase, details=_KINDS[kind]).public_key
    except WriteConflictError as error:
        raise _exists(path) from error
    # After the private half: a crash between the two leaves a key that `show` opens.
    write_file(path.with_suffix(".pub"), public.pem.encode())
    _show(session, name, f"encfile:{path}", public)


@command("show")
@click.argument("name", required=False)
@click.option("--out", type=click.Path(path_type=Path), help="Write the PEM there.")
def show(session: Session, name: str | None, out: Path | None) -> None:
    """Show the public half of the key NAME, or of the key that signs by default."""
    public = public_half(session, name)
    if out:
        write_new(out, public.pem.encode())
    uri = key_uri(session, name)
    _show(session, name or Path(uri.partition(":")[2]).stem, uri, public)


def _show(session: Session, name: str, uri: str, public: PublicKey) -> None:
    value = {
        "name": name,
        "uri": uri,
        "key_id": public.key_id,
        "kind": public.details,
        "public_key": public.pem,
    }
    text = pairs(
        [("key", name), ("at", uri), ("id", public.key_id), ("kind", public.details)]
    )
    session.output.result(value, f"{text}\n{public.pem}")


def _exists(path: Path) -> KeyExistsError:
    return KeyExistsError(
        f"expected no key at {path}, got one",
        hint="choose another name; a key is never replaced",
    )
