# SPDX-License-Identifier: Apache-2.0
"""What a module may name: the input, itself, and what is offered to it."""

from collections.abc import Iterator
from typing import Final

from bundle.finding import Finding
from bundle.rego.ast import Call, walk
from bundle.rego.builtins import HEADS, RESERVED
from bundle.rego.conditions.subject import Subject
from bundle.rego.scope import local_names

# What the platform's library offers to every layer.
_LIBRARY: Final = ("data", "overlay_lib")
LIBRARY: Final = tuple(
    (*_LIBRARY, name) for name in ("target_kind", "target_name", "target_tier")
)


def check_imports(subject: Subject) -> Iterator[Finding]:
    """S6: imports are ``rego.v1``, parts of the input, and what the platform offers."""
    aliases: set[str] = set()
    for item in subject.syntax.imports:
        if item.path == ("rego", "v1") and item.alias == "v1":
            continue
        if item.alias in aliases or item.alias in HEADS | RESERVED:
            yield subject.finding(
                "name-shadowed",
                item.place,
                f"expected a free name for an import, got {item.alias!r}",
                "choose another name after `as`",
            )
        aliases.add(item.alias)
        if item.path[0] == "input" and len(item.path) > 1:
            continue
        if item.path != _LIBRARY and not _offered(subject, item.path):
            yield subject.finding(
                "import-not-allowed",
                item.place,
                f"expected an import of rego.v1, input or data.overlay_lib, "
                f"got {'.'.join(item.path)}",
                "import rego.v1, input.<field> or data.overlay_lib.target_tier",
            )


def check_names(subject: Subject) -> Iterator[Finding]:
    """S6: a name means one thing in the module."""
    calls = {n.name for n in walk(subject.syntax.rules) if isinstance(n, Call)}
    called = {name.partition(".")[0] for name in calls}
    for alias in subject.scope.imports:
        if alias in subject.scope.rules:
            yield subject.finding(
                "name-shadowed",
                subject.scope.rules[alias][0],
                f"expected a name that is not imported, got {alias!r}",
                "rename the rule",
            )
    for rule in subject.syntax.rules:
        for node, name in local_names(rule):
            if not subject.scope.is_local(name) or name in called:
                yield subject.finding(
                    "name-shadowed",
                    node,
                    f"expected a local name that means nothing else, got {name!r}",
                    f"rename it, such as the_{name}",
                )


def check_references(subject: Subject) -> Iterator[Finding]:
    """S6: input, the own package, and what the platform and parents offer."""
    own = ("data", *subject.syntax.package)
    for expr, path in subject.scope.references(subject.syntax.rules):
        if path[0] != "data":
            continue
        inside = path[: len(own)] == own and path[len(own) : len(own) + 1]
        if inside and path[len(own)] in subject.scope.rules:
            continue
        if not _offered(subject, path):
            yield subject.finding(
                "data-reference",
                expr,
                f"expected input, an own rule or data.overlay_lib.target_*, "
                f"got {'.'.join(path)}",
                "take what the rule needs from input, or from data.overlay_lib",
            )


def _offered(subject: Subject, path: tuple[str, ...]) -> bool:
    return any(path[: len(offer)] == offer for offer in (*LIBRARY, *subject.parameters))
