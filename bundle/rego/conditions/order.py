# SPDX-License-Identifier: Apache-2.0
"""Where a module binds its names, and whether it uses them."""

from collections.abc import Iterator

from bundle.finding import Finding
from bundle.rego.conditions.subject import Subject
from bundle.rego.order import late_variables, unused_variables


def check_order(subject: Subject) -> Iterator[Finding]:
    """S7: what a closure uses is bound above it: engines order bodies differently."""
    for rule, nodes in subject.unsafe:
        unsafe = {var.name for var in nodes}
        late = late_variables(subject.scope, rule)
        for node in (var for var in late if var.name not in unsafe):
            yield subject.finding(
                "variable-late",
                node,
                f"expected {node.name} to be bound by a statement above, "
                f"got one that binds it beside or below",
                f"move what binds {node.name} up, or use another name here",
            )


def check_used(subject: Subject) -> Iterator[Finding]:
    """S7: what `every` and `some` declare is used: OPA refuses the bundle otherwise."""
    for rule in subject.syntax.rules:
        for node, name in unused_variables(rule):
            yield subject.finding(
                "variable-unused",
                node,
                f"expected {name} to be used, got a declaration alone",
                f"remove {name}, or write _ for it",
            )
