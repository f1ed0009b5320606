# SPDX-License-Identifier: Apache-2.0
"""The layers below the overlay: pinned by the workspace, or folders that are named.

Pinned layers are read without loading TUF or cryptography (``trustacks.parents``).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click

from bundle.errors import LayerFormatError
from bundle.finding import ConfinementError, Finding
from bundle.layers import CONSTITUTION, PACK, Layer, build_layer, read_layer
from bundle.rego.engine import Module
from keys.errors import UsageError
from trustacks._cli.session import Session
from trustacks.errors import FileMissingError

# The first thing in a file but comments and blank lines.
_PACKAGE: Final = re.compile(
    r"\A(?:[ \t]*(?:#[^\n]*)?\n)*package[ \t]+(?P<package>[^\s#]+)"
)
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
        FormatError: A folder that is not a layer, or not one of its kind.
        ConfinementError: A file that is not in its layer's package.
    """
    if constitution is not None:
        return (
            _named_layer(constitution, CONSTITUTION),
            *(_named_layer(pack, PACK) for pack in packs),
        )
    if packs:
        raise UsageError("expected --constitution with --pack, got --pack alone")
    from trustacks.parents import (  # noqa: PLC0415 - only for who logged in
        load_parents,
        store_directory,
    )

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


def _named_layer(path: Path, kind: str) -> Layer:
    """Read a layer from its folder: nobody has checked it as pinned ones were."""
    if not path.is_dir():
        raise FileMissingError(
            f"expected a layer's folder at {path}, got none", hint="check the path"
        )
    layer = read_layer(build_layer(path))
    if layer.kind != kind:
        raise LayerFormatError(f"expected a {kind} in {path}, got a {layer.kind}")
    findings = [found for module in layer.modules for found in _package(layer, module)]
    if findings:
        raise ConfinementError(findings)
    return layer


def _package(layer: Layer, module: Module) -> Iterator[Finding]:
    """Yield a finding unless the text plainly says the layer's own package.

    Parsing every layer for it would take longer than linting the rule;
    ``bundle.lint.lint_layer`` does that where a layer is pinned.
    """
    own = (layer.package, "overlay_lib")[: 2 if layer.kind == CONSTITUTION else 1]
    said = _PACKAGE.search(module.source)
    if said is not None and said["package"] in own:
        return
    line = module.source.count("\n", 0, said.start("package")) + 1 if said else 1
    message = f"expected package {layer.package}, got another in {layer.name}"
    fix = f"write: package {layer.package}"
    yield Finding("layer-package", module.path, line, 1, message, fix)
