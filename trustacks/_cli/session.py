# SPDX-License-Identifier: Apache-2.0
"""What one command works with: environment, output, clock, configuration.

What is heavy to import is opened elsewhere (``connect``, ``keyring``, ``engine``) by
the commands that need it, and closed here when the command ends, however it ends.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

from keys.clock import Clock, utc_now
from trustacks._cli.config import Config, Login, load_config
from trustacks._cli.environment import Environment
from trustacks._cli.output import Output
from trustacks._cli.secrets import Passphrases, ask

T = TypeVar("T")


@dataclass
class Session:
    """One run of one command.

    Attributes:
        environment: What the process was started with.
        output: Where it writes.
        clock: The time, read at the edge and passed down.
    """

    environment: Environment
    output: Output
    clock: Clock = utc_now
    _open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _kept: dict[str, Any] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._open.close()

    def keep(self, opened: contextlib.AbstractContextManager[T]) -> T:
        """Enter a context until the command ends."""
        return self._open.enter_context(opened)

    def once(
        self, name: str, opened: Callable[[], contextlib.AbstractContextManager[T]]
    ) -> T:
        """Enter a context until the command ends; who asks again gets the same."""
        if name not in self._kept:
            self._kept[name] = self.keep(opened())
        value: T = self._kept[name]
        return value

    @property
    def home(self) -> Path:
        """The client's folder."""
        return self.environment.home

    @cached_property
    def config(self) -> Config:
        """The content of ``config.yaml``."""
        return load_config(self.home)

    @cached_property
    def passphrases(self) -> Passphrases:
        """Where passphrases come from."""
        return Passphrases(
            self.environment.passphrase_file, ask, self.environment.pin_file
        )

    def login(self, workspace: str | None = None) -> Login:
        """Return the login for a workspace, or the current one.

        Raises:
            NotLoggedInError: There is none.
        """
        return self.config.login(workspace)
