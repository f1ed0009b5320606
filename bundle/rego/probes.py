# SPDX-License-Identifier: Apache-2.0
"""Find the inputs of Rego tests, so that a run can say what each case was.

For every statement of a ``test_*`` rule that has ``with input as``, a probe is added to
the test's package: the statements before it, then the input under the same ``with``.
The engine itself so computes what the test computed, loops and calls included; nothing
is guessed from the text.
"""

from collections.abc import Iterator
from typing import Any, Final

from bundle.finding import Finding
from bundle.rego.annotations import read_annotations
from bundle.rego.ast import Place, Ref, Rule, Statement, Syntax, Var, walk
from bundle.rego.cases import POLARITIES, Polarity
from bundle.rego.engine import Module
from keys.record import record

TEST_PREFIX: Final = "test_"
_PREFIXES: Final[tuple[tuple[str, Polarity], ...]] = (
    ("test_allows_", "positive"),
    ("test_denies_", "negative"),
)
_PROBE: Final = "trustacks_probe"


@record
class RegoTest:
    """A ``test_*`` rule and the probes that find its inputs."""

    name: str
    place: Place
    polarity: Polarity | None
    probes: tuple[str, ...]


def read_tests(module: Module, syntax: Syntax) -> tuple[RegoTest, ...]:
    """Return the tests of a module, in the order of the file.

    Raises:
        RegoParseError: An annotation that cannot be read.
    """
    annotated = {a.line: a.value for a in read_annotations(module)}
    tests: dict[str, RegoTest] = {}
    count = 0
    for rule in syntax.rules:
        if not rule.root.startswith(TEST_PREFIX):
            continue
        probes = [f"{_PROBE}_{count + i}" for i in range(len(list(_changed(rule))))]
        count += len(probes)
        before = tests.get(rule.root)
        polarity = _polarity(rule.root, annotated.get(rule.place.line))
        earlier = before.probes if before else ()
        tests[rule.root] = RegoTest(
            rule.root,
            before.place if before else rule.place,
            before.polarity if before and before.polarity else polarity,
            (*earlier, *probes),
        )
    return tuple(tests.values())


def probe_module(module: Module, syntax: Syntax) -> Module:
    """Return the test module with its probes behind it."""
    source = module.source.encode()
    bodies = [
        body
        for rule in syntax.rules
        if rule.root.startswith(TEST_PREFIX)
        for body in _probe_bodies(source, rule)
    ]
    probes = [
        f"{_PROBE}_{i} contains {_PROBE}_input if {{\n{body}\n}}\n"
        for i, body in enumerate(bodies)
    ]
    return Module(module.path, "\n".join([module.source.rstrip("\n"), "", *probes]))


def mocks(syntax: Syntax) -> Iterator[Finding]:
    """Yield a finding for every ``with`` whose target is not the input."""
    for node in walk(syntax.rules):
        if isinstance(node, Statement):
            for change in node.changes:
                target = change.target
                root = target.root if isinstance(target, Ref) else target
                if not isinstance(root, Var) or root.name != "input":
                    yield Finding(
                        "test-mocks",
                        syntax.path,
                        change.place.line,
                        change.place.column,
                        "expected `with input as`, got a replacement of something else",
                        "say it in the input: the rule runs with the real library",
                    )


def _polarity(name: str, annotation: dict[str, Any] | None) -> Polarity | None:
    custom = (annotation or {}).get("custom")
    said = custom.get("polarity") if isinstance(custom, dict) else None
    for polarity in POLARITIES:
        if said == polarity:
            return polarity
    if said is not None:
        return None
    for prefix, polarity in _PREFIXES:
        if name.startswith(prefix):
            return polarity
    return None


def _changed(rule: Rule) -> Iterator[tuple[Place, Statement]]:
    for body in rule.bodies:
        for statement in body.statements:
            if statement.changes:
                yield body.statements[0].place, statement


def _probe_bodies(source: bytes, rule: Rule) -> Iterator[str]:
    for first, statement in _changed(rule):
        before = source[first.start : statement.place.start].decode().rstrip(" \t;")
        start, end = statement.changes[0].place.start, statement.place.end
        changes = source[start:end].decode()
        before = before.removesuffix("not").rstrip()
        yield f"{before}\n{_PROBE}_input := input {changes}"
