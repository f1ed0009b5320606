# SPDX-License-Identifier: Apache-2.0
"""``trustacks rule new``: a rule, its tests and its citation, on a new branch."""

from pathlib import Path

import click

from bundle.rego.templates import EMPTY, NAMES, render
from bundle.rule import rule_id_problem
from keys.errors import UsageError
from trustacks._cli.files import refuse_existing
from trustacks._cli.git import find_repository
from trustacks._cli.lazy import command
from trustacks._cli.output import pairs
from trustacks._cli.overlay_files import new_overlay_folder, overlay_option
from trustacks._cli.rule_branch import write_on_branch
from trustacks._cli.session import Session


@command("new")
@click.argument("rule_id", metavar="ID")
@click.option(
    "--from",
    "template",
    type=click.Choice(NAMES),
    default=EMPTY,
    show_default=True,
    help="The rule to start from.",
)
@overlay_option
def new(session: Session, *, rule_id: str, template: str, overlay: Path | None) -> None:
    """Write the rule ID, its tests and its citation on the branch policy/ID."""
    if problem := rule_id_problem(rule_id):
        raise UsageError(
            problem[1], hint="use <namespace>.<name>, lower case, a namespace of yours"
        )
    rule, test = render(template, rule_id)
    folder = new_overlay_folder(overlay) / "rules" / rule_id
    files = {
        folder / f"{rule_id}.rego": rule.encode(),
        folder / f"{rule_id}_test.rego": test.encode(),
    }
    repository = find_repository(overlay or Path())
    repository.require_identity()
    refuse_existing(*files, hint="edit the rule that is there, or choose another id")
    branch = f"policy/{rule_id}"
    write_on_branch(repository, branch, files)
    names = [str(path) for path in files]
    value = {"rule_id": rule_id, "branch": branch, "template": template}
    rows = [("branch", branch), ("rule", names[0]), ("tests", names[1])]
    session.output.result({**value, "files": names}, lambda: pairs(rows))
    session.output.hint(
        f"write rule, tests and citation, then: trustacks rule test {rule_id}, "
        f"rule lint {rule_id}, git commit"
    )
