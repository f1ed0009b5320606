# SPDX-License-Identifier: Apache-2.0
"""URIs of RFC 7512 that name one private key of one token.

Stricter than RFC 7512 §2.3, which lets a reader pass over attributes that it does not
know: one that is not obeyed might have named another key.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import unquote_to_bytes

from keys.errors import KeyUriError

TOKEN_ATTRIBUTES: Final[tuple[str, ...]] = ("token", "serial", "manufacturer", "model")
_PATH: Final = frozenset({*TOKEN_ATTRIBUTES, "object", "id", "type"})
_QUERY: Final = frozenset({"module-path", "pin-source"})
# RFC 7512 §2.3: unreserved, and what may stand in a path and a query.
_VALUE: Final = re.compile(r"(?:[A-Za-z0-9._~:\[\]@!$'()*+,=/?|-]|%[0-9A-Fa-f]{2})+")


@dataclass(frozen=True, slots=True)
class Pkcs11Uri:
    """Where a key is.

    Attributes:
        token: What identifies the token: values by name, of ``TOKEN_ATTRIBUTES``.
        object: The key's label, or none.
        id: The key's id, or none.
        module: The library, or none for the configured one.
        pin_file: The file with the PIN, or none to ask.
    """

    token: Mapping[str, str]
    object: str | None
    id: bytes | None
    module: Path | None
    pin_file: Path | None

    @property
    def token_name(self) -> str:
        """The token, for people."""
        return " ".join(self.token.values())

    @property
    def key_name(self) -> str:
        """The key, for people."""
        name = self.object if self.id is None else f"id {self.id.hex()}"
        return f"{name} of token {self.token_name}"

    @property
    def token_key(self) -> tuple[tuple[str, str], ...]:
        """What identifies the token, to look it up by."""
        return tuple(sorted(self.token.items()))

    @classmethod
    def parse(cls, rest: str) -> Self:
        """Parse what follows ``pkcs11:``.

        Raises:
            KeyUriError: Not a URI, not of one key of one token, or with a PIN in it.
        """
        path_text, _, query_text = rest.partition("?")
        path = _attributes(path_text.split(";"), _PATH)
        query = _attributes(query_text.split("&") if query_text else [], _QUERY)
        token = {n: _text(n, path[n]) for n in TOKEN_ATTRIBUTES if n in path}
        if not token.keys() & {"token", "serial"} or not path.keys() & {"object", "id"}:
            raise _expected("token= or serial=, and object= or id=")
        if path.get("type", b"private") != b"private":
            raise _expected("type=private or no type")
        return cls(
            token=token,
            object=_text("object", path["object"]) if "object" in path else None,
            id=path.get("id"),
            module=_file("module-path", query.get("module-path")),
            pin_file=_file("pin-source", query.get("pin-source"), scheme=b"file:"),
        )


def _attributes(parts: list[str], known: frozenset[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in parts:
        name, _, value = part.partition("=")
        if name == "pin-value":
            raise KeyUriError(
                "pkcs11 URI: expected no PIN in it, got pin-value",
                hint="pin-source=file:PATH, or be asked for it",
            )
        if name not in known:
            raise _expected(f"attributes of {', '.join(sorted(known))}")
        if name in found or not _VALUE.fullmatch(value):
            raise _expected(f"{name} once, with a value in percent-encoding")
        found[name] = unquote_to_bytes(value)
    return found


def _text(name: str, value: bytes) -> str:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _expected(f"{name} in UTF-8") from error
    if not text.isprintable():
        raise _expected(f"{name} of printable characters")
    return text


def _file(name: str, value: bytes | None, *, scheme: bytes = b"") -> Path | None:
    if value is None:
        return None
    path = Path(_text(name, value.removeprefix(scheme)))
    if not path.is_absolute():
        raise _expected(f"the absolute path of a file for {name}")
    return path


def _expected(what: str) -> KeyUriError:
    # Never the URI: a PIN may stand in it.
    return KeyUriError(
        f"pkcs11 URI: expected {what}, got another",
        hint="such as pkcs11:token=LABEL;object=LABEL (RFC 7512)",
    )
