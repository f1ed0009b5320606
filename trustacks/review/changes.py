# SPDX-License-Identifier: Apache-2.0
"""What changed in an overlay: by bytes, rule by rule.

A rule is known by its id. The most important difference names the change: a rule whose
text and tests both differ is ``changed``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from bundle.overlay import RuleFiles

Kind = Literal["added", "changed", "tests", "attestation", "moved", "removed"]


@dataclass(frozen=True, slots=True)
class Changed:
    """One rule that is not what it was.

    Attributes:
        kind: What differs.
        old: Its files before; None if it is new.
        new: Its files now; None if it is gone.
    """

    rule_id: str
    kind: Kind
    old: RuleFiles | None
    new: RuleFiles | None


def by_id(rules: Iterable[RuleFiles]) -> dict[str, RuleFiles]:
    """Return rules by their ids; one that says none is known by its path."""
    return {rule.rule_id or str(rule.rule_path): rule for rule in rules}


def changes(
    old: Mapping[str, RuleFiles], new: Mapping[str, RuleFiles]
) -> tuple[Changed, ...]:
    """Return the rules that differ, by id."""
    pairs = ((name, old.get(name), new.get(name)) for name in sorted({*old, *new}))
    return tuple(
        Changed(name, kind, before, after)
        for name, before, after in pairs
        if (kind := _kind(before, after)) is not None
    )


def _kind(old: RuleFiles | None, new: RuleFiles | None) -> Kind | None:
    if old is None:
        return "added"
    if new is None:
        return "removed"
    if old.rule != new.rule:
        return "changed"
    if (old.test, old.cases) != (new.test, new.cases):
        return "tests"
    if old.attestation != new.attestation:
        return "attestation"
    return "moved" if old.rule_path != new.rule_path else None
