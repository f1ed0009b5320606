# SPDX-License-Identifier: Apache-2.0
"""What is proved, or shown by an input: refinement, change, vacuity, contradiction.

Loaded only for a rule that has something to prove, and the solver is started only
where no case of the rule's own tests answers the question. What cannot be decided is
refused where the rule claims it (``refines``), and said where it is legal (a change).
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from bundle.confine import examine_rule
from bundle.finding import Finding, evidence_of
from bundle.lint.choices import place_of, prover_missing
from bundle.overlay import RuleFiles
from bundle.ratchet.change import change_of
from bundle.ratchet.child import Prover
from bundle.ratchet.errors import ProverUnavailableError
from bundle.ratchet.refine import contradictory, has_rule, refines, vacuous
from bundle.ratchet.verdict import Change
from bundle.rego.engine import Engine, Module
from bundle.rego.errors import RegoParseError
from bundle.rule import RuleModule
from keys.digest import Digest

_APPROVAL: Final = (
    "legal for a rule of your own: sign it with `--mark {verdict}`, and let a second "
    "person with `approve` run `trustacks rule approve {rule_id}`"
)


def refinement_findings(
    rule: RuleModule, parents: Sequence[Module], *, engine: Engine, prover: Prover
) -> Iterator[Finding]:
    """Yield what is wrong with the claim that a rule tightens a parent's.

    Raises:
        EvaluationError: The engine gave no answer.
    """
    parent, place = rule.metadata.refines or "", place_of(rule, "refines")
    if not has_rule(parents, parent, engine=engine):
        message = f"expected a rule of a parent, got {parent}"
        fix = "name a rule of the constitution or a pack, or leave `refines` out"
        yield Finding("refinement-parent", rule.path, *place, message, fix)
        return
    try:
        found = refines(parents, rule, engine=engine, prover=prover)
    except ProverUnavailableError as error:
        yield prover_missing(rule.path, *place, error.message)
        return
    match found.verdict:
        case "equal":
            yield Finding(
                "refinement-equal",
                rule.path,
                *place,
                f"expected to deny more than {parent}, got the same",
                "tighten a condition, or leave the rule out: the parent's stands",
                "warning",
            )
        case "looser" | "incomparable":
            yield Finding(
                "refinement-looser",
                rule.path,
                *place,
                f"expected to deny all that {parent} denies, got an input that passes",
                f"deny at least what {parent} denies, or leave `refines` out",
                evidence=evidence_of(input=found.witness_looser),
            )
        case "unknown":
            yield Finding(
                "refinement-unknown",
                rule.path,
                *place,
                f"expected a proof that {parent} is tightened, got none: "
                f"{found.reason}",
                "write the conditions as the parent does, or leave `refines` out",
            )
        case _:
            return


def change_between(
    previous: RuleFiles,
    rule: RuleModule,
    parents: Sequence[Module],
    *,
    engine: Engine,
    prover: Prover,
) -> Change:
    """Return what a rule is to the version that it replaces.

    Raises:
        EvaluationError: The engine gave no answer.
    """
    old = Digest.of(previous.rule)
    path = f"{rule.path} (before)"
    before = examine_rule(path, previous.rule, parse=engine.parse).rule
    if before is None:
        reason = "the old version is no rule that can be read"
        return Change("unknown", old, None, None, reason, "", 0.0)
    try:
        return change_of(before, rule, engine=engine, library=parents, prover=prover)
    except ProverUnavailableError as error:
        reason = f"{error.message}; install it with pip install z3-solver"
        return Change("unknown", old, None, None, reason, "", 0.0)
    except RegoParseError as error:
        reason = f"the old version does not fit the parents: {error.reason}"
        return Change("unknown", old, None, None, reason, "", 0.0)


def change_findings(change: Change, rule: RuleModule, line: int) -> Iterator[Finding]:
    """Yield the warning of a change that needs a second person."""
    fix = _APPROVAL.format(verdict=change.verdict, rule_id=rule.rule_id)
    shown: dict[str, Any] = {}
    match change.verdict:
        case "looser":
            message = "expected to deny all that the version before denies, got less"
            shown["input"] = change.witness_looser
        case "incomparable":
            message = "expected to deny all that the version before denies, got other"
            shown["input"] = change.witness_looser
            shown["stricter"] = change.witness_stricter
        case "unknown":
            message = (
                f"expected a proof about the version before, got none: {change.reason}"
            )
        case _:
            return
    yield Finding(
        f"change-{change.verdict}",
        rule.path,
        line,
        1,
        message,
        fix,
        "warning",
        evidence_of(**{name: value for name, value in shown.items() if value}),
    )


def vacuity_findings(
    rule: RuleModule,
    parents: Sequence[Module],
    line: int,
    engine: Engine,
    prover: Prover,
) -> Iterator[Finding]:
    """Yield a warning for a rule that denies nothing that no parent denies.

    Raises:
        ProverUnavailableError: The solver is not installed.
        EvaluationError: The engine gave no answer.
    """
    found = vacuous(rule, parents, engine=engine, prover=prover)
    if found.holds:
        yield Finding(
            "rule-vacuous",
            rule.path,
            line,
            1,
            "expected to deny what no parent denies, got nothing of the kind",
            "remove the rule, or deny more than its parents do",
            "warning",
        )


def contradiction_findings(
    rule: RuleModule,
    parents: Sequence[Module],
    line: int,
    engine: Engine,
    prover: Prover,
) -> Iterator[Finding]:
    """Yield an error for a rule that denies every input.

    Raises:
        ProverUnavailableError: The solver is not installed.
        EvaluationError: The engine gave no answer.
    """
    found = contradictory(rule, library=parents, engine=engine, prover=prover)
    if found.holds:
        yield Finding(
            "rule-contradictory",
            rule.path,
            line,
            1,
            "expected to let some proposal through, got a deny of every one",
            "add the condition that makes the rule about something",
        )
