# SPDX-License-Identifier: Apache-2.0
"""Passphrases, PINs and tokens: from a file or a prompt, never from an argument."""

import sys
from collections.abc import Callable
from pathlib import Path

from keys.durable import read_file
from keys.errors import FormatError, KeyAccessDeniedError, NotFoundError
from keys.record import record
from trustacks.errors import PassphraseMissingError, TokenMissingError
from trustacks.limits import MAX_SECRET_BYTES


@record
class Passphrases:
    """Asks for the passphrase of a local key, or for the PIN of a token.

    Args:
        file: TRUSTACKS_PASSPHRASE_FILE, or None to ask on the terminal.
        prompt: Asks without echo; given ``confirm`` it asks twice.
        pin_file: TRUSTACKS_PIN_FILE, likewise; a passphrase is never tried as a PIN.
    """

    file: Path | None
    prompt: Callable[[str, bool], str]
    pin_file: Path | None = None

    def __call__(self, wanted: str) -> str:
        """Return a passphrase or PIN for an existing key (``keys.signing.Secrets``).

        Raises:
            PassphraseMissingError: No file is named, and there is no terminal.
        """
        return self._ask(wanted, confirm=False)

    def new(self, wanted: str) -> str:
        """Return the passphrase for a key that is being made; asked twice.

        Raises:
            PassphraseMissingError: No file is named, and there is no terminal.
            KeyAccessDeniedError: It is empty.
        """
        secret = self._ask(wanted, confirm=True)
        if not secret:
            raise KeyAccessDeniedError("expected a passphrase, got none")
        return secret

    def _ask(self, wanted: str, *, confirm: bool) -> str:
        from keys.signing import PIN_PROMPT  # noqa: PLC0415 - who asks has loaded it

        pin = wanted.startswith(PIN_PROMPT)
        file = self.pin_file if pin else self.file
        if file is not None:
            return read_secret(file)
        if not sys.stdin.isatty():
            variable = "TRUSTACKS_PIN_FILE" if pin else "TRUSTACKS_PASSPHRASE_FILE"
            raise PassphraseMissingError(
                f"expected a {wanted}, got no terminal to ask on",
                hint=f"name a file that holds it: export {variable}=FILE",
            )
        return self.prompt(wanted, confirm)


def read_secret(path: Path) -> str:
    """Read a secret: the file's one line, without its newline.

    Raises:
        PassphraseMissingError: There is no such file.
        FormatError: It is not one line of UTF-8.
    """
    try:
        return read_line(path, max_bytes=MAX_SECRET_BYTES)
    except NotFoundError as error:
        raise PassphraseMissingError(
            f"expected a secret in {path}, got no such file"
        ) from error


def read_line(path: Path, *, max_bytes: int) -> str:
    """Read a file of one line, without its newline.

    Raises:
        NotFoundError: There is no such file.
        FormatError: It is not one line of UTF-8.
    """
    data = read_file(path, max_bytes=max_bytes)
    try:
        text = data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: expected one line of UTF-8") from error
    if "\n" in text or "\r" in text or not text:
        raise FormatError(f"{path}: expected one line, got {text.count(chr(10)) + 1}")
    return text


def read_token(path: Path) -> str:
    """Read a token from its file.

    Raises:
        TokenMissingError: There is no such file.
        FormatError: It is not one line of UTF-8.
    """
    try:
        return read_secret(path)
    except PassphraseMissingError as error:
        raise TokenMissingError(
            f"expected a token in {path}, got no such file",
            hint="a server keeps its first admin's in STATE/admin-token",
        ) from error


def ask_for_token(workspace: str) -> str:
    """Ask for a token on the terminal, without echo.

    Raises:
        TokenMissingError: There is no terminal.
    """
    if not sys.stdin.isatty():
        raise TokenMissingError(
            f"expected a token for {workspace}, got no terminal to ask on",
            hint="name the file that holds it: --token-file FILE",
        )
    return ask(f"token for {workspace}")


def ask(wanted: str, confirm: bool = False) -> str:  # noqa: FBT001, FBT002 - a prompt's form
    """Ask on the terminal, without echo."""
    import click  # noqa: PLC0415 - programs may use this module without click

    answer: str = click.prompt(
        wanted, hide_input=True, err=True, confirmation_prompt=confirm
    )
    return answer
