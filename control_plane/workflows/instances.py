# SPDX-License-Identifier: Apache-2.0
"""Pin and drop Sigstore instances in a workspace whose admin keys this server holds.

Order of writes: that of ``workflows.trust``, with the next trusted root among the
files. In the sovereign form admins propose the same (``workflows.proposals``).
"""

from collections.abc import Mapping
from dataclasses import replace

from bundle.gate.candidate import TRUSTED_ROOT_TARGET
from bundle.trust_authorities import pin_whole
from bundle.trust_instances import Custodies, Pinning, drop_instance
from control_plane.services import Services
from control_plane.workflows.trust import change_trust, following
from control_plane.workspaces import Workspace
from keys.errors import NotFoundError
from signer.form import Custody
from signer.instances import SigstoreInstance
from signer.predicates.trust_change import INSTANCES_CHANGED, Change


def index(services: Services, name: str) -> Mapping[str, SigstoreInstance]:
    """Return the instances of the trust policy in force.

    Raises:
        NotFoundError: No such workspace.
    """
    return services.workspaces.open(name).published().trust.policy.instances


def pin(
    services: Services,
    name: str,
    instance: str,
    *,
    trusted_root: bytes,
    custodies: Custodies,
    tsa_custody: Custody | None = None,
) -> SigstoreInstance:
    """Pin an instance as its TrustedRoot document has it; the same again is success.

    Raises:
        NotFoundError: No such workspace.
        FormatError: Not a TrustedRoot with a CA and a CT log.
        VerificationError: It contradicts the trust in force.
        StorageError: Repeat the call.
    """
    workspace = services.workspaces.open(name)
    with workspace.lock:
        published = workspace.published()
        pinned = pin_whole(
            published.trust.policy,
            published.files[TRUSTED_ROOT_TARGET],
            instance,
            given=trusted_root,
            custodies=custodies,
            tsa_custody=tsa_custody,
        )
        _change(services, workspace, pinned)
        return pinned.policy.instances[instance]


def drop(services: Services, name: str, instance: str) -> None:
    """Drop an instance.

    Raises:
        NotFoundError: No such workspace or instance.
        UnknownInstanceError: An identity that is not revoked has its subject from it.
        StorageError: Repeat the call.
    """
    workspace = services.workspaces.open(name)
    with workspace.lock:
        published = workspace.published()
        policy = published.trust.policy
        if instance not in policy.instances:
            raise NotFoundError(f"expected a pinned instance, got {instance[:64]!r}")
        trusted_root = published.files[TRUSTED_ROOT_TARGET]
        _change(services, workspace, drop_instance(policy, trusted_root, instance))


def _change(services: Services, workspace: Workspace, pinned: Pinning) -> None:
    published = workspace.published()
    before = published.trust.policy, published.files[TRUSTED_ROOT_TARGET]
    if before == (pinned.policy, pinned.trusted_root):
        return
    policy = replace(pinned.policy, version=pinned.policy.version + 1)
    next_trust = following(
        published,
        policy,
        Change(kind=INSTANCES_CHANGED),
        trusted_root=pinned.trusted_root,
    )
    change_trust(services, workspace, next_trust, at=services.clock())
