# SPDX-License-Identifier: Apache-2.0
"""``rule lint --evidence``: a test result and a verification result for other tools."""

from collections.abc import Sequence
from typing import Any

from bundle.layers import Layer
from bundle.lint import LintReport
from bundle.overlay import RuleFiles
from bundle.rego.testing import run_tests
from trustacks._cli.engine import open_engine
from trustacks._cli.oidc_options import Asked
from trustacks._cli.parent_layers import modules_of
from trustacks._cli.rule_attest import require_pinned
from trustacks._cli.rule_test import require_tested
from trustacks._cli.seconds import open_teller
from trustacks._cli.session import Session
from trustacks.standard import statement_of


def sign_evidence(
    session: Session,
    rules: Sequence[RuleFiles],
    reports: Sequence[LintReport],
    *,
    parents: Sequence[Layer],
    options: Asked,
    workspace: str | None,
) -> list[dict[str, Any]]:
    """Test rules that passed the linter, and sign what both found; all, or none.

    Raises:
        RuleTestsFailedError: Tests that did not pass.
        ParentsNotCurrentError: They were linted against other layers than are pinned.
        VerificationError: What came back does not hold.
    """
    teller = open_teller(session, options, workspace)
    require_pinned(parents, teller.pinned.parents().archives)
    engine, modules = open_engine(session), modules_of(parents)
    tests = [run_tests(one, engine=engine, parents=modules) for one in rules]
    require_tested(tests)
    return [
        {
            "rule_id": files.rule_id,
            "test_result": statement_of(teller.tested(files, test)),
            "verification_result": statement_of(
                teller.linted(files, report, tested=True)
            ),
        }
        for files, report, test in zip(rules, reports, tests, strict=True)
    ]
