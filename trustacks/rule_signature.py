# SPDX-License-Identifier: Apache-2.0
"""The attestation beside a rule, as a finding: does it hold for these bytes?

Imports cryptography: for rules that are signed, in a workspace that is pinned.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from bundle.finding import Finding
from bundle.lint import LintReport
from bundle.lint.linter import in_order
from bundle.overlay import RuleFiles
from signer.errors import SubjectMismatchError
from signer.trust import Trust
from signer.verify import verify_attestation
from trustacks.expected import expected_of

_SIGN = "`trustacks rule sign` attests the rule as it is now"


def with_signature(
    report: LintReport, files: RuleFiles, *, trust: Trust, at: datetime
) -> LintReport:
    """Return the report with what the verifier says of a rule's attestation."""
    found = {*report.findings, *signature_findings(files, trust=trust, at=at)}
    return in_order(replace(report, checks=(*report.checks, "signature")), found)


def signature_findings(
    files: RuleFiles, *, trust: Trust, at: datetime
) -> Iterator[Finding]:
    """Yield a finding if the attestation beside a rule does not hold.

    A rule that changed since it was signed is a warning: it is signed again before it
    is released. All else is an error.
    """
    if files.attestation is None:
        return
    result = verify_attestation(
        files.attestation, trust=trust, expected=expected_of(files), at=at
    ).result
    if result.accepted:
        return
    changed = result.code == SubjectMismatchError.code
    failure = result.first_failure
    detail = failure.title if failure else "a check that failed"
    yield Finding(
        "signature-invalid",
        str(files.attestation_path),
        1,
        1,
        f"expected an attestation that holds, got {result.code} (failed: {detail})",
        _SIGN,
        "warning" if changed else "error",
    )
