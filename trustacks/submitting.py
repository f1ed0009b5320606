# SPDX-License-Identifier: Apache-2.0
"""Hand a release in: to be published, or to be kept for others to sign."""

from typing import Final

from bundle.build import BuiltBundle
from bundle.pending import PendingRelease
from keys.digest import Digest
from keys.strict import b64encode
from trustacks.client import WorkspaceApi
from trustacks.release_errors import ReleaseNotRebuiltError

PLACE: Final = "/pending-releases"


def submit(api: WorkspaceApi, pending: PendingRelease) -> None:
    """Publish a release.

    Raises:
        ControlPlaneRefusalError: It is not taken: another one was first, or the gate
            refuses it.
    """
    submit_lines(api, pending.bundle, pending.lines, release=pending.sorted.release)


def submit_lines(
    api: WorkspaceApi, bundle: bytes, lines: bytes, *, release: bytes
) -> None:
    """Publish a release from its files; ``submit`` is the same."""
    sent = {
        "bundle": b64encode(bundle),
        "attestations": b64encode(lines),
        "release": b64encode(release),
    }
    api.post("/releases", sent)


def submit_pending(api: WorkspaceApi, pending: PendingRelease) -> None:
    """Have the Control Plane keep a release for others to sign.

    Raises:
        ControlPlaneRefusalError: It is not taken: another one was first, or it could
            not be published whoever signed it.
    """
    sent = {
        "bundle": b64encode(pending.bundle),
        "attestations": b64encode(pending.lines),
    }
    api.post(PLACE, sent)


def require_rebuilt(
    pending: PendingRelease, built: BuiltBundle, *, commit: str | None
) -> None:
    """Refuse a release that an overlay does not give at its commit.

    Args:
        pending: The release.
        built: The bundle of that revision from the overlay at hand.
        commit: Where the overlay stands.

    Raises:
        ReleaseNotRebuiltError: Another commit, or other bytes.
    """
    source = pending.link.release.source.commit
    if source != commit:
        raise ReleaseNotRebuiltError(
            f"expected the overlay at commit {source or '(none)'}, "
            f"got {commit or '(none)'}",
            hint=f"git checkout {source}" if source else None,
        )
    if built.archive != pending.bundle:
        raise ReleaseNotRebuiltError(
            f"expected the bundle {built.digest} as the overlay gives it, "
            f"got {Digest.of(pending.bundle)}"
        )
