# SPDX-License-Identifier: Apache-2.0
"""The module under examination, and what its checks say of it."""

from collections.abc import Collection
from functools import cached_property

from bundle.finding import Finding
from bundle.rego.ast import Node, Place, Rule, Syntax, Var
from bundle.rego.safety import unsafe_variables
from bundle.rego.scope import Scope


class Subject:
    """A module under examination.

    Args:
        scope: Its names.
        rule_id: Its own id, from its metadata.
        parameters: Paths of parameters that a parent declares.
    """

    def __init__(
        self, scope: Scope, rule_id: str, parameters: Collection[tuple[str, ...]]
    ) -> None:
        self.scope = scope
        self.rule_id = rule_id
        self.parameters = frozenset(parameters)

    @property
    def syntax(self) -> Syntax:
        """The module."""
        return self.scope.syntax

    @cached_property
    def unsafe(self) -> tuple[tuple[Rule, list[Var]], ...]:
        """Each rule with the places in it where a name is used that nothing binds."""
        return tuple((r, unsafe_variables(self.scope, r)) for r in self.syntax.rules)

    def finding(self, code: str, node: Node | Place, message: str, fix: str) -> Finding:
        """Return a finding at a node."""
        place = node if isinstance(node, Place) else node.place
        path = self.syntax.path
        return Finding(code, path, place.line, place.column, message, fix)
