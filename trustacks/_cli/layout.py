# SPDX-License-Identifier: Apache-2.0
"""``trustacks layout sign, link``: a release for stock ``in-toto-verify``.

An admin's client builds the layout from its own pin and signs nothing else: a file that
is there must be that very layout, and gets one signature more (DESIGN T9).
"""

from pathlib import Path

import click

from bundle.errors import LayoutFormatError
from bundle.gate.candidate import bundle_target
from bundle.layout import (
    MAX_METADATA_BYTES,
    STEPS,
    Signed,
    build_layout,
    build_link,
    link_name,
)
from bundle.limits import BUNDLE_BOUNDS
from keys.digest import Digest
from keys.durable import make_directory, read_file, write_file
from keys.errors import NotFoundError
from keys.signing import SigningKey
from signer.identity import Identity
from trustacks._cli.connect import open_pinned
from trustacks._cli.keyring import open_key
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.session import Session
from trustacks.pinned import Pinned
from trustacks.release_errors import NothingReleasedError

_PATH = click.Path(path_type=Path)


@command("sign")
@click.argument("file", type=_PATH)
@click.option("--key", metavar="NAME", help="The admin's key.")
@workspace_option
def sign(
    session: Session, *, file: Path, key: str | None, workspace: str | None
) -> None:
    """Sign the in-toto layout of the trust in force, in FILE, or add a signature.

    Once for each version of trust: new people, or another threshold, are a new layout.
    """
    pinned, signer = _open(session, key, workspace)
    who = _require(pinned, signer, ("admin",))
    payload = build_layout(pinned.trust.policy, expires=pinned.view.targets_expires)
    found = _read(file) or Signed(payload, {})
    if found.payload != payload:
        raise LayoutFormatError(
            f"expected the layout of targets {pinned.view.targets_version} in {file}, "
            "got another",
            hint="make it anew: name a file that is not there",
        )
    session.output.say(payload.decode())
    done = found.signed(signer.public_key, signer.sign(found.message))
    write_file(file, done.to_bytes())
    value = {
        "file": str(file),
        "layout": str(Digest.of(payload)),
        "targets": pinned.view.targets_version,
        "identity": who.id,
        "signatures": len(done.signatures),
    }
    session.output.result(
        value, lambda: f"signed as {who.id}, {len(done.signatures)} in all: {file}"
    )


@command("link")
@click.argument("directory", type=_PATH)
@click.option("--step", type=click.Choice(STEPS), default="release", show_default=True)
@click.option("--key", metavar="NAME", help="The key of who did the step.")
@workspace_option
def link(
    session: Session,
    *,
    directory: Path,
    step: str,
    key: str | None,
    workspace: str | None,
) -> None:
    """Sign the link of a step of the newest release, into DIRECTORY."""
    pinned, signer = _open(session, key, workspace)
    who = _require(pinned, signer, (step,))
    head = pinned.head(at=session.clock())
    if head is None:
        raise NothingReleasedError("expected a published release, got none")
    bundle = pinned.fetched.target(
        bundle_target(head.release.revision), max_bytes=BUNDLE_BOUNDS.max_bytes
    )
    made = Signed(build_link(step, head.release, Digest.of(bundle)), {})
    session.output.say(made.payload.decode())
    done = made.signed(signer.public_key, signer.sign(made.message))
    make_directory(directory)
    path = directory / link_name(step, signer.public_key)
    write_file(path, done.to_bytes())
    value = {
        "file": str(path),
        "step": step,
        "revision": head.release.revision,
        "identity": who.id,
    }
    session.output.result(value, lambda: f"signed as {who.id}: {path}")


def _open(
    session: Session, key: str | None, workspace: str | None
) -> tuple[Pinned, SigningKey]:
    at = session.clock()
    pinned = open_pinned(session, session.login(workspace)).refresh(at=at)
    return pinned, open_key(session, key)


def _require(pinned: Pinned, key: SigningKey, any_of: tuple[str, ...]) -> Identity:
    """Return who signs.

    Raises:
        UnknownSignerError: The key belongs to no identity of the workspace.
        NotPermittedError: It may do no such thing.
    """
    identity = pinned.trust.policy.identity_by_key(key.public_key.key_id)
    identity.require_permission(any_of)
    return identity


def _read(file: Path) -> Signed | None:
    try:
        return Signed.parse(read_file(file, max_bytes=2 * MAX_METADATA_BYTES))
    except NotFoundError:
        return None
