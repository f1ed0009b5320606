# SPDX-License-Identifier: Apache-2.0
"""Which lines of a rule its cases reached, as the engine counts them.

A line is reached if the engine evaluated something on it; whether it held is another
question. The metadata is no logic and is not counted.
"""

from collections.abc import Sequence

from bundle.rego.facts import Reached
from bundle.rego.report import CaseResult
from bundle.rego.suite import Suite, decisions


def reached_lines(suite: Suite, cases: Sequence[CaseResult]) -> Reached:
    """Count the lines of the rule that the cases reach.

    Raises:
        EvaluationError: The engine gave no answer.
    """
    policy = suite.load(suite.rule, coverage=True)
    for _ in decisions(policy, suite.deny_path, [case.input for case in cases]):
        pass  # what they reach counts, not what they say
    found = next((c for c in policy.coverage() if c.path == suite.rule.path), None)
    policy.close()
    lines, said = suite.rule.source.split("\n"), _metadata(suite)
    covered = [n for n in (found.covered if found else ()) if n not in said]
    missed = [n for n in (found.missed if found else ()) if n not in said]
    texts = ((number, lines[number - 1].strip()) for number in missed)
    return Reached(suite.rule.path, tuple(covered), tuple(texts))


def _metadata(suite: Suite) -> set[int]:
    source = suite.rule.source.encode()
    places = [r.place for r in suite.syntax.rules if r.root == "rule_metadata"]
    return {
        line
        for place in places
        for line in range(
            place.line,
            place.line + source.count(b"\n", place.start, place.end) + 1,
        )
    }
