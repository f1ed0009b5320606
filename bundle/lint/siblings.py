# SPDX-License-Identifier: Apache-2.0
"""The names that the rules of an overlay have already taken.

An overlay of 10,000 rules is linted rule by rule, and each must know whether another
has its id or its package. Parsing all others for that costs as much as linting them,
so names are read from the text where the text leaves no doubt: one metadata at the
start of a line, the package in the first line of code, no escape in either. A file in
any other form is parsed.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from bundle.confine import Parse, examine_rule
from bundle.finding import Finding
from bundle.overlay import RuleFiles
from keys.record import record

_TOKEN: Final = b"rule_metadata"
_ID: Final = re.compile(rb'^rule_metadata\["([a-z0-9_.]+)"\]', re.MULTILINE)
_PACKAGE: Final = re.compile(rb"(?:(?:#[^\n]*)?\n)*package (overlay\.\w+)[ \t]*\n")
_COMMENT: Final = re.compile(rb"^#[^\n]*$", re.MULTILINE)


class Named(Protocol):
    """A rule, as far as its names go; ``RuleModule`` is one."""

    @property
    def path(self) -> str:
        """The file."""

    @property
    def rule_id(self) -> str:
        """The id in its metadata."""

    @property
    def package(self) -> str:
        """``overlay.<leaf>``."""


@record
class Name:
    """The names of one rule."""

    path: str
    rule_id: str
    package: str


class Siblings:
    """The rules of an overlay by id and by package."""

    def __init__(self, rules: Iterable[Named] = ()) -> None:
        self._ids: dict[str, list[str]] = defaultdict(list)
        self._packages: dict[str, list[str]] = defaultdict(list)
        for rule in rules:
            self._ids[rule.rule_id].append(rule.path)
            self._packages[rule.package].append(rule.path)

    def clashes(self, rule: Named) -> Iterator[Finding]:
        """Yield a finding for each name of ``rule`` that another file has."""
        for code, name, value, paths in (
            ("rule-id-duplicate", "rule_id", rule.rule_id, self._ids),
            ("package-duplicate", "package", rule.package, self._packages),
        ):
            other = next((p for p in paths.get(value, ()) if p != rule.path), None)
            if other is not None:
                message = f"expected a {name} of its own, got {value}, as in {other}"
                fix = "give each rule an id and a package that no other has"
                yield Finding(code, rule.path, 1, 1, message, fix)


def read_siblings(files: Iterable[RuleFiles], *, parse: Parse) -> Siblings:
    """Return the names of rules; a file that cannot be read as one has none.

    Raises:
        EngineUnavailableError: The parser does not start.
    """
    return Siblings(
        name for one in files if (name := _name(one, parse=parse)) is not None
    )


def _name(files: RuleFiles, *, parse: Parse) -> Named | None:
    path = str(files.rule_path)
    if name := plain_name(path, files.rule):
        return name
    return examine_rule(path, files.rule, parse=parse).rule


def plain_name(path: str, data: bytes) -> Name | None:
    """Return the names that a text says plainly, or None if there is any doubt."""
    package = _PACKAGE.match(data)  # what follows is read by the parser
    ids = _ID.findall(data)
    if package is None or len(ids) != 1 or _COMMENT.sub(b"", data).count(_TOKEN) != 1:
        return None
    return Name(path, ids[0].decode(), package.group(1).decode())
