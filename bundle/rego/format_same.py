# SPDX-License-Identifier: Apache-2.0
"""Are two texts the same rule? Their tokens and their syntax trees say so."""

from typing import Any

from bundle.rego.ast import Import, Node, Syntax, parts
from bundle.rego.engine import Module
from bundle.rego.format_tokens import field_name, read_tokens


def tokens_said(module: Module) -> list[str]:
    """Return a module's tokens, sorted, but for what layout may change.

    That is semicolons, commas before a closing bracket, and the brackets of a field:
    ``a["b"]`` is ``a.b``. The order is the syntax trees' to compare.
    """
    said, closes = list[str](), False
    for token in reversed(list(read_tokens(module))):
        if token.kind == "comment":
            said.append(token.text)
            continue
        last_comma = token.text == "," and closes
        closes = token.kind == "bracket" and token.text in (")", "]", "}")
        if token.text not in (";", "[", "]", ".") and not last_comma:
            said += (field_name(token) or token.text).split(".")
    return sorted(said)


def shape(value: Any) -> Any:
    """Return a syntax tree without places, its imports sorted, to be compared."""
    if isinstance(value, Syntax):
        imports = sorted(shape(item) for item in value.imports)
        return (value.package, imports, shape(value.rules))
    if isinstance(value, tuple):
        return tuple(shape(item) for item in value)
    if isinstance(value, Node | Import):
        return (type(value).__name__, *map(shape, parts(value)))
    return (type(value).__name__, value)
