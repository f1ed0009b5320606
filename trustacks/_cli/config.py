# SPDX-License-Identifier: Apache-2.0
"""``config.yaml``: which workspaces this person has logged in to.

The file holds tokens, so it is 0600 and refused otherwise. It says which root is
pinned, by digest; the pinned bytes themselves lie beside it (``trustacks.pinned``). The
whole file is replaced at once, so an interrupted login changes nothing.
"""

import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self

from keys.digest import Digest
from keys.durable import make_directory, read_file, write_file
from keys.errors import ConfigurationError, NotFoundError, TrustacksError
from keys.fields import Fields
from keys.record import record
from trustacks.errors import NotLoggedInError
from trustacks.limits import MAX_CONFIG_BYTES

FORMAT: Final = "https://trustacks.com/formats/client-config/v1"
_HEAD: Final = (
    b"# Written by `trustacks login`. It holds tokens: keep it to yourself.\n"
)
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@record
class Login:
    """One workspace that this person works in.

    Attributes:
        workspace: Its name.
        url: The Control Plane's address, without a path.
        root: The digest of the pinned root.
        token: The API token.
        key: The local key that signs unless another is named.
    """

    workspace: str
    url: str
    root: Digest
    token: str
    key: str | None

    def __repr__(self) -> str:
        return f"Login({self.workspace!r}, {self.url!r}, {self.root})"

    def to_json(self) -> dict[str, Any]:
        """Return the login as it is stored, its name excepted."""
        return {
            "url": self.url,
            "root": str(self.root),
            "token": self.token,
            "key": self.key,
        }


@record
class DraftSettings:
    """Which language model writes drafts; its key is never in a file."""

    url: str
    model: str


@record
class Config:
    """The content of ``config.yaml``.

    Attributes:
        current: The workspace that commands mean unless ``--workspace`` names one.
        logins: Every login, by the workspace's name.
        draft: The provider of ``rule draft``, if one is set.
    """

    current: str | None
    logins: Mapping[str, Login]
    draft: DraftSettings | None = None

    @classmethod
    def empty(cls) -> Self:
        """Return the configuration of a person who never logged in."""
        return cls(None, {})

    def login(self, workspace: str | None = None) -> Login:
        """Return the login for a workspace, or the current one.

        Raises:
            NotLoggedInError: There is none.
        """
        name = workspace or self.current
        if name is None or name not in self.logins:
            raise NotLoggedInError(
                f"expected a login to {name or 'a workspace'}, got none",
                hint="trustacks login --url URL --workspace NAME",
            )
        return self.logins[name]

    def with_login(self, login: Login) -> "Config":
        """Return the configuration with ``login`` added and current."""
        logins = {**self.logins, login.workspace: login}
        return replace(self, current=login.workspace, logins=logins)


def load_config(home: Path) -> Config:
    """Read ``config.yaml``; a missing one is empty.

    Raises:
        ConfigurationError: Readable by others, or not what ``store_config`` writes.
    """
    path = home / "config.yaml"
    try:
        data = read_file(path, max_bytes=MAX_CONFIG_BYTES)
    except NotFoundError:
        return Config.empty()
    _refuse_others(path)
    try:
        return _parse(_yaml(data, path))
    except ConfigurationError:
        raise
    except TrustacksError as error:
        raise ConfigurationError(
            f"{path}: {error.message}", hint=f"mend it, or delete {path} and log in"
        ) from error


def store_config(home: Path, config: Config) -> None:
    """Write ``config.yaml`` durably, mode 0600.

    Raises:
        StorageUnavailableError: Nothing changed.
    """
    import yaml  # noqa: PLC0415 - commands that need no login start faster without it

    document: dict[str, Any] = {
        "format": FORMAT,
        "current": config.current,
        "workspaces": {name: one.to_json() for name, one in config.logins.items()},
    }
    if config.draft is not None:
        document["draft"] = {"url": config.draft.url, "model": config.draft.model}
    make_directory(home, mode=0o700)
    text = yaml.safe_dump(document, sort_keys=False).encode()
    write_file(home / "config.yaml", _HEAD + text, mode=0o600)


def _yaml(data: bytes, path: Path) -> Any:
    import yaml  # noqa: PLC0415 - commands that need no login start faster without it

    try:
        return yaml.safe_load(data)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        place = getattr(error, "problem_mark", None)
        where = f" at line {place.line + 1}" if place else ""
        raise ConfigurationError(
            f"{path}: expected YAML, got something else{where}",
            hint=f"mend it, or delete {path} and log in",
        ) from error


def _parse(document: Any) -> Config:
    fields = Fields(document, "config")
    fields.constant("format", FORMAT)
    current = None if fields.is_null("current") else fields.text("current")
    entries = fields.object("workspaces")
    names = list(document["workspaces"])
    logins = {name: _login(name, entries.object(name)) for name in names}
    draft = _draft(fields.object("draft")) if fields.has("draft") else None
    fields.done()
    return Config(current, logins, draft)


def _draft(fields: Fields) -> DraftSettings:
    draft = DraftSettings(fields.text("url"), fields.text("model"))
    fields.done()
    return draft


def _login(name: str, fields: Fields) -> Login:
    login = Login(
        workspace=name,
        url=fields.text("url"),
        root=fields.digest("root"),
        token=fields.text("token"),
        key=None if fields.is_null("key") else fields.text("key"),
    )
    fields.done()
    return login


def _refuse_others(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _OTHERS:
        raise ConfigurationError(
            f"expected mode 0600 on {path}, got {mode:04o}", hint=f"chmod 600 {path}"
        )
