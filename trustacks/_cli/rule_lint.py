# SPDX-License-Identifier: Apache-2.0
"""``trustacks rule lint``: of some rules, or of all.

A rule is compared with the version that it replaces: the one of ``--base``, else the
one of the newest release that was seen here, else none.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bundle.errors import OverlayFormatError
from bundle.layers import Layer
from bundle.lint import LintReport, lint_rule
from bundle.lint.citations import Citations
from bundle.lint.linter import Against
from bundle.lint.siblings import Siblings, read_siblings
from bundle.overlay import RuleFiles
from bundle.parameter_paths import parameter_paths
from bundle.ratchet.child import Prover
from bundle.rego.engine import Engine
from bundle.rego.remember import RememberingEngine
from keys.record import record
from trustacks._cli.engine import REGORUS, confirmed, engine_option, open_engine
from trustacks._cli.lazy import command
from trustacks._cli.many import reports_of
from trustacks._cli.oidc_options import asked, signer_options
from trustacks._cli.overlay_files import choose_rules, overlay_option, read_rules
from trustacks._cli.overlay_profile import profile_json, profile_of
from trustacks._cli.parent_layers import (
    layer_json,
    modules_of,
    parents_options,
    read_parents,
)
from trustacks._cli.sarif_file import require_sarif, sarif_option, write_sarif
from trustacks._cli.session import Session
from trustacks.errors import NotLoggedInError, RuleLintFailedError

# A rule, and the version that it replaces if there is one.
Pair = tuple[RuleFiles, RuleFiles | None]


@command("lint")
@click.argument("rules", nargs=-1, metavar="[ID|PATH]...")
@click.option("--base", metavar="REF", help="Compare with this commit's versions.")
@click.option("--attest", is_flag=True, help="Sign that a change loosens nothing.")
@click.option(
    "--evidence", is_flag=True, help="Run the tests too, and sign both for other tools."
)
@signer_options("The key for --attest and --evidence.")
@overlay_option
@parents_options
@engine_option
@sarif_option
def lint(
    session: Session,
    /,
    *,
    rules: tuple[str, ...],
    base: str | None,
    attest: bool,
    evidence: bool,
    overlay: Path | None,
    constitution: Path | None,
    packs: tuple[Path, ...],
    workspace: str | None,
    engine_choice: str | None,
    sarif: Path | None,
    **given: Any,
) -> None:
    """Lint rules, named by id or path, or every rule, against their parents."""
    require_sarif(session.output, sarif)
    chosen = choose_rules(overlay, rules)
    parents = read_parents(session, constitution, packs, workspace)
    # Who signs asks twice; who only looks is answered at once (ADR 0018).
    engine_choice = engine_choice or (None if attest or evidence else REGORUS)
    engine = open_engine(session, engine_choice)
    others = read_others(overlay, rules) if rules else chosen
    against = against_of(parents, others, engine)
    against = replace(against, profile=profile_of(overlay))
    before = versions_before(session, chosen, base, workspace)
    pairs = list(zip(chosen, before, strict=True))
    work = Linting(against, engine_choice)
    reports = reports_of(session, pairs, work, doing="linting")
    reports = _signed(session, chosen, reports, workspace)
    value: dict[str, Any] = {
        "rules": [_linted(report) for report in reports],
        "parents": [layer_json(layer) for layer in parents],
        "profile": profile_json(against.profile),
    }
    refused = any(not report.passed for report in reports)
    by: dict[str, Any] = {"parents": parents, "options": asked(given)}
    by["workspace"] = workspace
    if attest and not refused:
        from trustacks._cli.rule_attest import attest_changes  # noqa: PLC0415 - signs

        value["attested"] = attest_changes(session, chosen, reports, **by)
    if evidence and not refused:
        from trustacks._cli.rule_evidence import sign_evidence  # noqa: PLC0415 - signs

        value["evidence"] = sign_evidence(session, chosen, reports, **by)
    found = [finding for report in reports for finding in report.findings]
    if not write_sarif(session.output, sarif, found, near=overlay or Path()):
        session.output.result(value, lambda: linted_text(reports, chosen, value))
    require_linted(reports)


@record
class Linting:
    """The work of this command; a worker process is given it too."""

    against: Against
    engine_choice: str | None

    def __call__(
        self, session: Session
    ) -> Callable[[Sequence[Pair]], list[LintReport]]:
        """Return what lints a chunk of rules with the session's engine."""
        engine = open_engine(session, self.engine_choice)
        asked = RememberingEngine(engine)
        prover = session.keep(Prover())  # starts its process when it is asked

        def lint_chunk(rules: Sequence[Pair]) -> list[LintReport]:
            reports = []
            for files, previous in rules:
                against = replace(self.against, previous=previous, prover=prover)
                reports.append(lint_rule(files, engine=asked, against=against))
            return confirmed(engine, reports)

        return lint_chunk


