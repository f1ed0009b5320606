# SPDX-License-Identifier: Apache-2.0
"""Challenges: what the holder of a key answers with a proof of possession.

One write each: the challenge's row. A challenge is of one workspace, one key and one
set of terms, is answered once, and ends after an hour.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete

from control_plane import limits
from control_plane.errors import (
    ChallengeError,
    ChallengeExpiredError,
    TooManyChallengesError,
)
from control_plane.registry import repository as index
from control_plane.registry.models import ChallengeRow
from control_plane.services import Services
from control_plane.workspaces import Workspace
from keys.clock import format_instant
from keys.digest import Digest
from keys.public import PublicKey
from keys.strict import b64encode, dumps_json
from signer.identity import IdentityTerms
from signer.predicates.identity_proof import CHALLENGE_BYTES, IdentityProofPredicate


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a proof must repeat.

    Attributes:
        challenge: 32 random bytes.
        expires: When it ends.
        workspace: SHA-256 of the genesis root.
    """

    challenge: bytes
    expires: datetime
    workspace: Digest


def issue(
    services: Services,
    workspace: Workspace,
    *,
    terms: IdentityTerms,
    public_key: PublicKey,
) -> Challenge:
    """Make a challenge for a key and its terms.

    Raises:
        TooManyChallengesError: The workspace has too many open ones.
        StorageError: It was not stored.
    """
    at = services.clock()
    made = Challenge(
        challenge=secrets.token_bytes(CHALLENGE_BYTES),
        expires=at + timedelta(seconds=limits.CHALLENGE_SECONDS),
        workspace=workspace.published().trust.workspace,
    )
    with services.registry.write() as session:
        open_now = index.open_challenges(session, workspace.name, at=format_instant(at))
        if open_now >= limits.MAX_OPEN_CHALLENGES:
            raise TooManyChallengesError(
                f"expected fewer than {limits.MAX_OPEN_CHALLENGES} open challenges, "
                f"got {open_now}",
                hint="answer them, or wait an hour",
            )
        session.add(
            ChallengeRow(
                challenge=b64encode(made.challenge),
                workspace=workspace.name,
                identity=_written(terms),
                key_id=public_key.key_id,
                expires_at=format_instant(made.expires),
            )
        )
    return made


def require_answered(
    services: Services,
    workspace: Workspace,
    proof: IdentityProofPredicate,
    public_key: PublicKey,
) -> None:
    """Refuse a proof that answers no open challenge of this key on these terms.

    Raises:
        ChallengeError: No such challenge, or one for another key or other terms.
        ChallengeExpiredError: It has run out.
    """
    at = format_instant(services.clock())
    name = b64encode(proof.challenge)
    with services.registry.read() as session:
        row = index.find_challenge(session, workspace.name, name)
        if row is None:
            raise ChallengeError(
                "expected an answer to a challenge of this workspace, got another",
                hint="ask for a challenge first",
            )
        if (row.key_id, row.identity) != (public_key.key_id, _written(proof.identity)):
            raise ChallengeError(
                "expected the key and terms of the challenge, got others"
            )
        if row.expires_at <= at:
            raise ChallengeExpiredError(
                f"expected an open challenge, got one that ended at {row.expires_at}",
                hint="ask for a new challenge",
            )


def close(services: Services, workspace: Workspace, challenge: bytes) -> None:
    """Forget a challenge that was answered; again is success."""
    with services.registry.write() as session:
        session.execute(
            delete(ChallengeRow).where(
                ChallengeRow.workspace == workspace.name,
                ChallengeRow.challenge == b64encode(challenge),
            )
        )


def _written(terms: IdentityTerms) -> str:
    return dumps_json(terms.to_json()).decode()
