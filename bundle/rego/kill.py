# SPDX-License-Identifier: Apache-2.0
"""Do the tests show that the rule denies, and that it denies more than its parents?

Three questions about a run in which every case passed:

- **kill**: without the rule's denies (``deny`` is the empty set, all else as it was)
  every negative test must fail. One that still passes asserts something else.
- **bodies**: without one deny of several, some negative case must be allowed or some
  negative test must fail. Otherwise nobody would notice if that deny were lost.
- **strictness witness**: some negative case is allowed by the parents alone. Otherwise
  the tests do not show that the rule adds anything.

The engine answers all of them, on texts from which denies are cut out.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from bundle.finding import Finding
from bundle.rego.ast import Rule
from bundle.rego.engine import UNDEFINED, Module
from bundle.rego.facts import Kill
from bundle.rego.report import CaseResult
from bundle.rego.suite import Suite, answers, decisions, packages

_LIBRARY: Final = "overlay_lib"


def kill_check(
    suite: Suite, cases: Sequence[CaseResult]
) -> tuple[Kill, tuple[Finding, ...]]:
    """Ask the three questions.

    Args:
        suite: The rule and its tests.
        cases: What the run said of them; all passed, at least one is negative.

    Raises:
        EvaluationError: The engine gave no answer.
    """
    negative = [case for case in cases if case.polarity == "negative"]
    kill = Kill(
        tuple(_passing(suite, without(suite.rule, suite.denies), negative)),
        tuple((rule.place.line, by) for rule, by in _killers(suite, negative)),
        _witness(suite, negative),
    )
    return kill, tuple(_findings(suite, kill))


def without(module: Module, rules: Sequence[Rule]) -> Module:
    """Return a module without some of its denies; every line stays where it was.

    ``deny`` remains a set: undefined would make ``not count(deny) == 0`` hold.
    """
    source = bytearray(module.source.encode())
    for rule in sorted(rules, key=lambda rule: rule.place.start, reverse=True):
        start, end = rule.place.start, rule.place.end
        source[start:end] = b"\n" * source.count(b"\n", start, end)
    text = source.decode().rstrip("\n")
    return Module(module.path, f'{text}\n\ndeny contains "" if false\n')


def _passing(
    suite: Suite, rule: Module, negative: Sequence[CaseResult]
) -> Iterator[str]:
    """Yield the negative tests that pass with a variant of the rule."""
    names = _tests(negative)
    if not names:
        return
    policy = suite.load_tested(rule)
    paths = [[f"data.{suite.package}_test.{name}"] for name in names]
    for name, (value,) in zip(names, answers(policy, paths), strict=True):
        if value is True:
            yield name
    policy.close()


def _killers(
    suite: Suite, negative: Sequence[CaseResult]
) -> Iterator[tuple[Rule, str | None]]:
    """Yield each deny with what notices its loss."""
    if len(suite.denies) == 1:  # the verdict of every negative case is its own
        yield suite.denies[0], negative[0].name
        return
    for rule in suite.denies:
        yield rule, _killer(suite, without(suite.rule, [rule]), negative)


def _killer(suite: Suite, rule: Module, negative: Sequence[CaseResult]) -> str | None:
    policy = suite.load(rule)
    inputs = [case.input for case in negative]
    values = decisions(policy, suite.deny_path, inputs)
    for case, value in zip(negative, values, strict=True):
        if value == []:
            return case.name
    policy.close()
    passing = set(_passing(suite, rule, negative))
    return next((name for name in _tests(negative) if name not in passing), None)


def _tests(cases: Sequence[CaseResult]) -> list[str]:
    """Return the Rego tests that asked these cases."""
    return [*dict.fromkeys(case.test for case in cases if case.test)]


def _witness(suite: Suite, negative: Sequence[CaseResult]) -> str | None:
    named = (name for name in packages(suite.parents) if name != _LIBRARY)
    paths = [f"data.{name}.deny" for name in named]
    if not paths:
        return negative[0].name
    policy = suite.engine.load((), base=suite.parents)
    for case in negative:
        values = policy.evaluate_many(paths, case.input)
        if all(value is UNDEFINED or value == [] for value in values):
            return case.name
    return None


def _findings(suite: Suite, kill: Kill) -> Iterator[Finding]:
    path, lines = suite.test.path, {t.name: t.place.line for t in suite.tests}
    for name in kill.idle:
        message = f"expected {name} to fail without the rule's denies, got a pass"
        fix = f"assert the verdict: count(data.{suite.package}.deny) > 0"
        yield Finding("test-not-killed", path, lines[name], 1, message, fix)
    for line, by in kill.bodies:
        if by is None:
            yield Finding(
                "test-body-not-killed",
                suite.rule.path,
                line,
                1,
                "expected a test that fails without this deny, got none",
                "add a negative case with an input that only this deny denies",
                "warning",
            )
    if kill.witness is None:
        yield Finding(
            "test-no-strictness-witness",
            path if suite.files.test else str(suite.files.cases_path),
            1,
            1,
            "expected a negative case that the parents alone allow, got none",
            "add a negative case with an input that only this rule denies",
            "warning",
        )
