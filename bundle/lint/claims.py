# SPDX-License-Identifier: Apache-2.0
"""Which questions of proof a rule raises; most rules raise none.

A negative case that the parents alone allow shows that a rule does something, and a
case that it allows shows that it does not deny everything. Only what no case shows, and
what a rule claims or changes, is asked of the solver (``proofs``, imported only then).
"""

from collections.abc import Iterator, Sequence

from bundle.finding import Finding
from bundle.lint.choices import refused_choices
from bundle.overlay import RuleFiles
from bundle.ratchet.child import Prover
from bundle.ratchet.errors import ProverUnavailableError
from bundle.ratchet.verdict import Change
from bundle.rego.engine import Engine, Module
from bundle.rego.report import TestReport
from bundle.rule import RuleModule


class Claims:
    """What one rule claims, and what was found out about it.

    Args:
        rule: The rule, which is confined and compiles.
        line: Of its first deny.
        test: The run of its tests, if there was one.
        parents: Modules of constitution and packs, or the library alone.
        previous: The version that it replaces.
        prover: A warm solver; without one it is started and ended where it is needed.

    Attributes:
        checked: The checks that ran.
        change: What the rule is to the version before it.
    """

    def __init__(
        self,
        rule: RuleModule,
        line: int,
        test: TestReport | None,
        *,
        engine: Engine,
        parents: Sequence[Module],
        previous: RuleFiles | None,
        prover: Prover | None,
    ) -> None:
        self._rule = rule
        self._line = line
        self._engine = engine
        self._parents = parents
        self._previous = previous
        self._prover = prover
        cases = test.cases if test else ()
        self._kill = test.kill if test else None
        self._allows = any(case.actual == "allow" for case in cases)
        self._tested = bool(cases)
        self.checked: set[str] = set()
        self.change: Change | None = None

    def findings(self) -> Iterator[Finding]:
        """Yield everything; ``checked`` and ``change`` are known afterwards.

        Raises:
            EvaluationError: The engine gave no answer.
        """
        if self._rule.metadata.parameters:
            self.checked.add("parameters")
            yield from refused_choices(self._rule, self._parents, engine=self._engine)
        changed = (
            self._previous is not None and self._previous.rule != self._rule.source
        )
        useful = self._kill is not None and self._kill.witness is not None
        self.checked |= {"vacuity"} if useful else set()
        self.checked |= {"contradiction"} if self._allows else set()
        doubtful = self._kill is not None and not useful
        hopeless = self._tested and not self._allows
        if self._rule.metadata.refines or changed or doubtful or hopeless:
            prover = self._prover or Prover()
            try:
                yield from self._claimed(prover, changed=changed)
                yield from self._doubted(prover, doubtful=doubtful, hopeless=hopeless)
            finally:
                if self._prover is None:
                    prover.close()

    def _claimed(self, prover: Prover, *, changed: bool) -> Iterator[Finding]:
        from bundle.lint import proofs  # noqa: PLC0415 - 20 ms, for rules that claim

        rule, engine, parents = self._rule, self._engine, self._parents
        if rule.metadata.refines is not None:
            self.checked.add("refinement")
            yield from proofs.refinement_findings(
                rule, parents, engine=engine, prover=prover
            )
        if changed and self._previous is not None:
            self.checked.add("change")
            self.change = proofs.change_between(
                self._previous, rule, parents, engine=engine, prover=prover
            )
            yield from proofs.change_findings(self.change, rule, self._line)

    def _doubted(
        self, prover: Prover, *, doubtful: bool, hopeless: bool
    ) -> Iterator[Finding]:
        from bundle.lint import proofs  # noqa: PLC0415 - 20 ms, for rules in doubt

        asked = (self._rule, self._parents, self._line)
        told = (self._engine, prover)
        try:
            if hopeless:
                yield from proofs.contradiction_findings(*asked, *told)
                self.checked.add("contradiction")
            if doubtful:
                yield from proofs.vacuity_findings(*asked, *told)
                self.checked.add("vacuity")
        except ProverUnavailableError:
            return  # what was not looked at has not passed, and does not refuse
