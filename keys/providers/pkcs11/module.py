# SPDX-License-Identifier: Apache-2.0
"""One library, loaded once in this process, called by one thread at a time.

A library is initialised without locks, which every library supports and by which the
application promises not to call from several threads at once (PKCS #11 v2.40 §5.4). A
call that hangs keeps its turn, so that whoever comes after it is refused in time, and
nobody comes between.
"""

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import pkcs11

from keys.digest import Digest
from keys.errors import KeyProviderMissingError
from keys.providers.deadline import within

T = TypeVar("T")
Library = Any  # python-pkcs11 gives its class no name that can be annotated
TokenName = tuple[tuple[str, str], ...]

_MODULES: Final[dict[Path, "Module"]] = {}
_GUARD: Final = threading.Lock()


class Login:
    """The session that holds the user's login, and keys in sessions of their own.

    Attributes:
        session: Where the PIN was given; while it is open, others need none.
        keys: Private keys by label and id.
    """

    def __init__(self, session: pkcs11.Session) -> None:
        self.session = session
        self.keys: dict[tuple[str | None, bytes | None], Any] = {}

    def keep(self, name: tuple[str | None, bytes | None], private: Any) -> None:
        """Keep a key that was found, in place of the one before."""
        close(self.keys.pop(name).session if name in self.keys else None)
        self.keys[name] = private


class Module:
    """A PKCS #11 library.

    Attributes:
        path: Its file.
        logins: The login of each token; only to be changed in one's turn.
        refused: Digests of PINs that a token refused.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logins: dict[TokenName, Login] = {}
        self.refused: set[tuple[TokenName, Digest]] = set()
        self._turn = threading.Lock()

    def call(self, work: Callable[[Library], T], *, deadline_s: float) -> T:
        """Do some work in one's turn, and return what it returns.

        Raises:
            KeyProviderMissingError: The library cannot be loaded.
            KeyTimeoutError: It did not answer in time.
        """
        return within(
            deadline_s,
            lambda: work(self._load()),
            what=f"PKCS #11 library {self.path.name}",
            turn=self._turn,
        )

    def log_out(self, token: TokenName) -> None:
        """Forget a token's session, whatever became of it; only in one's turn."""
        login = self.logins.pop(token, None)
        if login is not None:
            for session in (*(k.session for k in login.keys.values()), login.session):
                close(session)

    def _load(self) -> Library:
        try:
            return pkcs11.lib(str(self.path))
        except pkcs11.PKCS11Error as error:
            raise KeyProviderMissingError(
                f"expected a PKCS #11 library at {self.path}, got {error}",
                hint="install the token's library, or name it with module-path",
            ) from error


def close(session: Any) -> None:
    """Close a session, whatever became of it."""
    if session is not None:
        with contextlib.suppress(pkcs11.PKCS11Error):
            session.close()


def module_at(path: Path) -> Module:
    """Return the library of a file; the same one every time."""
    with _GUARD:
        return _MODULES.setdefault(path.resolve(), Module(path.resolve()))
