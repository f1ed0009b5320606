# SPDX-License-Identifier: Apache-2.0
"""``trustacks runner pin``: begin at the root that made the workspace sovereign.

A pin moves up, once: the same workspace, no lower version, and from a sovereign root to
none, since whoever hands over a root that no pinned admin signed could name any.
What was accepted under the old pin decides nothing any more; what the Runner remembers
not to go back behind stays (DESIGN 9, T7 and T8).
"""

from pathlib import Path

import click

from bundle.tuf.rootchain import RootChain, open_roots
from keys.digest import Digest
from signer.form import Form
from trustacks._cli.files import read_given
from trustacks._cli.lazy import command
from trustacks._cli.notes import form_note
from trustacks._cli.output import pairs
from trustacks._cli.runner_home import RunnerHome
from trustacks._cli.session import Session
from trustacks.errors import PinChangedError
from trustacks.limits import MAX_ROOT_BYTES


@command("pin")
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder of an enrolled Runner.",
)
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    required=True,
    help="The root to pin, which an admin gave you.",
)
def pin(session: Session, *, state: Path, root: Path) -> None:
    """Pin a later root of the same workspace; the Runner must not be running."""
    given = read_given(root, max_bytes=MAX_ROOT_BYTES)
    home = RunnerHome(state)
    enrolment = home.enrolment()
    with home.alone():
        chosen = _require_higher(open_roots([home.root()]), open_roots([given]))
        home.pin(given)
    value = {
        "runner": enrolment.runner,
        "workspace": str(chosen.workspace),
        "root": str(Digest.of(given)),
        "version": chosen.current.version,
        "form": str(chosen.form),
    }
    text = [
        ("runner", enrolment.runner),
        ("pinned root", f"{value['root']} (root {value['version']})"),
        ("form of trust", form_note(str(chosen.form))),
    ]
    session.output.result(value, lambda: pairs(text))
    session.output.hint(
        f"the Runner denies until it has seen a release: "
        f"trustacks runner step --state {state}"
    )


def _require_higher(old: RootChain, new: RootChain) -> RootChain:
    lower = "a Runner of another or lower pin needs a folder of its own"
    if new.workspace != old.workspace:
        raise PinChangedError(
            f"expected a root of workspace {old.workspace}, got one of {new.workspace}",
            hint=lower,
        )
    if new.current.version < old.current.version:
        raise PinChangedError(
            f"expected root {old.current.version} or later, "
            f"got root {new.current.version}",
            hint=lower,
        )
    if old.form is Form.SOVEREIGN and new.raw != old.raw:
        raise PinChangedError(
            "expected the sovereign root that is pinned, got another",
            hint="a Runner follows later roots by itself, signed by its pin's admins",
        )
    return new
