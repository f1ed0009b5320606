# SPDX-License-Identifier: Apache-2.0
"""What a deny looks like: conditional, and citing the rule that it comes from."""

from collections.abc import Iterator

from bundle.finding import Finding
from bundle.rego.ast import Assignment, Condition, ObjectTerm, Rule, Scalar, Var
from bundle.rego.conditions.subject import Subject
from bundle.rego.scope import local_names


def check_deny(subject: Subject) -> Iterator[Finding]:
    """S4: at least one conditional ``deny contains`` that cites the own rule id."""
    denies = subject.scope.rules.get("deny", ())
    form = (
        f'deny contains {{"rule_id": "{subject.rule_id}", "message": message}} '
        f"if {{ ... }}"
    )
    if not denies:
        yield subject.finding(
            "deny-missing",
            subject.syntax.package_place,
            "expected a deny rule, got none",
            f"write: {form}",
        )
    for rule in denies:
        if rule.kind != "set" or rule.key is None:
            yield subject.finding(
                "deny-form", rule, "expected `deny contains`", f"write: {form}"
            )
            continue
        if not rule.bodies:
            yield subject.finding(
                "deny-unconditional",
                rule,
                "expected a condition for the deny, got none",
                f"write: {form}",
            )
        yield from _check_deny_key(subject, rule, form)


def _check_deny_key(subject: Subject, rule: Rule, form: str) -> Iterator[Finding]:
    entry = _deny_entry(rule)
    fields = [(getattr(k, "value", None), v) for k, v in entry.fields] if entry else []
    cited = dict(fields).get("rule_id")
    if cited is None or sorted(str(k) for k, _ in fields) != ["message", "rule_id"]:
        yield subject.finding(
            "deny-form",
            rule,
            "expected the deny to be an object of rule_id and message",
            f"write: {form}",
        )
    elif not isinstance(cited, Scalar) or cited.value != subject.rule_id:
        said = repr(cited.value) if isinstance(cited, Scalar) else "an expression"
        yield subject.finding(
            "deny-rule-id",
            cited,
            f"expected the rule's own id {subject.rule_id!r}, got {said}",
            f'write "rule_id": "{subject.rule_id}"',
        )


def _deny_entry(rule: Rule) -> ObjectTerm | None:
    """Return the object in the head, or the one that ``msg := {...}`` binds."""
    if isinstance(rule.key, ObjectTerm):
        return rule.key
    if not isinstance(rule.key, Var) or len(rule.bodies) != 1:
        return None
    if [name for _, name in local_names(rule)].count(rule.key.name) != 1:
        return None
    for statement in rule.bodies[0].statements:
        match statement:
            case Condition(
                expr=Assignment(operator=":=", left=Var(name=name), right=right),
                negated=False,
            ) if name == rule.key.name:
                return right if isinstance(right, ObjectTerm) else None
            case _:
                continue
    return None
