# SPDX-License-Identifier: Apache-2.0
"""One citation id stands for one text, in the whole overlay and its parents.

People know an authority by its id, such as CM-TICKET-REQUIRED-001. Where two rules give
it different descriptions, a deny cites something else than its reader thinks. Only
files that have the id somewhere in their text are parsed.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, Final

from bundle.confine import Parse, examine_rule
from bundle.finding import Finding
from bundle.lint.choices import place_of
from bundle.overlay import RuleFiles
from bundle.rego.engine import Module
from bundle.rego.errors import RegoParseError
from bundle.rego.reader import read_syntax
from bundle.rule import RuleModule
from bundle.rule_metadata import literal, metadata_heads
from keys.errors import FormatError

_ID: Final = re.compile(rb"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+")

_PLAIN: Final = re.compile(
    rb'^\s*"citation": \{\s*"id": "(?P<id>[A-Z0-9-]+)",'
    rb'\s*"description": "(?P<description>[^"\\\n]*)"',
    re.MULTILINE,
)


class Citations:
    """The citations of an overlay's rules, found when a rule asks for its own.

    Args:
        files: The rules; the one that asks may be among them.
    """

    def __init__(self, files: Iterable[RuleFiles] = ()) -> None:
        self._files = tuple(files)
        self._said: dict[str, tuple[str, str] | None] = {}

    @cached_property
    def _named(self) -> dict[bytes, list[RuleFiles]]:
        found: dict[bytes, list[RuleFiles]] = defaultdict(list)
        for files in self._files:
            for name in set(_ID.findall(files.rule)):
                found[name].append(files)
        return found

    def shadowed(
        self, rule: RuleModule, parents: Sequence[Module], *, parse: Parse
    ) -> Iterator[Finding]:
        """Yield a warning if another file describes a rule's citation differently.

        Raises:
            EvaluationError: The parser gave no answer.
        """
        own = rule.metadata.citation
        for path, said in self._others(rule, own.id, parents, parse):
            if said != own.description:
                line, column = place_of(rule, "citation")
                yield Finding(
                    "citation-shadowed",
                    rule.path,
                    line,
                    column,
                    f"expected one text for {own.id}, got another in {path}",
                    "cite the same words, or give this authority an id of its own",
                    "warning",
                )
                return

    def _others(
        self, rule: RuleModule, name: str, parents: Sequence[Module], parse: Parse
    ) -> Iterator[tuple[str, Any]]:
        for module in parents:
            if name in module.source:
                yield from _in_parent(module, name, parse)
        for files in self._named.get(name.encode(), ()):
            path = str(files.rule_path)
            said = self._cited(path, files.rule, parse) if path != rule.path else None
            if said is not None and said[0] == name:
                yield path, said[1]

    def _cited(self, path: str, data: bytes, parse: Parse) -> tuple[str, str] | None:
        """Return what a rule cites, id and description; each file is parsed once."""
        if path not in self._said:
            self._said[path] = plain_citation(data) or _read(path, data, parse)
        return self._said[path]


def plain_citation(data: bytes) -> tuple[str, str] | None:
    """Return a citation that the text says plainly, or None if there is any doubt.

    Many rules cite one authority; to parse each for it would take half of a lint.
    """
    if data.count(b"citation") != 1 or (found := _PLAIN.search(data)) is None:
        return None
    try:
        return found["id"].decode(), found["description"].decode()
    except UnicodeDecodeError:
        return None


def _read(path: str, data: bytes, parse: Parse) -> tuple[str, str] | None:
    rule = examine_rule(path, data, parse=parse).rule
    return (
        (rule.metadata.citation.id, rule.metadata.citation.description)
        if rule
        else None
    )


def _in_parent(module: Module, name: str, parse: Parse) -> Iterator[tuple[str, Any]]:
    try:
        syntax = read_syntax(module, parse(module))
        values = [
            literal(rule.value) for rule, _ in metadata_heads(syntax) if rule.value
        ]
    except (RegoParseError, FormatError):
        return  # what is wrong with a layer is the finding of ``lint_layer``
    for value in values:
        citation = value.get("citation") if isinstance(value, dict) else None
        if isinstance(citation, dict) and citation.get("id") == name:
            yield module.path, citation.get("description")
