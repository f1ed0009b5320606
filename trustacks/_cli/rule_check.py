# SPDX-License-Identifier: Apache-2.0
"""``trustacks rule check``: a pull request of an overlay repository, in one summary.

Output files are refused before the work and written after it, also where the change is
refused: a reader of the pull request wants to know why.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from bundle.lint.linter import Against
from bundle.overlay import RuleFiles
from bundle.ratchet.child import Prover
from keys.errors import UsageError
from trustacks._cli.engine import engine_option, open_engine
from trustacks._cli.files import refuse_existing, write_new
from trustacks._cli.lazy import command
from trustacks._cli.output import Output
from trustacks._cli.overlay_files import overlay_option
from trustacks._cli.overlay_profile import profile_of
from trustacks._cli.parent_layers import parents_options, read_parents
from trustacks._cli.rule_lint import against_of
from trustacks._cli.sarif_file import require_sarif, sarif_option, write_sarif
from trustacks._cli.session import Session
from trustacks.errors import RuleCheckFailedError
from trustacks.review.markdown import to_markdown
from trustacks.review.review import Review, read_change, review

_STDOUT: Final = Path("-")
_FILE: Final = click.Path(path_type=Path)


def _outputs(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--markdown``, ``--summary`` and ``--sarif``."""
    told = "Write the summary as Markdown; - is standard output, the default."
    added = "Append the summary to this file, such as $GITHUB_STEP_SUMMARY."
    for option in (
        sarif_option,
        click.option("--summary", type=_FILE, metavar="FILE", help=added),
        click.option("--markdown", type=_FILE, metavar="FILE", help=told),
    ):
        function = option(function)
    return function


@command("check")
@click.option("--base", metavar="REF", required=True, help="Such as origin/main.")
@overlay_option
@parents_options
@engine_option
@_outputs
def check(
    session: Session,
    *,
    base: str,
    overlay: Path | None,
    constitution: Path | None,
    packs: tuple[Path, ...],
    workspace: str | None,
    engine_choice: str | None,
    markdown: Path | None,
    summary: Path | None,
    sarif: Path | None,
) -> None:
    """Test, lint and classify every rule that changed since REF, for CI."""
    output = session.output
    _require_outputs(output, markdown, sarif)
    parents = read_parents(session, constitution, packs, workspace)
    engine = open_engine(session, engine_choice)
    prover = session.keep(Prover())  # starts its process when it is asked
    profile = profile_of(overlay)

    def against(rules: Sequence[RuleFiles]) -> Against:
        found = against_of(parents, rules, engine)
        return replace(found, prover=prover, profile=profile)

    change = read_change(overlay or Path(), base, read=against)
    with output.progress("checking") as step:
        found = review(change, engine=engine, step=step)
    text = to_markdown(found)
    taken = write_sarif(output, sarif, found.findings, near=change.root)
    if summary is not None:
        _append(summary, text)
    if markdown is not None and markdown != _STDOUT:
        write_new(markdown, text.encode())
    if not taken:
        output.result(found.to_json(), text)
    _require(found)


def _require_outputs(output: Output, markdown: Path | None, sarif: Path | None) -> None:
    """Refuse outputs that cannot be written, before any work is done."""
    require_sarif(output, sarif)
    if markdown == _STDOUT and (output.as_json or sarif == _STDOUT):
        raise UsageError("expected one result on standard output, got two")
    if markdown is not None and markdown != _STDOUT:
        refuse_existing(markdown)


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _require(found: Review) -> None:
    """Refuse unless every changed rule passed.

    Raises:
        RuleCheckFailedError: One did not.
    """
    if not found.passed:
        failed = [one.changed.rule_id for one in found.rules if not one.passed]
        errors = sum(finding.severity == "error" for finding in found.findings)
        raise RuleCheckFailedError(
            f"expected a change without errors, got {errors}", rules=failed
        )
