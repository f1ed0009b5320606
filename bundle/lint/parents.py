# SPDX-License-Identifier: Apache-2.0
"""What the ratchet needs of the parents: that no overlay can reach into them.

A constitution or pack keeps to its own packages and does not read an overlay. The one
exception is the constitution's aggregator, which gathers the denies of packs and
overlays for readers of stock OPA: it may read them, positively, and nothing in the
constitution may depend on what it gathers.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from bundle.finding import Finding
from bundle.layers import CONSTITUTION, Layer
from bundle.lint.choices import parameter_findings
from bundle.ratchet.child import Prover
from bundle.rego.ast import Ref, Rule, SomeIn, SomeVars, Syntax
from bundle.rego.engine import Engine, Module
from bundle.rego.errors import EvaluationError, RegoParseError
from bundle.rego.reader import read_syntax
from bundle.rego.scope import Scope

_PLACE: Final = re.compile(r".+:(?P<line>\d+):(?P<column>\d+): (?P<reason>.+)")
_LIBRARY: Final = ("overlay_lib",)
_GATHERED: Final = ("deny", "rule_metadata")


def lint_layer(
    layer: Layer, *, engine: Engine, prover: Prover | None = None
) -> tuple[Finding, ...]:
    """Return what is wrong with a constitution or pack as a parent.

    Args:
        layer: Its files.
        engine: Parses them.
        prover: A warm solver; without one it is started if parameters are declared.

    Raises:
        EvaluationError: The engine gave no answer.
    """
    findings: list[Finding] = []
    for module in layer.modules:
        try:
            syntax = read_syntax(module, engine.parse(module))
        except RegoParseError as error:
            place = (error.line, error.column, error.reason)
            findings.append(
                Finding(error.code, module.path, *place, "correct the file")
            )
            continue
        findings += _package(layer, syntax)
        findings += _imports(syntax)
        findings += _references(layer, syntax)
    if not findings:
        findings += parameter_findings(layer.modules, engine=engine, prover=prover)
    return tuple(findings)


def compile_together(
    modules: Sequence[Module], rule: Module, syntax: Syntax, *, engine: Engine
) -> Iterator[Finding]:
    """Yield a finding if a rule does not compile with its parents.

    The whole package is asked for once, with an empty input: regorus analyses a rule
    when it is first needed, and 8,000 questions take it 20 seconds.

    Raises:
        EvaluationError: The engine gave no answer.
    """
    fix = "correct the rule; the message is the engine's"
    try:
        policy = engine.load([rule], base=modules)  # as its tests load them
    except RegoParseError as error:
        place = (error.line, error.column, error.reason)
        yield Finding("combined-compile", error.path, *place, fix)
        return
    (value,) = policy.evaluate_many([".".join(("data", *syntax.package))], {})
    policy.close()
    if isinstance(value, EvaluationError):
        said = _PLACE.fullmatch(value.message)
        at = (int(said["line"]), int(said["column"])) if said else (1, 1)
        reason = said["reason"] if said else value.message
        yield Finding("combined-compile", rule.path, *at, reason, fix)


def _package(layer: Layer, syntax: Syntax) -> Iterator[Finding]:
    own = tuple(layer.package.split("."))
    allowed = (own, _LIBRARY) if layer.kind == CONSTITUTION else (own,)
    if syntax.package not in allowed:
        place = syntax.package_place
        yield Finding(
            "layer-package",
            syntax.path,
            place.line,
            place.column,
            f"expected package {layer.package}, got {'.'.join(syntax.package)}",
            f"write: package {layer.package}",
        )


def _imports(syntax: Syntax) -> Iterator[Finding]:
    """Refuse imports of data: regorus 0.13 loses them behind a package's first file.

    Where a rule of another package asks for a set that several files of one package
    define, it resolves the imports of the first file only; the others' conditions are
    undefined, and their denies missing. A full path means the same everywhere.
    """
    for item in syntax.imports:
        if item.path[0] == "data":
            yield Finding(
                "layer-import",
                syntax.path,
                item.place.line,
                item.place.column,
                f"expected no import of data in a layer, got {'.'.join(item.path)}",
                f"write {'.'.join(item.path)} where it is used",
            )


def _references(layer: Layer, syntax: Syntax) -> Iterator[Finding]:
    scope = Scope(syntax)
    for rule in syntax.rules:
        steps = rule.name.steps if isinstance(rule.name, Ref) else ()
        parts = (steps, rule.arguments, rule.key, rule.value, rule.bodies)
        for expr, path in scope.references(parts):
            if path[0] != "data" or _within(layer, path):
                continue
            if layer.kind == CONSTITUTION and _gathers(rule) and _layers_above(path):
                continue
            yield Finding(
                "layer-reference",
                syntax.path,
                expr.place.line,
                expr.place.column,
                f"expected input or the layer's own rules, got {'.'.join(path)}",
                "a parent reads no overlay, and no pack reads another",
            )


def _within(layer: Layer, path: tuple[str, ...]) -> bool:
    own = ("data", *layer.package.split("."))
    inside = path[: len(own)] == own and len(path) > len(own)
    return inside or (path[:2] == ("data", *_LIBRARY) and len(path) > 2)  # noqa: PLR2004


def _layers_above(path: tuple[str, ...]) -> bool:
    return path[1:2] in (("overlay",), ("pack",))


def _gathers(rule: Rule) -> bool:
    """Return whether a rule only collects: every statement is ``some ... in ...``."""
    statements = [s for body in rule.bodies for s in body.statements]
    return (
        rule.root in _GATHERED
        and rule.kind != "default"
        and all(isinstance(s, SomeIn | SomeVars) for s in statements)
    )
