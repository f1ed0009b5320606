# SPDX-License-Identifier: Apache-2.0
"""Log in to a token: once for all its keys, and never again with a wrong PIN."""

import stat
from pathlib import Path
from typing import Any, Final

import pkcs11

from keys.digest import Digest
from keys.durable import read_file
from keys.errors import KeyAccessDeniedError, NotFoundError
from keys.providers.limits import MAX_PIN_BYTES
from keys.providers.opening import Opening
from keys.providers.pkcs11.answers import expect_one
from keys.providers.pkcs11.module import Library, Login, Module
from keys.providers.pkcs11.uri import Pkcs11Uri
from keys.signing import PIN_PROMPT

_WRONG: Final = (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange)


def read_pin(uri: Pkcs11Uri, opening: Opening) -> str:
    """Return the PIN: from the file that the URI names, or else asked for.

    Raises:
        KeyAccessDeniedError: There is none, or everybody may read the file.
    """
    if uri.pin_file is None:
        pin = opening.secrets(f"{PIN_PROMPT}{uri.token_name}")
    else:
        pin = _from_file(uri.pin_file)
    if not 0 < len(pin.encode()) <= MAX_PIN_BYTES:
        raise KeyAccessDeniedError(
            f"expected a PIN of 1 to {MAX_PIN_BYTES} bytes for {uri.token_name}"
        )
    return pin


def log_in(module: Module, library: Library, uri: Pkcs11Uri, pin: str | None) -> Login:
    """Return the login to the token; in one's turn only.

    Raises:
        KeyAccessDeniedError: The token refused this PIN before; it is not asked again.
        KeyNotFoundError: No such token, or several.
        PKCS11Error: What the token says.
    """
    found = module.logins.get(uri.token_key)
    if found is not None:
        return found
    if pin is None:
        # The session was there when the caller looked, and another lost it since.
        raise pkcs11.SessionHandleInvalid
    tried = (uri.token_key, Digest.of(pin.encode()))
    if tried in module.refused:
        raise KeyAccessDeniedError(
            f"{uri.token_name}: expected another PIN than the one it refused",
            hint="correct the PIN file; a token locks after a few wrong PINs",
        )
    token = _token(library, uri)
    try:
        session = token.open(user_pin=pin)
    except pkcs11.UserAlreadyLoggedIn:
        session = token.open()
    except _WRONG:
        module.refused.add(tried)
        raise
    module.logins[uri.token_key] = Login(session)
    return module.logins[uri.token_key]


def _token(library: Library, uri: Pkcs11Uri) -> Any:
    slots = library.get_slots(token_present=True)
    tokens = [slot.get_token() for slot in slots]
    found = [token for token in tokens if _is(token, uri)]
    expect_one(found, f"token {uri.token_name}")
    return found[0]


def _is(token: pkcs11.Token, uri: Pkcs11Uri) -> bool:
    said = {
        "token": token.label,
        "serial": token.serial.decode("utf-8", "replace"),
        "manufacturer": token.manufacturer_id,
        "model": token.model,
    }
    return all(said[name] == value for name, value in uri.token.items())


def _from_file(path: Path) -> str:
    try:
        data = read_file(path, max_bytes=MAX_PIN_BYTES + 2)
    except NotFoundError as error:
        raise KeyAccessDeniedError(f"expected a PIN in {path}, got no file") from error
    if path.stat().st_mode & stat.S_IRWXO:
        raise KeyAccessDeniedError(
            f"expected a PIN that not everybody may read in {path}, got another mode",
            hint=f"chmod o= {path}",
        )
    try:
        pin = data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise KeyAccessDeniedError(f"expected one line of UTF-8 in {path}") from error
    if "\n" in pin:
        raise KeyAccessDeniedError(f"expected one line in {path}, got more")
    return pin
