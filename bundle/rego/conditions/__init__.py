# SPDX-License-Identifier: Apache-2.0
"""The conditions under which an overlay rule can only add denies, one by one.

Together with what the platform holds (pinned parents that never read an overlay, an
evaluation error that is a deny, activation of all layers or none) they give the
ratchet: for every input, with the rule there is every deny that there was without it.
Each condition is one function that yields what breaks it, and none trusts another.
Before them stands ``reader``: nodes that they do not know never arrive.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Final

from bundle.finding import Finding
from bundle.rego.ast import Syntax
from bundle.rego.conditions.deny import check_deny
from bundle.rego.conditions.heads import check_heads, check_package
from bundle.rego.conditions.meaning import (
    check_calls,
    check_changes,
    check_negation,
    check_operators,
    check_recursion,
    check_safety,
)
from bundle.rego.conditions.names import check_imports, check_names, check_references
from bundle.rego.conditions.order import check_order, check_used
from bundle.rego.conditions.subject import Subject
from bundle.rego.scope import Scope

# S1 to S7 of the theorem; S8, that no answer is a deny, is the Runner's.
CONDITIONS: Final[tuple[Callable[[Subject], Iterator[Finding]], ...]] = (
    check_package,  # S1
    check_heads,  # S4
    check_deny,  # S4
    check_changes,  # S5
    check_calls,  # S5
    check_imports,  # S6
    check_names,  # S6
    check_references,  # S6
    check_recursion,  # S7
    check_safety,  # S7
    check_order,  # S7
    check_used,  # S7
    check_negation,  # S7
    check_operators,  # S7
)


def broken_conditions(
    syntax: Syntax, *, rule_id: str, parameters: Collection[tuple[str, ...]] = ()
) -> list[Finding]:
    """Return every condition that a module breaks, in the order of the file.

    Args:
        syntax: The module.
        rule_id: Its own id, from its metadata.
        parameters: Such as ``("data", "proposal", "params", "min_approvals")``.
    """
    subject = Subject(Scope(syntax), rule_id, parameters)
    found = [finding for check in CONDITIONS for finding in check(subject)]
    return sorted(set(found), key=lambda f: (f.line, f.column, f.code))
