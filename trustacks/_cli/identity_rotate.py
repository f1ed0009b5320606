# SPDX-License-Identifier: Apache-2.0
"""``trustacks identity rotate``: one identity in the place of another, same principal.

A key is proved to be held, as when it is registered. An OIDC subject is renewed, or
another one named, under a new id: an id is never used twice, and the new identity
inherits nothing that was certified for the old one.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from keys.errors import UsageError
from signer.credential import KeyCredential
from signer.identity import Identity
from signer.revocation import Survivors
from trustacks._cli.config import Login
from trustacks._cli.connect import open_client, open_pinned
from trustacks._cli.files import read_given
from trustacks._cli.identity_claim import (
    NOT_PROVED,
    Claim,
    claim_options,
    claim_request,
    claim_text,
    read_claim,
)
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.session import Session
from trustacks._cli.shown import statement_text
from trustacks._cli.survivors import kept_by, survivors_option
from trustacks._cli.trust import is_sovereign, propose_change
from trustacks.client import segment
from trustacks.limits import IDENTITY_DAYS, MAX_PROOF_BYTES
from trustacks.possession import Proof, check_proof
from trustacks.trust_changes import rotation
from trustacks.trust_errors import RotationMismatchError


@dataclass(frozen=True, slots=True)
class Rotation:
    """Who takes whose place.

    Attributes:
        old: Who ends.
        new: The successor.
        proof: Possession of the successor's key; none of an OIDC subject.
        kept: What of the old one stays valid.
        at: Now.

    Raises:
        RotationMismatchError: They are not one principal.
    """

    old: Identity
    new: Identity
    proof: Proof | None
    kept: Survivors
    at: datetime

    def __post_init__(self) -> None:
        if self.new.principal != self.old.principal:
            raise RotationMismatchError(
                f"expected a successor of {self.old.principal}, "
                f"got one of {self.new.principal}"
            )


@command("rotate")
@click.argument("identity_id", metavar="ID")
@click.option(
    "--proof",
    type=click.Path(path_type=Path),
    help="The successor's proof, from `identity register NEW ... --proof-out`.",
)
@click.option("--to", metavar="NEW", help="The id of a successor by OIDC subject.")
@click.option(
    "--days", type=click.IntRange(1, 3650), default=IDENTITY_DAYS, show_default=True
)
@claim_options
@survivors_option
@workspace_option
def rotate(
    session: Session,
    *,
    identity_id: str,
    proof: Path | None,
    to: str | None,
    days: int,
    survivors: tuple[str, ...],
    workspace: str | None,
    **oidc: str | None,
) -> None:
    """Put another key or OIDC subject in the place of ID, of the same principal.

    --proof brings a key. --to renews the OIDC subject of ID under the id NEW, or puts
    the subject that is named in its place. The newest release, with all that it lists,
    stays valid, unless --survivor says what does.
    """
    login, claim = session.login(workspace), read_claim(**oidc)
    if (proof is None) == (to is None) or (proof and claim.said):
        raise UsageError("expected --proof FILE of a key, or --to NEW of a subject")
    at = session.clock()
    given = None if proof is None else _read_proof(session, proof)
    pinned = open_pinned(session, login).refresh(at=at)
    old = pinned.trust.policy.identity(identity_id)
    if given is not None:
        terms = check_proof(given, trust=pinned.trust, at=at)
        new = Identity.of(terms, KeyCredential(given.public_key))
    else:
        new = _renewed(old, str(to), claim, at=at, end=at + timedelta(days=days))
        session.output.say(claim_text(new))
    head = pinned.head(at=at)
    words = survivors or ((f"release:{head.digest}",) if head else ())
    kept = kept_by(session, login, pinned, words)
    made = Rotation(old, new, given, kept, at)
    if is_sovereign(session, login):
        _propose(session, login, made)
    else:
        _rotate(session, login, made)
    if given is None:
        session.output.hint(NOT_PROVED)


def _read_proof(session: Session, path: Path) -> Proof:
    given = Proof.parse(read_given(path, max_bytes=MAX_PROOF_BYTES))
    session.output.say(statement_text(given.statement))
    return given


def _renewed(
    old: Identity, name: str, claim: Claim, *, at: datetime, end: datetime
) -> Identity:
    terms = replace(old.terms, id=name, not_before=at, not_after=end)
    return Identity.of(terms, claim.over(old.credential))


def _propose(session: Session, login: Login, made: Rotation) -> None:
    change = rotation(
        made.new, made.proof, replaces=made.old.id, survivors=made.kept, at=made.at
    )
    propose_change(session, login.workspace, change)


def _rotate(session: Session, login: Login, made: Rotation) -> None:
    api = open_client(session, login).workspace(login.workspace)
    kept = made.kept.to_json()
    done: Any
    if made.proof is None:
        wanted = {"replaces": made.old.id, "survivors": kept}
        done = api.post("/identities", claim_request(made.new) | wanted)
    else:
        api.post("/identities", made.proof.to_request())
        end = {"reason": f"rotated to {made.new.id}", "survivors": kept}
        done = api.post(f"/identities/{segment(made.old.id)}/revoke", end)
    said = f"rotated {made.old.id} to {made.new.id}"
    session.output.result(done, lambda: said)
    session.output.hint("release the overlay again: trustacks bundle release")
