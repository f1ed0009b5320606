# SPDX-License-Identifier: Apache-2.0
"""``--survivor``: what outlives an identity, for the commands that end one."""

from collections.abc import Sequence
from functools import partial
from typing import Final

import click

from signer.revocation import Survivors
from trustacks._cli.config import Login
from trustacks._cli.connect import open_client
from trustacks._cli.session import Session
from trustacks.pinned import Pinned
from trustacks.surviving import newest_checkpoint, survivors_of

survivors_option: Final = click.option(
    "--survivor",
    "survivors",
    multiple=True,
    metavar="WHAT",
    help="What stays valid: sha256:DIGEST of an attestation, release:REVISION with all "
    "that it lists, logged or logged:REVISION for all that was logged by then.",
)


def kept_by(
    session: Session, login: Login, pinned: Pinned, words: Sequence[str]
) -> Survivors:
    """Return what the words keep, from the pinned state."""
    api = open_client(session, login).workspace(login.workspace)
    newest = partial(newest_checkpoint, api, pinned)
    return survivors_of(words, pinned, newest=newest, at=session.clock())
