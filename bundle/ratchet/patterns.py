# SPDX-License-Identifier: Apache-2.0
"""The places of one body that bind a name, and what each of them binds it to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bundle.ratchet.kinds import ANY, NUMBER, TEXT, Kind
from bundle.rego.ast import (
    Assignment,
    Collection,
    Comprehension,
    Condition,
    Every,
    Expr,
    Node,
    Ref,
    Scalar,
    SomeIn,
    Var,
)


@dataclass(frozen=True, slots=True)
class Site:
    """A place that binds a name.

    Attributes:
        source: What is taken apart.
        part: ``value``, ``element`` or ``key`` of it.
        steps: How many array patterns stand around the name.
    """

    name: str
    source: Expr
    part: Literal["value", "element", "key"]
    steps: int = 0

    def kind(self, whole: Kind) -> Kind:
        """Return what the name is when the source is of a kind."""
        if self.part == "element":
            whole = whole.element
        elif self.part == "key":
            whole = key_of(whole)
        for _ in range(self.steps):
            whole = whole.item or ANY if whole.name == "array" else ANY
        return whole


def key_of(kind: Kind) -> Kind:
    """Return what the keys of a collection are."""
    if kind.name == "set":
        return kind.element
    keys: Mapping[str, Kind] = {"array": NUMBER, "object": TEXT}
    return keys.get(kind.name, ANY)


def sites_of(parts: Any) -> tuple[tuple[Site, ...], frozenset[str]] | None:
    """Return the sites of a body and its head, and the names that indices bind.

    Closures are left out: what they bind is theirs. None if a pattern is not known.
    """
    sites: list[Site] = []
    indices: list[Site] = []
    for node in _level(parts):
        match node:
            case Condition(expr=Assignment(operator=":=", left=left, right=right)):
                found = list(_pattern(left, right, "value"))
            case SomeIn(key=key, value=value, collection=collection):
                found = [*_pattern(value, collection, "element")]
                found += _pattern(key, collection, "key") if key is not None else ()
            case Ref():
                indices += _steps(node)
                continue
            case _:
                continue
        if None in found:
            return None
        sites += [site for site in found if site is not None]
    named = {site.name for site in sites}
    more = [site for site in indices if site.name not in named]
    return (*sites, *more), frozenset(site.name for site in more)


def _pattern(
    pattern: Expr, source: Expr, part: Any, steps: int = 0
) -> Iterator[Site | None]:
    match pattern:
        case Var(name="_") | Scalar():
            return
        case Var(name=name):
            yield Site(name, source, part, steps)
        case Collection(kind="array", items=items):
            for item in items:
                yield from _pattern(item, source, part, steps + 1)
        case _:
            yield None


def _steps(ref: Ref) -> Iterator[Site]:
    for number, step in enumerate(ref.steps):
        if isinstance(step, Var) and step.name != "_":
            base = Ref(ref.place, ref.root, ref.steps[:number])
            yield Site(step.name, base, "key")


def _level(node: Any) -> Iterator[Node]:
    """Yield a node and all below it but what stands in a closure."""
    if isinstance(node, tuple):
        for item in node:
            yield from _level(item)
    elif isinstance(node, Every):
        yield from _level(node.domain)
    elif isinstance(node, Node) and not isinstance(node, Comprehension):
        yield node
        for name in node.__match_args__:
            yield from _level(getattr(node, name))
