# SPDX-License-Identifier: Apache-2.0
"""``trustacks runner``: refresh, decide, and say what is enforced.

The Runner decides everything; here it is opened, asked and shown.
"""

from pathlib import Path
from typing import Any, Final

import click

from bundle.decision import Decision
from bundle.limits import MAX_INPUT_BYTES
from bundle.marks import Known
from bundle.rego.errors import EngineUnavailableError
from bundle.runner.event import HELD, Event
from bundle.runner.notary import HttpNotary, open_runner_key
from bundle.runner.report import SignedReporter
from bundle.runner.runner import Runner
from keys.errors import (
    BusyError,
    FormatError,
    StorageUnavailableError,
    UnavailableError,
)
from keys.strict import loads_json
from trustacks._cli.files import read_given
from trustacks._cli.floor import floor_option, read_floor
from trustacks._cli.lazy import command
from trustacks._cli.output import Output, one_line, pairs
from trustacks._cli.runner_home import RunnerHome
from trustacks._cli.session import Session
from trustacks.errors import DecisionDeniedError, RunnerHeldError

# The Runner could not look: the network, the disk or the engine failed it.
_ENVIRONMENT: Final = frozenset(
    {
        BusyError.code,
        EngineUnavailableError.code,
        StorageUnavailableError.code,
        UnavailableError.code,
    }
)
_state_option = click.option(
    "--state",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder of an enrolled Runner.",
)


@command("step")
@_state_option
@floor_option
def step(session: Session, *, state: Path, floor: str | None) -> None:
    """Refresh, verify, activate; or hold, and keep the last known good."""
    known = read_floor(floor)
    with session.output.progress("refreshing"):
        event = _open(session, state, reporting=True, floor=known).step()
    session.output.result(event.to_json(), lambda: _event_text(event, session.output))
    if event.report_code:
        session.output.say(f"the report is not delivered yet [{event.report_code}]")
    if event.outcome == HELD:
        raise RunnerHeldError(
            event.message or "held",
            hint=event.hint,
            passed_code=event.code or RunnerHeldError.code,
            exit_code=3 if event.code in _ENVIRONMENT else 1,
        )


@command("decide")
@_state_option
@click.option(
    "--input",
    "document",
    type=click.Path(path_type=Path),
    required=True,
    help="The proposal, JSON.",
)
def decide(session: Session, *, state: Path, document: Path) -> None:
    """Decide on a proposal by the active release; exit 0 is allow, 1 is deny."""
    data = read_given(document, max_bytes=MAX_INPUT_BYTES)
    proposal = loads_json(
        data, max_bytes=MAX_INPUT_BYTES, what=str(document), floats=True
    )
    if not isinstance(proposal, dict):
        raise FormatError(f"{document}: expected an object, got something else")
    decision = _open(session, state, reporting=False).decide(proposal)
    session.output.result(
        decision.record.to_json(), lambda: decision_text(decision, session.output)
    )
    if not decision.allowed:
        rules = sorted({deny.rule_id for deny in decision.denies})
        raise DecisionDeniedError(f"denied by {', '.join(rules)}")


@command("status")
@_state_option
def status(session: Session, *, state: Path) -> None:
    """Show what the Runner enforces, and since when."""
    found = _open(session, state, reporting=False).status()
    value = found.to_json()
    session.output.result(value, lambda: _status_text(value))


def _open(
    session: Session, state: Path, *, reporting: bool, floor: Known | None = None
) -> Runner:
    home = RunnerHome(state)
    enrolment = home.enrolment()
    reporter = None
    if reporting:
        passphrase = home.passphrase(session.passphrases)
        key = open_runner_key(home.state, passphrase)
        notary = HttpNotary(
            url=enrolment.url,
            workspace=enrolment.workspace,
            runner=enrolment.runner,
            token=home.token(),
        )
        reporter = SignedReporter(key, notary)
    return session.keep(
        Runner(
            state=home.state,
            root=home.root(),
            url=f"{enrolment.url}/w/{enrolment.workspace}",
            clock=session.clock,
            reporter=reporter,
            runner_id=enrolment.runner,
            floor=floor,
        )
    )


def _event_text(event: Event, output: Output) -> str:
    # A refused result is false; only a missing one is None.
    lines = [event.result.text(color=output.color)] if event.result is not None else []
    style = "bad" if event.outcome == HELD else "good"
    outcome = output.style(event.outcome, style)
    active = f"revision {event.revision}" if event.revision else "nothing: it denies"
    lines.append(f"{outcome}: the Runner enforces {active}")
    return "\n".join(lines)


def decision_text(decision: Decision, output: Output) -> str:
    """Return a decision for people; what rules said stays in its line."""
    verdict = (
        output.style("allow", "good")
        if decision.allowed
        else output.style("deny", "bad")
    )
    lines = [verdict]
    for deny in decision.denies:
        said = (deny.rule_id, deny.layer, deny.message)
        rule_id, layer, message = map(one_line, said)
        lines.append(f"  {rule_id} ({layer}): {message}")
        if deny.citation:
            cited = f"{deny.citation['id']}: {deny.citation['source']}"
            lines.append(f"    {one_line(cited)}")
    bundle = decision.record.bundle
    if bundle:
        lines.append(f"  by revision {bundle.revision}, bundle {bundle.archive}")
    return "\n".join(lines)


def _status_text(found: dict[str, Any]) -> str:
    return pairs(
        [(name.replace("_", " "), str(value)) for name, value in found.items()]
    )
