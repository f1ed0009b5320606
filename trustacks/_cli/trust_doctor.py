# SPDX-License-Identifier: Apache-2.0
"""``trustacks trust doctor``: what the property lacks here, sentence by sentence."""

from collections.abc import Iterator

import click

from bundle.diagnosis import SENTENCES, Diagnosis, State
from bundle.doctor import examine
from bundle.tuf.rootchain import from_pin, open_roots
from signer.form import Form
from trustacks._cli.connect import open_pinned
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.session import Session
from trustacks.pinned import Pinned
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
    if found.form is Form.EMBEDDED:
        _say_if_moved(session, pinned)
    if not found.holds:
        lacking = [name for name in SENTENCES if found.state(name) is State.LACKS]
        raise PropertyLackingError(
            f"expected every sentence of the property to hold, got {len(lacking)} "
            f"that do not: {', '.join(lacking)}",
            sentences=lacking,
        )


def _say_if_moved(session: Session, pinned: Pinned) -> None:
    chain = from_pin(open_roots(pinned.fetched.roots))
    if chain.form is Form.SOVEREIGN:
        since = chain.opened[0].signed.version
        session.output.hint(
            f"the workspace is sovereign since root {since}, which you have not "
            "pinned: trustacks login --root FILE"
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
