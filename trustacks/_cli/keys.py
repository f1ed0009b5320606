# SPDX-License-Identifier: Apache-2.0
"""``trustacks keys``: make a signing key, name one that lies elsewhere, show one.

A private key is made here, kept here encrypted, and has no way out; or it is in a KMS
or HSM, made there by its own tools, and only its URI and public half are noted here.
"""

from pathlib import Path
from typing import Final

import click

from keys.durable import make_directory, write_file
from keys.errors import WriteConflictError
from keys.providers.encfile import create_key
from keys.public import PublicKey
from keys.schemes import ECDSA_P256, ECDSA_P384, ED25519, RSA_PSS_3072, RSA_PSS_4096
from trustacks._cli.files import write_new
from trustacks._cli.keyring import find_key, key_path, open_uri, public_half
from trustacks._cli.lazy import command
from trustacks._cli.output import pairs
from trustacks._cli.session import Session
from trustacks.errors import KeyExistsError

_KINDS: Final = {
    "ecdsa-p256": ECDSA_P256,
    "ecdsa-p384": ECDSA_P384,
    "ed25519": ED25519,
    "rsa-3072": RSA_PSS_3072,
    "rsa-4096": RSA_PSS_4096,
}


@command("create")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(sorted(_KINDS)),
    default="ecdsa-p256",
    show_default=True,
    help="Attestations are signed with ecdsa-p256; root and targets with any.",
)
def create(session: Session, name: str, kind: str) -> None:
    """Make a signing key NAME, encrypted, in the client's folder.

    The passphrase is read from TRUSTACKS_PASSPHRASE_FILE, or asked for twice.
    """
    path = _new(session, name)
    make_directory(path.parent, mode=0o700)
    passphrase = session.passphrases.new(f"new passphrase for {path}")
    try:
        public = create_key(path, passphrase, details=_KINDS[kind]).public_key
    except WriteConflictError as error:
        raise _exists(path) from error
    # After the private half: a crash between the two leaves a key that `show` opens.
    write_file(path.with_suffix(".pub"), public.pem.encode())
    _show(session, name, f"encfile:{path}", public)


@command("add")
@click.argument("name")
@click.argument("uri")
def add(session: Session, name: str, uri: str) -> None:
    """Name the key that is at URI, in a KMS or HSM, and note its public half.

    From then on NAME stands for that key: if the URI leads to another one later, an
    alias that was moved or a token that was swapped, it is refused.
    """
    path = _new(session, name)
    public = open_uri(session, uri).public_key
    make_directory(path.parent, mode=0o700)
    write_file(path.with_suffix(".pub"), public.pem.encode())
    # Last: a name without its registered key would take any.
    write_new(path.with_suffix(".uri"), f"{uri}\n".encode())
    _show(session, name, uri, public)


@command("show")
@click.argument("name", required=False, metavar="[NAME|URI]")
@click.option("--out", type=click.Path(path_type=Path), help="Write the PEM there.")
def show(session: Session, name: str | None, out: Path | None) -> None:
    """Show the public half of a key, or of the one that signs by default."""
    public = public_half(session, name)
    if out:
        write_new(out, public.pem.encode())
    place = find_key(session, name)
    known = place.noted.stem if place.noted else None
    _show(session, known, place.uri, public)


def _show(session: Session, name: str | None, uri: str, public: PublicKey) -> None:
    value = {
        "name": name,
        "uri": uri,
        "key_id": public.key_id,
        "kind": public.details,
        "public_key": public.pem,
    }
    rows = [("at", uri), ("id", public.key_id), ("kind", public.details)]
    text = pairs([("key", name), *rows] if name else rows)
    session.output.result(value, f"{text}\n{public.pem}")
    if not uri.startswith("encfile:"):
        session.output.hint(
            "custody is who can cause a signature, not where the key lies: one that "
            "the Control Plane may call is of control-plane custody"
        )


def _new(session: Session, name: str) -> Path:
    path = key_path(session.home, name)
    for taken in (path, path.with_suffix(".uri")):
        if taken.exists():
            raise _exists(taken)
    return path


def _exists(path: Path) -> KeyExistsError:
    return KeyExistsError(
        f"expected no key at {path}, got one",
        hint="choose another name; a key is never replaced",
    )
