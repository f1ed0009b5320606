# SPDX-License-Identifier: Apache-2.0
"""What outlives the end of an identity, from an admin's words (DESIGN T3, T9).

A word is one of::

    sha256:<digest>            one attestation, by the digest of its statement
    release:<revision>         a release, with everything that it lists (or by digest)
    logged                     everything of theirs that is in the log now, and the
                               newest release, which Runners go on with meanwhile
    logged:<revision>          the same as the log and the overlay stood at a release

Every digest and checkpoint comes from the admin's own pinned state, never from an
answer of the API: who stole the log's key must not choose what survives.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from bundle.gate.chain import Link, open_head
from keys.digest import Digest
from keys.errors import UsageError
from signer.revocation import Survivors
from signer.tlog.limits import MAX_NOTE_BYTES
from trustacks.client import WorkspaceApi, segment
from trustacks.pinned import Pinned
from trustacks.trust_errors import SurvivorError

_WORD: Final = re.compile(
    r"(?P<digest>sha256:[0-9a-f]{64})"
    r"|(?P<kind>release|logged):(?P<named>[1-9][0-9]{0,14}|sha256:[0-9a-f]{64})"
    r"|(?P<now>logged)"
)


def survivors_of(
    words: Iterable[str], pinned: Pinned, *, newest: Callable[[], str], at: datetime
) -> Survivors:
    """Return what survives.

    Args:
        words: As above.
        pinned: The workspace.
        newest: Returns the log's newest checkpoint, verified.
        at: Now.

    Raises:
        UsageError: Another word.
        SurvivorError: No such release, or two checkpoints.
        TrustacksError: The releases down to it cannot be had.
    """
    attestations: set[Digest] = set()
    releases: set[Digest] = set()
    checkpoints: set[str] = set()
    for word in words:
        match = _WORD.fullmatch(word)
        if match is None:
            raise UsageError(
                "--survivor: expected sha256:DIGEST, release:REVISION, logged or "
                f"logged:REVISION, got {word[:80]!r}"
            )
        if match["digest"]:
            attestations.add(Digest.parse(match["digest"]))
        elif match["now"]:
            checkpoints.add(newest())
            releases |= _newest(pinned, at)
        else:
            link = find_release(pinned, match["named"], at=at)
            releases.add(link.digest)
            if match["kind"] == "logged":
                checkpoints.add(link.release.checkpoint)
    if len(checkpoints) > 1:
        raise SurvivorError("expected one checkpoint that keeps all before it, got two")
    kept = next(iter(checkpoints), None)
    return Survivors(frozenset(attestations), frozenset(releases), kept)


def before_the_end(pinned: Pinned, identity_id: str) -> Pinned:
    """Return what is pinned as it was before an identity ended.

    What survives is chosen from what held then: the newest release may be theirs.
    """
    policy = pinned.trust.policy
    ends = tuple(end for end in policy.revocations if end.identity != identity_id)
    trust = replace(pinned.trust, policy=replace(policy, revocations=ends))
    return replace(pinned, trust=trust)


def find_release(pinned: Pinned, named: str, *, at: datetime) -> Link:
    """Return a release by its revision or digest, held by digests from the newest.

    Raises:
        SurvivorError: There is none.
    """
    if named.startswith("sha256:"):
        return open_head(pinned.fetched.chain(Digest.parse(named)))
    head, revision = pinned.head(at=at), int(named)
    digest = head.digest if head else None
    while digest is not None:
        link = open_head(pinned.fetched.chain(digest))
        if link.release.revision == revision:
            return link
        digest = link.release.predecessor
    newest = head.release.revision if head else "none"
    raise SurvivorError(
        f"expected a published revision, got {revision}; the newest is {newest}"
    )


def newest_checkpoint(api: WorkspaceApi, pinned: Pinned) -> str:
    """Return the log's newest checkpoint, verified with the pinned key."""
    place = f"/w/{segment(api.name)}/log/checkpoint"
    note = api.client.fetch(place, max_bytes=MAX_NOTE_BYTES)
    pinned.checkpoint(note)
    return note.decode()


def _newest(pinned: Pinned, at: datetime) -> set[Digest]:
    head = pinned.head(at=at)
    return {head.digest} if head else set()
