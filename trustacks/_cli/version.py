# SPDX-License-Identifier: Apache-2.0
"""``trustacks version``: what runs here, and what is pinned."""

import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Final

from bundle.rego.errors import EngineUnavailableError
from bundle.rego.opa_process import Opa, OpaVersion, find_opa
from keys import __version__
from trustacks._cli.lazy import command
from trustacks._cli.output import pairs
from trustacks._cli.session import Session

_PARTS: Final = {
    "engine": ("regorus", "gordon-to-regorus"),
    "tuf": ("python-tuf", "tuf"),
    "crypto": ("cryptography", "cryptography"),
}


@command("version")
def version(session: Session) -> None:
    """Show the versions of the command, the Rego engines and the libraries."""
    value = {"trustacks": __version__, "python": platform.python_version()}
    for name, (shown, package) in _PARTS.items():
        value[name] = f"{shown} {_installed(package)}"
    value["second_opinion"] = _second_opinion()
    session.output.result(value, lambda: pairs(list(value.items())))


def _second_opinion() -> str:
    """Return which ``opa`` would be asked, or why none is."""
    found = find_opa()
    if found is None:
        return "none: no opa on PATH"
    try:
        return f"opa {OpaVersion(Opa(found)).text}"
    except EngineUnavailableError as error:
        return f"none: {error.message}"


def _installed(package: str) -> str:
    try:
        return version_of(package)
    except PackageNotFoundError:
        return "not installed"
