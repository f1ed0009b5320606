# SPDX-License-Identifier: Apache-2.0
"""Change what is trusted in a workspace whose admin keys this server holds.

Order of writes, the same for every change:

1. the next targets: signed, stored, not reachable (``Repository.prepare_targets``)
2. the trust-change attestation over those very bytes: in the log
3. snapshot and timestamp: THE COMMIT (``Repository.publish_targets``)

A crash behind 1 leaves an orphan, whose version number is never used again. Behind 2
the log tells of a version that was never published: visible, and without effect. What
was acknowledged has passed 3.

In the sovereign form admins sign 1 and 2 elsewhere; this module is not their way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bundle.gate.candidate import POLICY_TARGET, TRUSTED_ROOT_TARGET
from bundle.tuf.staged import StagedTargets
from control_plane.errors import NotEmbeddedError
from control_plane.keystore import ADMIN
from control_plane.services import Services
from control_plane.workflows.ledger import LocalNotary
from control_plane.workflows.move_steps import require_no_move
from control_plane.workspaces import Published, Workspace
from keys.digest import Digest
from signer.errors import KeyReusedError
from signer.form import Form
from signer.predicates.trust_change import Change, TrustChangePredicate
from signer.sign import attest
from signer.statement import Subject, build_statement
from signer.trust import Trust
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot


@dataclass(frozen=True, slots=True)
class TrustChange:
    """What is to be trusted from now on.

    Attributes:
        policy: The next trust policy.
        files: Every other trust file and layer, by target name.
        change: What is different, for the log.
        previous: SHA-256 of the targets in force; none at the first.
    """

    policy: TrustPolicy
    files: Mapping[str, bytes]
    change: Change
    previous: Digest | None


def following(
    published: Published,
    policy: TrustPolicy,
    change: Change,
    *,
    trusted_root: bytes | None = None,
) -> TrustChange:
    """Return the change from what is in force to ``policy``.

    Args:
        published: What is in force.
        policy: The next trust policy.
        change: What the event will say.
        trusted_root: The next trusted root, if that changes too.

    Raises:
        NotEmbeddedError: The admins of this workspace sign elsewhere.
        CustodyError: The policy hands the Control Plane what is not its.
        VerificationError: The policy contradicts keys and layers.
    """
    trust = published.trust
    if trust.form is not Form.EMBEDDED:
        raise NotEmbeddedError(
            f"expected a workspace of embedded form, got {trust.form.value}",
            hint="in the sovereign form admins sign trust changes themselves",
        )
    files = dict(published.files)
    if trusted_root is not None:
        files[TRUSTED_ROOT_TARGET] = trusted_root
    policy.require_custody(trust.form)
    # One key with two purposes is refused before anything is written.
    following_trust = Trust(
        workspace=trust.workspace,
        form=trust.form,
        policy=policy,
        trusted_root=TrustedRoot.parse(files[TRUSTED_ROOT_TARGET]),
    )
    if twice := following_trust.key_ids & published.role_keys:
        raise KeyReusedError(
            "expected a key of its own, got one of a TUF role", key_id=min(twice)
        )
    return TrustChange(
        policy=policy,
        files=files,
        change=change,
        previous=Digest.of(published.committed.targets),
    )


def change_trust(
    services: Services,
    workspace: Workspace,
    next_trust: TrustChange,
    *,
    at: datetime,
    indexed: bool = True,
) -> StagedTargets:
    """Put a change in force; the caller holds the workspace's lock.

    Raises:
        MoveDecidedError: The workspace is being made sovereign.
        StorageError: It may or may not be in force; look, or do it again.
    """
    require_no_move(services, workspace)
    policy = next_trust.policy.to_bytes()
    checkpoint = workspace.log.checkpoint().decode()
    staged = workspace.repository.prepare_targets(
        {**next_trust.files, POLICY_TARGET: policy}, checkpoint=checkpoint, at=at
    )
    predicate = TrustChangePredicate(
        workspace=next_trust.policy.workspace,
        targets_version=staged.version,
        policy=Digest.of(policy),
        previous=next_trust.previous,
        change=next_trust.change,
        at=at,
        checkpoint=checkpoint,
    )
    subject = Subject(f"{staged.version}.targets.json", staged.digest)
    key = workspace.key(ADMIN)
    notary = LocalNotary(services, workspace, key.public_key, indexed=indexed)
    attest(build_statement([subject], predicate), key=key, notary=notary)
    workspace.repository.publish_targets(staged, at=at)
    services.metrics.published("trust")
    return staged
