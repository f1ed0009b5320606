# SPDX-License-Identifier: Apache-2.0
"""``trustacks trust carry, sign, submit``: a proposal for a machine without a network.

``carry`` fetches, ``sign`` opens no connection, ``submit`` hands in. What is signed is
computed where it is signed, from that machine's own pin.
"""

from pathlib import Path

import click

from bundle.tuf.proposal_signing import signers_of
from bundle.tuf.rootchain import open_roots
from keys.digest import Digest
from trustacks._cli.ceremony import reviewed_text
from trustacks._cli.files import read_given
from trustacks._cli.keyring import open_key
from trustacks._cli.lazy import command, expired_option, workspace_option
from trustacks._cli.pin import open_pinned
from trustacks._cli.session import Session
from trustacks._cli.trust import chosen_proposal, open_desk
from trustacks.carried import Carried
from trustacks.limits import MAX_ROOT_BYTES
from trustacks.outlived import outlived_note
from trustacks.pinned import Pinned, PinnedStore

_PATH = click.Path(path_type=Path)


@command("carry")
@click.argument("folder", type=_PATH)
@click.argument("proposal", required=False)
@expired_option
@workspace_option
def carry(
    session: Session,
    *,
    folder: Path,
    proposal: str | None,
    expired: bool,
    workspace: str | None,
) -> None:
    """Put PROPOSAL and what is in force into FOLDER; the only open one by default."""
    desk = open_desk(session, workspace, outlived=expired)
    found = desk.review(chosen_proposal(desk, proposal))
    Carried.pack(folder, found, desk.store.refresh(at=session.clock()))
    value = {**found.to_json(), "folder": str(folder)}
    session.output.result(value, lambda: reviewed_text(found))
    session.output.hint(f"offline: trustacks trust sign {folder} --key NAME")


@command("sign")
@click.argument("folder", type=_PATH)
@click.option("--key", metavar="NAME", help="Your targets key.")
@click.option("--root", type=_PATH, help="The pinned root, if there is no login here.")
@expired_option
@workspace_option
def sign(
    session: Session,
    *,
    folder: Path,
    key: str | None,
    root: Path | None,
    expired: bool,
    workspace: str | None,
) -> None:
    """Sign the proposal in FOLDER; opens no connection."""
    carried = Carried(folder)

    def told(found: Pinned) -> None:
        session.output.say(outlived_note(found))

    found = carried.review(
        _store(session, root, workspace),
        at=session.clock(),
        outlived=told if expired else None,
    )
    session.output.say(reviewed_text(found))
    carried.sign(found, open_key(session, key))
    count = len(signers_of(found.proposal, found.roots.current, carried.signatures))
    value = {**found.to_json(), "signatures": count}
    session.output.result(
        value, f"signed by {count} of {found.threshold} admins needed"
    )
    session.output.hint(f"with a network: trustacks trust submit {folder}")


@command("submit")
@click.argument("folder", type=_PATH)
@expired_option
@workspace_option
def submit(
    session: Session, *, folder: Path, expired: bool, workspace: str | None
) -> None:
    """Hand in the signatures that are in FOLDER."""
    carried = Carried(folder)
    desk = open_desk(session, workspace, outlived=expired)
    found = desk.review(carried.proposal.id)
    given = signers_of(found.proposal, found.roots.current, carried.signatures)
    new = {spki: one for spki, one in given.items() if spki not in found.signatures}
    for one in new.values():
        desk.submit(found, one)
    count = len({*given, *found.signatures})
    value = {**found.to_json(), "handed_in": sorted(new), "signatures": count}
    said = f"handed in {len(new)}; signed by {count} of {found.threshold} admins needed"
    session.output.result(value, said)
    if count >= found.threshold:
        session.output.hint("put it in force: trustacks trust approve --admin-key NAME")


def _store(session: Session, root: Path | None, workspace: str | None) -> PinnedStore:
    """Return the pin: of the login, or of a root that the admin keeps."""
    if root is None:
        return open_pinned(session, session.login(workspace))
    first = read_given(root, max_bytes=MAX_ROOT_BYTES)
    open_roots([first])
    home = session.home / "workspaces"
    store = PinnedStore(home, root=Digest.of(first), url="", name="")
    store.pin(first)
    return store
