# SPDX-License-Identifier: Apache-2.0
"""Releases that wait for as many signatures as the admins ask for.

Nothing here decides, and nothing is published here: whoever adds the last signature
publishes (``workflows.releases``), and the gate counts. What this server adds is a
place where a release can lie. What comes in is judged by the gate's own steps
(``bundle.gate.waiting``), so that nobody is asked to sign what could not be published.

Order of writes. To keep: (1) the bundle, (2) the attestations: now it is there. To
sign: one object for each key. A crash behind any of them is repaired by the same call.
Who signed is in the log before it comes here.
"""

from bundle.gate.waiting import check_waiting
from bundle.pending import PendingRelease
from control_plane import limits
from control_plane.errors import TooManyPendingError
from control_plane.pending_store import PendingStore
from control_plane.services import Services
from control_plane.workflows.pending_ground import WAITING, PendingGround, Waiting
from control_plane.workflows.releases import require_next
from keys.digest import Digest


def keep(
    services: Services, name: str, *, bundle: bytes, attestations: bytes
) -> Waiting:
    """Keep a release that waits; the same again is success.

    Args:
        services: The server.
        name: The workspace.
        bundle: ``bundle.tar.gz``.
        attestations: As they will be published, with the release's own, one per line.

    Raises:
        NotFoundError: No such workspace.
        ReleaseStaleError: Another release has become the head; build on that one.
        TooManyPendingError: Too many wait already.
        VerificationError: It could not be published, whoever signed it.
        StorageError: Repeat the call.
    """
    workspace = services.workspaces.open(name)
    pending = PendingRelease.of(bundle, attestations)
    with workspace.lock:
        now = PendingGround.of(services, workspace)
        store = PendingStore(workspace.storage)
        if pending.digest in store.digests():
            return now.standing(store.get(pending.digest))
        require_next(now.head, pending.link.release)
        _require_room(now, store)
        candidate = pending.candidate(now.source, head=now.head, at=now.at)
        check_waiting(
            candidate,
            known=pending.known(now.head),
            at=now.at,
            engine=services.engine,
        ).require()
        store.keep(pending)
        return now.standing(pending)


def index(services: Services, name: str) -> list[Waiting]:
    """Return every release that is kept, lowest revision first.

    Raises:
        NotFoundError: No such workspace.
    """
    workspace = services.workspaces.open(name)
    now, store = PendingGround.of(services, workspace), PendingStore(workspace.storage)
    found = [now.standing(store.get(digest)) for digest in store.digests()]
    return sorted(
        found, key=lambda one: (one.pending.link.release.revision, one.pending.digest)
    )


def show(services: Services, name: str, digest: Digest) -> Waiting:
    """Return a release that waits.

    Raises:
        NotFoundError: No such workspace or release.
    """
    workspace = services.workspaces.open(name)
    now = PendingGround.of(services, workspace)
    return now.standing(PendingStore(workspace.storage).get(digest))


def sign(services: Services, name: str, digest: Digest, raw: bytes) -> Waiting:
    """Keep a further signature; one of a principal who has signed adds nothing.

    There is room for so many, and an OIDC subject signs with another key each time.

    Args:
        services: The server.
        name: The workspace.
        digest: Of the statement.
        raw: The attestation, logged.

    Raises:
        NotFoundError: No such workspace or release.
        ReleaseStaleError: Another release has become the head; sign that again.
        PendingMismatchError: It is a signature of something else.
        VerificationError: It does not hold.
        StorageError: Repeat the call.
    """
    workspace = services.workspaces.open(name)
    store = PendingStore(workspace.storage)
    with workspace.lock:
        now = PendingGround.of(services, workspace)
        pending = store.get(digest)
        require_next(now.head, pending.link.release)
        principal, standing = now.verify(pending, raw).principal, now.standing(pending)
        if principal in {one.principal for one in standing.signers}:
            return standing
        signed = pending.signed([raw])
        if signed.lines != pending.lines:
            store.sign(digest, raw)
        return now.standing(signed)


def _require_room(now: PendingGround, store: PendingStore) -> None:
    """Refuse more than anybody signs: each is as large as a release."""
    digests = store.digests()
    if len(digests) < limits.MAX_PENDING_RELEASES:
        return
    found = [now.standing(store.get(digest)).status for digest in digests]
    if sum(status in WAITING for status in found) >= limits.MAX_PENDING_RELEASES:
        raise TooManyPendingError(
            f"expected at most {limits.MAX_PENDING_RELEASES} releases that wait, "
            "got one more",
            hint="sign and publish one: trustacks bundle cosign",
        )
