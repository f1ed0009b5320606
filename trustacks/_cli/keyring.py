# SPDX-License-Identifier: Apache-2.0
"""The local keys: by name, in ``keys/`` of the client's folder, or by any key URI.

::

    keys/<name>.pem    an encrypted key; its public half beside it is for showing
    keys/<name>.uri    where the key lies: KMS, HSM; one line
    keys/<name>.pub    the public half; beside a .uri, another key is refused

The ``.uri`` is written after the ``.pub``: a name always has its registered key.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keys.durable import read_file
from keys.errors import KeyNotFoundError, NotFoundError, UsageError
from keys.providers import open_signing_key
from keys.providers.limits import MAX_URI_CHARS
from keys.public import MAX_KEY_BYTES, PublicKey
from keys.signing import SigningKey
from trustacks._cli.secrets import read_line
from trustacks._cli.session import Session
from trustacks.errors import AmbiguousKeyError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_FILE: Final = "encfile:"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key is.

    Attributes:
        uri: Its URI.
        noted: Where its public half would be noted, or none for a bare URI.
        registered: Whether a key other than the noted one is refused.
    """

    uri: str
    noted: Path | None
    registered: bool = False


def open_key(session: Session, name: str | None) -> SigningKey:
    """Open a local key by name or URI; by default the login's, or the only one.

    Raises:
        AmbiguousKeyError: None was named, and there is not exactly one.
        KeyMismatchError: The name leads to another key than when it was added.
        KeyProviderError: It cannot be opened.
    """
    place = find_key(session, name)
    registered = noted_half(place) if place.registered else None
    if place.registered and registered is None:
        raise KeyNotFoundError(
            f"expected the public half that was noted at {place.noted}, got none",
            hint="add the key anew under another name: trustacks keys add NAME URI",
        )
    return open_uri(session, place.uri, registered)


def open_uri(
    session: Session, uri: str, registered: PublicKey | None = None
) -> SigningKey:
    """Open the key of a URI, with this person's passphrases and library."""
    return open_signing_key(
        uri,
        session.passphrases,
        key_id=registered.key_id if registered else None,
        pkcs11_module=session.environment.pkcs11_module,
    )


def public_half(session: Session, name: str | None) -> PublicKey:
    """Return a local key's public half: as noted beside it, or by opening the key.

    What is noted beside a key is for showing; ``keys.signing.CheckedKey`` refuses to
    sign with halves that do not match.

    Raises:
        KeyProviderError: There is no such key.
        KeyFormatError: What is beside it is not a public key.
    """
    return noted_half(find_key(session, name)) or open_key(session, name).public_key


def noted_half(place: Place) -> PublicKey | None:
    """Return the public half that is noted, without opening the key.

    Raises:
        KeyFormatError: What is noted is not a public key.
    """
    if place.noted is None:
        return None
    try:
        return PublicKey.from_pem(read_file(place.noted, max_bytes=MAX_KEY_BYTES))
    except NotFoundError:
        return None


def find_key(session: Session, name: str | None) -> Place:
    """Return where a local key is; see ``open_key``.

    Raises:
        AmbiguousKeyError: None was named, and there is not exactly one.
        UsageError: Neither a name nor a URI.
    """
    chosen = name or _default_key(session)
    if ":" in chosen:
        path = chosen.removeprefix(_FILE)
        return Place(chosen, Path(path).with_suffix(".pub") if path != chosen else None)
    path_of_key = key_path(session.home, chosen)
    noted, pointer = (path_of_key.with_suffix(s) for s in (".pub", ".uri"))
    if path_of_key.exists() or not pointer.exists():
        return Place(f"{_FILE}{path_of_key}", noted)
    return Place(read_line(pointer, max_bytes=MAX_URI_CHARS), noted, registered=True)


def key_path(home: Path, name: str) -> Path:
    """Return where a named key lies, if it is a file.

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
    folder = session.home / "keys"
    names = sorted({p.stem for s in ("pem", "uri") for p in folder.glob(f"*.{s}")})
    if len(names) == 1:
        return names[0]
    raise AmbiguousKeyError(
        f"expected one key in {folder}, got {len(names)}",
        hint=f"name one with --key: {', '.join(names)}"
        if names
        else "make one with `trustacks keys create NAME`",
    )
