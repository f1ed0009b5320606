# SPDX-License-Identifier: Apache-2.0
"""The module under examination, and what its checks say of it."""

from dataclasses import dataclass

from bundle.finding import Finding
from bundle.rego.ast import Node, Place, Syntax
from bundle.rego.scope import Scope


@dataclass(frozen=True)
class Subject:
    """A module under examination.

    Attributes:
        rule_id: Its own id, from its metadata.
        parameters: Paths of parameters that a parent declares.
    """

    scope: Scope
    rule_id: str
    parameters: frozenset[tuple[str, ...]]

    @property
    def syntax(self) -> Syntax:
        """The module."""
        return self.scope.syntax

    def finding(self, code: str, node: Node | Place, message: str, fix: str) -> Finding:
        """Return a finding at a node."""
        place = node if isinstance(node, Place) else node.place
        path = self.syntax.path
        return Finding(code, path, place.line, place.column, message, fix)
