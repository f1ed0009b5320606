# SPDX-License-Identifier: Apache-2.0
"""Which questions can be put to one process of OPA.

Modules that differ only in the overlay's rules are put together: a rule reads no other
rule, so its denies are the same in any company. A rule that breaks this is refused by
the linter, and can here only make the engines differ, never agree.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bundle.rego.both import Asked
from bundle.rego.engine import Module
from bundle.rego.session import to_json

# Rules in one process: 1,000 take it 170 MB.
MAX_TOGETHER: Final = 500

_OVERLAY: Final = "overlay."


@dataclass
class Group:
    """Modules that are loaded together, and what is asked of them.

    Attributes:
        shared: The modules below the overlay.
        rules: Modules of each package of the overlay.
        asked: Question and input by what identifies them.
    """

    shared: frozenset[Module]
    data: Mapping[str, Any]
    rules: dict[str, frozenset[Module]] = field(default_factory=dict)
    asked: dict[tuple[str, str], Asked] = field(default_factory=dict)

    @property
    def modules(self) -> list[Module]:
        """All of them, in an order that does not change."""
        found = set(self.shared).union(*self.rules.values())
        return sorted(found, key=lambda m: (m.path, m.source))

    @property
    def files(self) -> dict[str, str]:
        """The file of the package that each question is about."""
        found = {_package(module): module.path for module in self.modules[::-1]}
        paths = {path for path, _ in self.asked}
        return {path: found.get(package_of(path), path) for path in paths}

    def takes(self, other: "Group") -> bool:
        """Return whether both can be loaded together."""
        return (
            self.shared == other.shared
            and self.data == other.data
            and all(self.rules.get(p, ms) == ms for p, ms in other.rules.items())
            and len(self.rules.keys() | other.rules.keys()) <= MAX_TOGETHER
        )


def grouped(asked: Iterable[Asked], read: frozenset[Module]) -> list[Group]:
    """Return the groups that questions fall into.

    Args:
        asked: The questions.
        read: The modules that are files of somebody.
    """
    groups: list[Group] = []
    seen: dict[tuple[int, ...], Group | None] = {}
    for one in asked:
        key = (id(one.data), *map(id, one.modules))
        if key not in seen:
            seen[key] = _place(groups, one, read)
        if (group := seen[key]) is not None:
            group.asked.setdefault((one.path, to_json(one.document)), one)
    return groups


def _place(groups: list[Group], one: Asked, read: frozenset[Module]) -> Group | None:
    """Return the group for a question's modules; none for texts of a check's own."""
    packages = {module: _package(module) for module in one.modules}
    rules: dict[str, set[Module]] = {}
    for module, package in packages.items():
        if package.startswith(_OVERLAY) and not package.endswith("_test"):
            rules.setdefault(package, set()).add(module)
    if any(module not in read for modules in rules.values() for module in modules):
        return None
    shared = frozenset(m for m, p in packages.items() if not p.startswith(_OVERLAY))
    named = {package: frozenset(modules) for package, modules in rules.items()}
    new = Group(shared, one.data, named)
    for group in groups:
        if group.takes(new):
            group.rules |= new.rules
            return group
    groups.append(new)
    return new


def package_of(path: str) -> str:
    """Return the package that a path such as ``data.overlay.x.deny`` is in."""
    return path.removeprefix("data.").rpartition(".")[0]


def _package(module: Module) -> str:
    """Return the package of a module: its first statement."""
    for line in module.source.split("\n"):
        words = line.partition("#")[0].split()
        if words:
            return words[1] if words[0] == "package" and len(words) > 1 else ""
    return ""
