# SPDX-License-Identifier: Apache-2.0
"""An admin's side of a new root: draft it from the pinned one, sign it, publish it.

The draft is a file that admins carry; each signs where their key is. What is shown and
checked comes from the pinned roots, never from the server.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from securesystemslib.signer import Key
from tuf.api.metadata import Root

from bundle.tuf.roles import ROOT, SNAPSHOT, TARGETS, TERMS, TIMESTAMP
from bundle.tuf.root_draft import RootKeys, admin_keys, draft_root, online_keys
from bundle.tuf.rootchain import RootChain, open_roots
from keys.digest import Digest
from keys.public import PublicKey
from keys.signing import SigningKey
from keys.strict import b64encode
from signer.predicates.root_change import RootChangePredicate
from signer.sign import attest_pending
from signer.statement import Subject, build_statement
from signer.tlog.limits import MAX_NOTE_BYTES
from trustacks.client import segment
from trustacks.notary import RemoteNotary
from trustacks.trust_errors import RootPublishError
from trustacks.trusting import TrustDesk


@dataclass(frozen=True, slots=True)
class RootWish:
    """What the next root names; an empty part stays as it is.

    Attributes:
        root: The admins' root keys.
        targets: The admins' targets keys.
        snapshot: Online keys.
        timestamp: Online keys.
        threshold: How many admins must agree; none keeps the thresholds.
        life: How long it lasts.
    """

    root: Sequence[PublicKey] = ()
    targets: Sequence[PublicKey] = ()
    snapshot: Sequence[PublicKey] = ()
    timestamp: Sequence[PublicKey] = ()
    threshold: int | None = None
    life: timedelta = TERMS[ROOT].life


def next_root(roots: RootChain, wish: RootWish, *, at: datetime) -> bytes:
    """Draft the root after the newest one.

    Args:
        roots: From the pinned one to the newest.
        wish: What it names.
        at: Now; it lives from here.

    Raises:
        VerificationError: The roots do not hold.
        UnsafeRoleKeysError: Thresholds or keys that would not be sovereign.
        TufKeyError: A key for two purposes.
    """
    newest = roots.current
    roles = newest.roles
    keys = RootKeys(
        root=admin_keys(wish.root) or _named(newest, ROOT),
        targets=admin_keys(wish.targets) or _named(newest, TARGETS),
        snapshot=online_keys(wish.snapshot) or _named(newest, SNAPSHOT),
        timestamp=online_keys(wish.timestamp) or _named(newest, TIMESTAMP),
        root_threshold=wish.threshold or roles[ROOT].threshold,
        targets_threshold=wish.threshold or roles[TARGETS].threshold,
    )
    return draft_root(
        keys, at=at, previous=newest, workspace=roots.workspace, life=wish.life
    )


def publish_root(desk: TrustDesk, root: bytes, key: SigningKey) -> int:
    """Attest a signed root as an admin and publish it; again is success.

    Args:
        desk: Whose store reads what has expired: a new root is what mends it.
        root: Its bytes.
        key: The admin identity's.

    Returns:
        Its version.

    Raises:
        VerificationError: It does not follow the pinned roots.
        ControlPlaneRefusalError: It is not taken.
        RootPublishError: Another root is the newest afterwards.
    """
    at = desk.clock()
    roots = desk.store.roots()
    if root == roots[-1]:
        return open_roots(roots).current.version
    chain = open_roots((*roots, root))
    pinned = desk.store.refresh(at=at)
    name = segment(desk.api.name)
    note = desk.api.client.fetch(f"/w/{name}/log/checkpoint", max_bytes=MAX_NOTE_BYTES)
    pinned.checkpoint(note)
    predicate = RootChangePredicate(
        workspace=chain.workspace,
        root_version=chain.current.version,
        previous=Digest.of(roots[-1]),
        at=at,
        checkpoint=note.decode(),
    )
    subject = Subject(f"{chain.current.version}.root.json", Digest.of(root))
    statement = build_statement([subject], predicate)
    desk.show(statement)
    stamp = RemoteNotary(desk.api).timestamp
    event = attest_pending(statement, key=key, timestamp=stamp)
    sent = {"root": b64encode(root), "event": b64encode(event)}
    desk.api.post("/trust/roots", sent)
    now = desk.store.refresh(at=desk.clock())
    if now.view.root_digest != Digest.of(root):
        raise RootPublishError(
            f"expected root {Digest.of(root)}, got {now.view.root_digest}",
            hint="look at what is published: trustacks root show",
        )
    return chain.current.version


def _named(root: Root, role: str) -> tuple[Key, ...]:
    return tuple(root.get_key(keyid) for keyid in root.roles[role].keyids)
