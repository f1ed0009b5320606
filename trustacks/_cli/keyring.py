# SPDX-License-Identifier: Apache-2.0
"""The local keys: ``keys/<name>.pem`` in the client's folder, or any key URI."""

import re
from pathlib import Path
from typing import Final

from keys.durable import read_file
from keys.errors import NotFoundError, UsageError
from keys.providers import open_signing_key
from keys.public import MAX_KEY_BYTES, PublicKey
from keys.signing import SigningKey
from trustacks._cli.session import Session
from trustacks.errors import AmbiguousKeyError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def open_key(session: Session, name: str | None) -> SigningKey:
    """Open a local key by name or URI; by default the login's, or the only one.

    Raises:
        AmbiguousKeyError: None was named, and there is not exactly one.
        KeyProviderError: It cannot be opened.
    """
    return open_signing_key(key_uri(session, name), session.passphrases)


def public_half(session: Session, name: str | None) -> PublicKey:
    """Return a local key's public half: as noted beside it, or by opening the key.

    What is noted beside a key is for showing; ``keys.signing.CheckedKey`` refuses to
    sign with halves that do not match.

    Raises:
        KeyProviderError: There is no such key.
        KeyFormatError: What is beside it is not a public key.
    """
    uri = key_uri(session, name)
    beside = Path(uri.partition(":")[2]).with_suffix(".pub")
    try:
        return PublicKey.from_pem(read_file(beside, max_bytes=MAX_KEY_BYTES))
    except NotFoundError:
        return open_key(session, name).public_key


def key_uri(session: Session, name: str | None) -> str:
    """Return the URI of a local key; see ``open_key``.

    Raises:
        AmbiguousKeyError: None was named, and there is not exactly one.
        UsageError: Neither a name nor a URI.
    """
    chosen = name or _default_key(session)
    if ":" in chosen:
        return chosen
    return f"encfile:{key_path(session.home, chosen)}"


def key_path(home: Path, name: str) -> Path:
    """Return where a named key lies.

    Raises:
        UsageError: The name could leave the folder.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"expected a key name of letters, digits, - and _, got {name!r}"
        )
    return home / "keys" / f"{name}.pem"


def _default_key(session: Session) -> str:
    current = session.config.current
    if current and (key := session.config.login(current).key):
        return key
    names = sorted(path.stem for path in (session.home / "keys").glob("*.pem"))
    if len(names) == 1:
        return names[0]
    raise AmbiguousKeyError(
        f"expected one key in {session.home / 'keys'}, got {len(names)}",
        hint=f"name one with --key: {', '.join(names)}"
        if names
        else "make one with `trustacks keys create NAME`",
    )
