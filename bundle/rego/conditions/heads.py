# SPDX-License-Identifier: Apache-2.0
"""What a module may be called, and what its rules may be."""

from collections.abc import Iterator

from bundle.finding import Finding
from bundle.rego.ast import Ref, Rule
from bundle.rego.builtins import HEADS, RESERVED
from bundle.rego.conditions.subject import Subject


def check_package(subject: Subject) -> Iterator[Finding]:
    """S1: the package is exactly ``overlay.<leaf>``."""
    package = subject.syntax.package
    if len(package) != 2 or package[0] != "overlay" or package[1].endswith("_test"):  # noqa: PLR2004
        leaf = subject.rule_id.replace(".", "_")
        yield subject.finding(
            "package-escape",
            subject.syntax.package_place,
            f"expected package overlay.<one name>, got {'.'.join(package)}",
            f"write: package overlay.{leaf}",
        )


def check_heads(subject: Subject) -> Iterator[Finding]:
    """S4: ``deny contains``, the own metadata, helpers and functions; nothing else."""
    for rule in subject.syntax.rules:
        if rule.kind == "default":
            yield subject.finding(
                "default-not-allowed",
                rule,
                "expected no default rule in an overlay",
                "write a helper that is true in the cases that count, and `not helper`",
            )
        elif isinstance(rule.name, Ref):
            yield from _check_ref_head(subject, rule)
        elif rule.root == "rule_metadata":
            yield subject.finding(
                "metadata-form",
                rule,
                "expected one head with the rule's id, got the whole object",
                f'write rule_metadata["{subject.rule_id}"] := {{...}}',
            )
        elif rule.root in HEADS | RESERVED:
            yield subject.finding(
                "name-reserved",
                rule,
                f"expected a name that is no builtin and not reserved, got {rule.root}",
                f"name it is_{rule.root} or has_{rule.root}",
            )
        yield from _check_bodies(subject, rule)


def _check_ref_head(subject: Subject, rule: Rule) -> Iterator[Finding]:
    name = rule.name
    own = isinstance(name, Ref) and [getattr(s, "value", None) for s in name.steps]
    if rule.root == "rule_metadata" and own == [subject.rule_id]:
        if rule.kind != "complete" or rule.bodies:
            yield subject.finding(
                "metadata-form",
                rule,
                "expected literal metadata without conditions",
                f'write rule_metadata["{subject.rule_id}"] := {{...}} without `if`',
            )
        return
    yield subject.finding(
        "head-not-allowed",
        rule,
        f'expected a plain name or rule_metadata["{subject.rule_id}"] as head',
        "give the rule one name, without dots and brackets",
    )


def _check_bodies(subject: Subject, rule: Rule) -> Iterator[Finding]:
    for body in rule.bodies:
        if body.is_else:
            yield subject.finding(
                "else-not-allowed",
                body,
                "expected no else in an overlay",
                "write two rules with the same name, each with its own conditions",
            )
    if len([body for body in rule.bodies if not body.is_else]) > 1:
        yield subject.finding(
            "body-chained",
            rule.bodies[1],
            "expected one body for each rule head",
            "repeat the head for the second body",
        )
