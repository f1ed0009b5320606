# SPDX-License-Identifier: Apache-2.0
"""The layers below the overlay: pinned by the workspace, or folders that are named.

Pinned layers are read without loading TUF or cryptography (``trustacks.parents``).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from bundle.layers import Layer, build_layer, read_layer
from bundle.rego.engine import Module
from keys.errors import NotFoundError, UsageError
from trustacks._cli.session import Session
from trustacks.parents import load_parents, store_directory

_FOLDER = click.Path(path_type=Path)


def parents_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--constitution``, ``--pack`` and ``--workspace``."""
    for option in (
        click.option("--workspace", metavar="NAME", help="Whose pinned layers to use."),
        click.option("--pack", "packs", type=_FOLDER, multiple=True, help="A pack."),
        click.option(
            "--constitution",
            type=_FOLDER,
            help="A constitution's folder, instead of the pinned layers.",
        ),
    ):
        function = option(function)
    return function


def read_parents(
    session: Session,
    constitution: Path | None,
    packs: tuple[Path, ...],
    workspace: str | None,
) -> tuple[Layer, ...]:
    """Return the constitution and the packs, in this order.

    Raises:
        NotLoggedInError: No folder was named, and nothing is pinned.
        FormatError: A folder that is not a layer.
    """
    if constitution is not None:
        folders = (constitution, *packs)
        return tuple(read_layer(build_layer(_folder(path))) for path in folders)
    if packs:
        raise UsageError("expected --constitution with --pack, got --pack alone")
    login = session.login(workspace)
    directory = store_directory(session.home / "workspaces", login.root)
    archives = load_parents(directory).archives
    return tuple(read_layer(archive) for archive in archives)


def modules_of(parents: Sequence[Layer]) -> list[Module]:
    """Return the Rego of all layers."""
    return [module for layer in parents for module in layer.modules]


def layer_json(layer: Layer) -> dict[str, Any]:
    """Return which layer it was, as ``--json`` shows it."""
    return {
        "kind": layer.kind,
        "name": layer.name,
        "version": layer.version,
        "archive": str(layer.digest),
    }


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise NotFoundError(f"expected a layer's folder at {path}, got none")
    return path
