# SPDX-License-Identifier: Apache-2.0
"""What of ``rule lint`` needs keys: verifying what is signed, and ``--attest``."""

from collections.abc import Sequence
from typing import Any

from bundle.beside import lint_path
from bundle.gate.errors import ParentsNotCurrentError
from bundle.layers import Layer
from bundle.lint import LintReport
from bundle.overlay import RuleFiles
from keys.digest import Digest
from keys.durable import write_file
from keys.errors import NotFoundError, VerificationError
from trustacks._cli.oidc_options import Asked
from trustacks._cli.session import Session
from trustacks.errors import (
    ChangeNotProvedError,
    NothingToApproveError,
    NotLoggedInError,
)
from trustacks.parents import store_directory
from trustacks.pin import read_pinned
from trustacks.rule_signature import with_signature


def verified(
    session: Session,
    rules: Sequence[RuleFiles],
    reports: Sequence[LintReport],
    workspace: str | None,
) -> list[LintReport]:
    """Return reports with what the verifier says of the attestations, offline.

    A pin that holds no longer, for example because it expired, is said, and the check
    is left out: what was not looked at has not passed.
    """
    at = session.clock()
    try:
        root = session.login(workspace).root
        folder = store_directory(session.home / "workspaces", root)
        pinned = read_pinned(folder, root, at=at)
    except (NotLoggedInError, NotFoundError):
        return list(reports)
    except VerificationError as error:
        session.output.say(f"signatures not verified: {error.message} [{error.code}]")
        session.output.hint("trustacks login brings what is current")
        return list(reports)
    return [
        report
        if files.attestation is None
        else with_signature(report, files, trust=pinned.trust, at=at)
        for files, report in zip(rules, reports, strict=True)
    ]


def attest_changes(
    session: Session,
    rules: Sequence[RuleFiles],
    reports: Sequence[LintReport],
    *,
    parents: Sequence[Layer],
    options: Asked,
    workspace: str | None,
) -> list[dict[str, Any]]:
    """Sign for every changed rule that it loosens nothing; all of them, or none.

    Args:
        session: The command's.
        rules: The rules that were linted.
        reports: What was found.
        parents: The layers that they were linted against, which have to be pinned.
        options: Who the lint identity is.
        workspace: Whose pinned layers they are.

    Raises:
        ParentsNotCurrentError: They were linted against other layers.
        NothingToApproveError: No rule has a version before to compare with.
        ChangeNotProvedError: One may have loosened.
    """
    from trustacks._cli.seconds import open_second  # noqa: PLC0415 - see above
    from trustacks.approving import LintSigner  # noqa: PLC0415 - loaded when asked for

    changed = [
        (files, report)
        for files, report in zip(rules, reports, strict=True)
        if report.change is not None
    ]
    if not changed:
        raise NothingToApproveError(
            "expected a rule that differs from the version before, got none",
            hint="name the version before: trustacks rule lint --base REF --attest",
        )
    _require_proved([report for _, report in changed])
    signer = open_second(session, LintSigner, options, workspace)
    require_pinned(parents, signer.pinned.parents().archives)
    signed = [(f, r, signer.sign(f, r)) for f, r in changed]
    for files, _, raw in signed:
        write_file(lint_path(files.rule_path), raw)
    return [
        {
            "rule_id": files.rule_id,
            "verdict": report.change.verdict if report.change else None,
            "path": str(lint_path(files.rule_path)),
        }
        for files, report, _ in signed
    ]


def require_pinned(parents: Sequence[Layer], pinned: Sequence[bytes]) -> None:
    """Refuse a proof about other parents than the statement will name."""
    if {layer.digest for layer in parents} != {Digest.of(data) for data in pinned}:
        raise ParentsNotCurrentError(
            "expected a lint against the layers that are pinned now, got others",
            hint="run it again, without --constitution and --pack",
        )


def _require_proved(reports: Sequence[LintReport]) -> None:
    open_ones = {
        report.rule_id: report.change.verdict
        for report in reports
        if report.change is not None and not report.change.attestable
    }
    if open_ones:
        said = ", ".join(f"{verdict} {rule}" for rule, verdict in open_ones.items())
        raise ChangeNotProvedError(
            f"expected changes that are equal or stricter, got {said}",
            hint="a person with `approve` looks at them: trustacks rule approve ID",
            verdicts=open_ones,
        )
