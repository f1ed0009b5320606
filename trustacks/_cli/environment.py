# SPDX-License-Identifier: Apache-2.0
"""The command line's one reader of environment variables.

=========================== =====================================================
``TRUSTACKS_HOME``          where config.yaml and keys/ are; else ``~/.trustacks``
``TRUSTACKS_PASSPHRASE_FILE`` a file with the passphrase of the local keys
``TRUSTACKS_PIN_FILE``      a file with the PIN of a token (PKCS #11)
``TRUSTACKS_PKCS11_MODULE`` the token's library
``TRUSTACKS_DEBUG=1``       show the traceback of a fault of ours
``TRUSTACKS_DRAFT_URL``     the language-model provider of ``rule draft``
``TRUSTACKS_DRAFT_MODEL``   the model to ask there
``TRUSTACKS_DRAFT_KEY``     the provider's key; from here only, never from a file
``NO_COLOR``                no colour, whatever its value (no-color.org)
=========================== =====================================================
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from keys.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Environment:
    """What the process was started with.

    Attributes:
        home: The client's folder; not made before something is written.
        passphrase_file: The file to read passphrases from, or None to ask.
        pin_file: The file to read PINs from, or None to ask.
        pkcs11_module: The library of tokens, for URIs that name none.
        debug: Whether faults of ours show their traceback.
        no_color: Whether colour is off even on a terminal.
        draft_url: The language-model provider, if it is not that of ``config.yaml``.
        draft_model: Its model, likewise.
        draft_key: Its key.
    """

    home: Path
    passphrase_file: Path | None
    debug: bool
    no_color: bool
    draft_url: str | None = None
    draft_model: str | None = None
    draft_key: str | None = field(default=None, repr=False)
    pin_file: Path | None = None
    pkcs11_module: Path | None = None


def read_environment(variables: Mapping[str, str] | None = None) -> Environment:
    """Read the environment once.

    Args:
        variables: The variables; the process's own by default.

    Raises:
        ConfigurationError: Neither TRUSTACKS_HOME nor HOME is set.
    """
    values = os.environ if variables is None else variables
    return Environment(
        home=_home(values),
        passphrase_file=_path(values, "TRUSTACKS_PASSPHRASE_FILE"),
        debug=values.get("TRUSTACKS_DEBUG") == "1",
        no_color="NO_COLOR" in values,
        draft_url=values.get("TRUSTACKS_DRAFT_URL") or None,
        draft_model=values.get("TRUSTACKS_DRAFT_MODEL") or None,
        draft_key=values.get("TRUSTACKS_DRAFT_KEY") or None,
        pin_file=_path(values, "TRUSTACKS_PIN_FILE"),
        pkcs11_module=_path(values, "TRUSTACKS_PKCS11_MODULE"),
    )


def child_variables() -> dict[str, str]:
    """Return the variables that a program we start may see: PATH and little else."""
    kept = ("PATH", "HOME", "TMPDIR", "LANG")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _path(values: Mapping[str, str], name: str) -> Path | None:
    return Path(values[name]) if values.get(name) else None


def _home(values: Mapping[str, str]) -> Path:
    if explicit := values.get("TRUSTACKS_HOME"):
        return Path(explicit)
    if home := values.get("HOME"):
        return Path(home) / ".trustacks"
    raise ConfigurationError(
        "expected TRUSTACKS_HOME or HOME in the environment, got neither",
        hint="export TRUSTACKS_HOME=<folder>",
    )
