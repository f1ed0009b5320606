# SPDX-License-Identifier: Apache-2.0
"""``trustacks rule draft``: a rule from plain words, by a language model of one's own.

What it answers is tested and linted, shown, and written on a new branch. It is never
committed, signed or merged here: that is for people who read it.
"""

from pathlib import Path

import click

from bundle.layers import Layer
from bundle.overlay import RuleFiles
from bundle.ratchet.child import Prover
from keys.errors import UsageError
from trustacks._cli.draft_shown import (
    change_of,
    draft_text,
    found_text,
    outcome_json,
    told,
)
from trustacks._cli.draft_task import Task, new_task, refining_task
from trustacks._cli.engine import REGORUS, open_engine
from trustacks._cli.lazy import command
from trustacks._cli.output import one_line, pairs
from trustacks._cli.overlay_files import overlay_option
from trustacks._cli.parent_layers import parents_options, read_parents
from trustacks._cli.session import Session
from trustacks.drafting.closest import closest_template
from trustacks.drafting.conversation import Outcome, converse
from trustacks.drafting.errors import DraftProviderMissingError, DraftRefusedError
from trustacks.drafting.judge import Judged
from trustacks.drafting.limits import MAX_REVISIONS, MAX_WORDS_CHARS
from trustacks.drafting.provider import Provider
from trustacks.errors import NotLoggedInError


@command("draft")
@click.argument("words")
@click.argument("rule", required=False)
@click.option("--id", "rule_id", metavar="ID", help="The new rule's id.")
@click.option("--refine", is_flag=True, help="Revise RULE, an id or a path.")
@click.option("--keep", is_flag=True, help="Write a draft that does not pass, too.")
@overlay_option
@parents_options
def draft(
    session: Session,
    *,
    words: str,
    rule: str | None,
    rule_id: str | None,
    refine: bool,
    keep: bool,
    overlay: Path | None,
    constitution: Path | None,
    packs: tuple[Path, ...],
    workspace: str | None,
) -> None:
    """Have a rule drafted from WORDS, on a new branch; commit nothing.

    A language-model provider writes rule, tests and citation. They are tested and
    linted, and what is found goes back to it, at most three times.
    """
    _require_usage(words, rule, rule_id, refine=refine)
    provider = _provider(session, words, rule_id, rule)
    engine = open_engine(session, REGORUS)
    parents: tuple[Layer, ...] = ()
    try:
        parents = read_parents(session, constitution, packs, workspace)
    except NotLoggedInError:
        session.output.say("no login: linted without constitution and packs")
    if rule is None:
        task = new_task(words, rule_id, overlay=overlay, engine=engine, parents=parents)
    else:
        task = refining_task(
            words,
            rule,
            overlay=overlay,
            engine=engine,
            parents=parents,
            prover=session.keep(Prover()),
        )
    outcome = _conversation(session, provider, task)
    _finish(session, task, outcome, provider.model, keep=keep)


def _require_usage(
    words: str, rule: str | None, rule_id: str | None, *, refine: bool
) -> None:
    if not words.strip() or len(words) > MAX_WORDS_CHARS:
        raise UsageError(
            f"expected 1 to {MAX_WORDS_CHARS} characters of plain words, "
            f"got {len(words.strip())}"
        )
    if refine and (rule is None or rule_id is not None):
        raise UsageError(
            "expected --refine with the rule to revise, and without --id",
            hint='trustacks rule draft --refine "..." <namespace>.<name>',
        )
    if rule is not None and not refine:
        raise UsageError(
            "expected one argument in quotes, got a second",
            hint='draft "..." --id ID for a new rule, --refine "..." ID for one',
        )


def _provider(
    session: Session, words: str, rule_id: str | None, rule: str | None
) -> Provider:
    """Return the provider of the environment, or else of ``config.yaml``.

    Raises:
        DraftProviderMissingError: There is none; the hint has the closest template.
    """
    environment, config = session.environment, session.config.draft
    url = environment.draft_url or (config and config.url)
    model = environment.draft_model or (config and config.model)
    if url and model:
        return Provider(url, model, environment.draft_key)
    template = closest_template(words)
    name = rule_id or "<namespace>.<name>"
    instead = f"trustacks rule new {name} --from {template}"
    offer = f"edit {rule}" if rule else f"the closest template: {instead}"
    raise DraftProviderMissingError(
        "expected TRUSTACKS_DRAFT_URL and TRUSTACKS_DRAFT_MODEL, or both in "
        f"config.yaml, got {'no model' if url else 'no provider'}",
        hint=offer,
        template=None if rule else template,
        command=None if rule else instead,
    )


def _conversation(session: Session, provider: Provider, task: Task) -> Outcome:
    most = MAX_REVISIONS + 1
    session.output.say(f"asking {provider.model} at {provider.url}")
    with session.output.progress("drafting") as step:

        def tell(number: int, judged: Judged) -> None:
            session.output.say(told(number, most, judged))
            step(number, most)

        return converse(task.opening, ask=provider.ask, judge=task.judge, tell=tell)


def _finish(
    session: Session, task: Task, outcome: Outcome, model: str, *, keep: bool
) -> None:
    """Show the draft, then write it, if it passed or is to be kept.

    Raises:
        DraftRefusedError: It did not pass.
    """
    judged = outcome.judged if outcome.judged.passed else outcome.readable
    written: tuple[str, RuleFiles] | None = None
    if judged is not None and judged.draft is not None and (judged.passed or keep):
        session.output.say(draft_text(judged.draft, task.judge, model))
        written = task.write(judged.draft)
    shown = judged if judged and written else outcome.judged
    value = outcome_json(outcome, shown, task.judge, written, model)
    session.output.result(value, lambda: _text(outcome, shown, written))
    _close(session, outcome, written)


def _text(
    outcome: Outcome, shown: Judged, written: tuple[str, RuleFiles] | None
) -> str:
    found = found_text(shown)
    if written is None:
        return f"{found}\nnothing was written"
    branch, files = written
    rows = [
        ("branch", branch),
        ("rule", str(files.rule_path)),
        ("tests", str(files.test_path)),
        ("passed", "yes" if outcome.judged.passed else "no: kept as it was asked for"),
        ("answers", str(outcome.requests)),
    ]
    if (change := change_of(shown)) is not None:
        rows.append(("change", f"{change.verdict}: {one_line(change.reason)}"))
    return "\n".join([*([found] if found else []), pairs(rows)])


def _close(
    session: Session, outcome: Outcome, written: tuple[str, RuleFiles] | None
) -> None:
    if outcome.judged.passed and written is not None:
        name = written[1].rule_id
        session.output.hint(
            "a program wrote this: read rule, tests and citation, then: "
            f"trustacks rule test {name}, rule lint {name}, git commit"
        )
        return
    keepable = outcome.readable is not None and written is None
    more = ", or --keep to go on by hand" if keepable else ""
    raise DraftRefusedError(
        f"expected a draft that passes, got none in {outcome.requests} answers",
        hint=f"say more of what is meant{more}",
    )
