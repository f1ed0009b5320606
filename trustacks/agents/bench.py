# SPDX-License-Identifier: Apache-2.0
"""The overlay that an agent asks about, read anew for each question."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bundle.layers import Layer
from bundle.overlay import RuleFiles, find_rule, read_overlay
from bundle.ratchet.child import Prover
from bundle.rego.engine import Engine, Module
from bundle.rego.errors import EvaluationError, RegoParseError
from bundle.rego.reader import read_syntax
from bundle.rule import rule_id_problem
from bundle.rule_metadata import Said, said_in_rego
from keys.digest import Digest
from keys.errors import FormatError, NotFoundError, UsageError
from trustacks.errors import NotLoggedInError
from trustacks.released import previous_from_release, released_digests


@dataclass(frozen=True, slots=True)
class ParentRule:
    """A rule of a parent: it is in force whatever the overlay says.

    Attributes:
        layer: The layer's name.
        kind: ``constitution`` or ``pack``.
        rule_id: What it calls itself.
        said: Its metadata, as the layer's publisher wrote it.
    """

    layer: str
    kind: str
    rule_id: str
    said: dict[str, Any]
    module: Module


@dataclass(frozen=True, slots=True)
class Bench:
    """An overlay, its parents and an engine.

    Attributes:
        directory: The overlay folder, or the repository that has it.
        prover: Proves what a change does; its process starts when it is asked.
        layers: Reads the parents; raises ``NotLoggedInError`` where none are known.
        pinned: What is kept of the workspace, or None where nobody logged in.
    """

    directory: Path
    engine: Engine
    prover: Prover
    layers: Callable[[], tuple[Layer, ...]]
    pinned: Callable[[], Path | None]

    def rules(self) -> tuple[RuleFiles, ...]:
        """Return the rules of the overlay.

        Raises:
            OverlayFormatError: It is none, or has no rule.
        """
        return read_overlay(self.directory).rules

    def rule(self, rule_id: str) -> RuleFiles:
        """Return one rule by its id; a path is not one.

        Raises:
            UsageError: Not an id.
            NotFoundError: There is no such rule.
        """
        if problem := rule_id_problem(rule_id):
            raise UsageError(problem[1], hint="list_rules names them")
        return find_rule(self.directory, rule_id)

    def released(self, rule_id: str) -> bytes | None:
        """Return a rule as the newest release that was seen has it."""
        pinned = self.pinned()
        return previous_from_release(pinned, rule_id) if pinned else None

    def released_digests(self) -> dict[str, Digest]:
        """Return the rules of the newest release that was seen."""
        pinned = self.pinned()
        return released_digests(pinned) if pinned else {}

    def known_layers(self) -> tuple[Layer, ...]:
        """Return the parents, or none where nobody logged in."""
        try:
            return self.layers()
        except (NotLoggedInError, NotFoundError):
            return ()

    def parent_rules(self) -> Iterator[ParentRule]:
        """Yield the rules of the parents that say what they are."""
        for layer in self.known_layers():
            for module in layer.modules:
                for said in self._said(module):
                    value = said.value if isinstance(said.value, dict) else {}
                    place = (layer.name, layer.kind, said.rule_id)
                    yield ParentRule(*place, value, module)

    def _said(self, module: Module) -> list[Said]:
        try:
            return list(said_in_rego(read_syntax(module, self.engine.parse(module))))
        except (RegoParseError, EvaluationError, FormatError):
            return []  # a layer's own form is its publisher's matter
