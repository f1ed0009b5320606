# SPDX-License-Identifier: Apache-2.0
"""``trustacks trust doctor``: what the property lacks here, sentence by sentence."""

from collections.abc import Iterator

import click

from bundle.doctor import SENTENCES, Diagnosis, State, examine
from trustacks._cli.connect import open_pinned
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.session import Session
from trustacks.trust_errors import PropertyLackingError


@command("doctor")
@click.option("--offline", is_flag=True, help="Judge what was fetched before.")
@workspace_option
def doctor(session: Session, *, offline: bool, workspace: str | None) -> None:
    """Say what the property lacks here; exit 0 if it holds, 1 if not."""
    at = session.clock()
    store = open_pinned(session, session.login(workspace))
    pinned = store.cached(at=at) if offline else store.refresh(at=at)
    found = examine(pinned.view, pinned.trust, at=at)
    session.output.result(found.to_json(), lambda: "\n".join(_lines(found)))
    if not found.holds:
        lacking = [name for name in SENTENCES if found.state(name) is State.LACKS]
        raise PropertyLackingError(
            f"expected every sentence of the property to hold, got {len(lacking)} "
            f"that do not: {', '.join(lacking)}",
            sentences=lacking,
        )


def _lines(found: Diagnosis) -> Iterator[str]:
    yield f"{found.form}: the property {'holds' if found.holds else 'does not hold'}"
    for name in SENTENCES:
        symptoms = found.of(name)
        if not symptoms:
            yield f"  {name:14} holds"
        for one in symptoms:
            yield f"  {name:14} {one.state.value:7} {one.says}"
            yield f"  {'':22} {one.mend}"
