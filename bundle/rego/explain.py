# SPDX-License-Identifier: Apache-2.0
"""Say of every failed case which conditions decided it."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Final

from bundle.rego.errors import EvaluationError, RegoParseError
from bundle.rego.facts import Conditions
from bundle.rego.report import CaseResult
from bundle.rego.suite import Suite
from bundle.rego.trace import Tracer

# Failures after these are shown without their conditions: the first ones are read.
MAX_EXPLAINED: Final = 50


def explain(suite: Suite, cases: Sequence[CaseResult]) -> Iterator[CaseResult]:
    """Yield the cases, the failed ones with their conditions.

    Where the engine has no answer there are none, and for no case behind it: each may
    have taken seconds.
    """
    tracers = _Tracers(suite)
    left = MAX_EXPLAINED
    for case in cases:
        if case.passed or not left:
            yield case
            continue
        left -= 1
        try:
            conditions = tuple(_conditions(tracers, case))
        except EvaluationError:
            left, conditions = 0, ()
        yield replace(case, conditions=conditions)


def _conditions(tracers: "_Tracers", case: CaseResult) -> Iterator[Conditions]:
    """Yield the denies that say why, fired or silent, and the test's own body."""
    if tracers.rule:
        fired = case.actual == "deny"
        yield from tracers.rule.conditions("deny", case.input, fired=fired)
    if case.test and case.actual == case.expected and tracers.test:
        yield from tracers.test.conditions(case.test, {})


class _Tracers:
    """The probed modules, each loaded when it is first needed.

    A rule whose probes do not load, such as one near the limits, has none: its
    failures are shown without conditions.
    """

    def __init__(self, suite: Suite) -> None:
        self._suite = suite

    @cached_property
    def rule(self) -> Tracer | None:
        with contextlib.suppress(RegoParseError):
            return Tracer(self._suite, self._suite.rule, self._suite.syntax)
        return None

    @cached_property
    def test(self) -> Tracer | None:
        with contextlib.suppress(RegoParseError):
            return Tracer(self._suite, self._suite.test, self._suite.test_syntax)
        return None