def lint_one(
    rule: RuleFiles,
    engine: Engine,
    parents: Sequence[Layer],
    siblings: Siblings,
    previous: RuleFiles | None = None,
) -> LintReport:
    """Lint one rule against its parents, its siblings, and the version before."""
    against = against_of(parents, (), engine)
    against = replace(against, siblings=siblings, previous=previous)
    return lint_rule(rule, engine=engine, against=against)


def against_of(
    parents: Sequence[Layer], others: Sequence[RuleFiles], engine: Engine
) -> Against:
    """Return what rules are linted against: parents, and the rules of the overlay."""
    modules = modules_of(parents)
    return Against(
        parents=modules,
        parameters=parameter_paths(modules, engine=engine),
        siblings=read_siblings(others, parse=engine.parse),
        citations=Citations(others),
    )


def read_others(
    overlay: Path | None, named: str | Sequence[str] | None
) -> tuple[RuleFiles, ...]:
    """Return every rule of the overlay.

    Rules that were named by their paths need not lie in an overlay.

    Raises:
        OverlayFormatError: The folder is not an overlay.
    """
    names = [named] if isinstance(named, str) else named or ()
    try:
        return read_rules(overlay)
    except OverlayFormatError:
        if not names or not all("/" in name for name in names):
            raise
        return ()


def siblings_of(overlay: Path | None, rule: str | None, engine: Engine) -> Siblings:
    """Return the names of every rule of the overlay; see ``read_others``."""
    return read_siblings(read_others(overlay, rule), parse=engine.parse)


def previous_of(
    session: Session, files: RuleFiles, base: str | None, workspace: str | None
) -> RuleFiles | None:
    """Return the version that a rule replaces; see ``versions_before``."""
    return versions_before(session, [files], base, workspace)[0]


def versions_before(
    session: Session,
    rules: Sequence[RuleFiles],
    base: str | None,
    workspace: str | None,
) -> list[RuleFiles | None]:
    """Return the version that each rule replaces, if there is one.

    Raises:
        BaseRefError: ``base`` is no commit.
        StorageUnavailableError: What was kept of the newest release is broken.
    """
    if base is not None:
        from trustacks.previous import all_previous_from_git  # noqa: PLC0415 - runs git

        texts = all_previous_from_git(base, [one.rule_path for one in rules])
        return [_before(one, texts[one.rule_path]) for one in rules]
    try:
        login = session.login(workspace)
    except NotLoggedInError:
        return [None] * len(rules)
    from trustacks.parents import store_directory  # noqa: PLC0415 - for who logged in
    from trustacks.released import previous_from_release  # noqa: PLC0415 - loaded when asked for

    kept = store_directory(session.home / "workspaces", login.root)
    return [_before(one, previous_from_release(kept, one.rule_id)) for one in rules]


def _before(files: RuleFiles, old: bytes | None) -> RuleFiles | None:
    if old is None:
        return None
    return replace(
        files, rule=old, test=b"", attestation=None, cases=None, cases_path=None
    )


def _signed(
    session: Session,
    rules: Sequence[RuleFiles],
    reports: Sequence[LintReport],
    workspace: str | None,
) -> list[LintReport]:
    """Return the reports with what is signed verified, if something is pinned."""
    if all(one.attestation is None for one in rules):
        return list(reports)
    from trustacks._cli.rule_attest import verified  # noqa: PLC0415 - cryptography

    return verified(session, rules, reports, workspace)


def linted_text(
    reports: Sequence[LintReport],
    rules: Sequence[RuleFiles],
    value: dict[str, Any] | None = None,
) -> str:
    """Return reports for people, each finding with its line."""
    sources = {
        str(path): data.decode("utf-8", "replace")
        for one in rules
        for path, data in ((one.rule_path, one.rule), (one.test_path, one.test))
    }
    lines = [report.text(sources) for report in reports]
    if len(reports) > 1:
        passed = sum(report.passed for report in reports)
        lines.append(
            f"{len(reports)} rules: {passed} passed, {len(reports) - passed} failed"
        )
    lines += [
        f"attested {one['rule_id']}: {one['verdict']}, {one['path']}"
        for one in (value or {}).get("attested", ())
    ]
    return "\n".join(lines)


def require_linted(reports: Sequence[LintReport]) -> None:
    """Refuse unless every rule passed the linter.

    Raises:
        RuleLintFailedError: One did not.
    """
    failed = [report.rule_id for report in reports if not report.passed]
    if failed:
        raise RuleLintFailedError(
            f"expected no errors of the linter, got some in {', '.join(failed)}",
            rules=failed,
        )


def _linted(report: LintReport) -> dict[str, Any]:
    return {
        "rule_id": report.rule_id,
        "passed": report.passed,
        "lint": report.to_json(),
        "change": report.change and report.change.shown(),
        "findings": [finding.to_json() for finding in report.findings],
    }
