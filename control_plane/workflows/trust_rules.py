# SPDX-License-Identifier: Apache-2.0
"""Change floor, thresholds, ages and waivers where this server holds the admin keys.

Order of writes: that of ``workflows.trust``. In the sovereign form admins propose the
same (``workflows.proposals``).
"""

from dataclasses import replace
from functools import partial

from bundle.trust_proposal import require_named
from bundle.trust_rules import TrustRules
from control_plane.services import Services
from control_plane.workflows.release_chain import read_chain
from control_plane.workflows.trust import change_trust, following
from signer.predicates.trust_change import RULES_CHANGED, Change


def change(services: Services, name: str, rules: TrustRules) -> int:
    """Put rules in force, and return the version of the targets that hold them.

    The same again is success, and changes nothing.

    Raises:
        NotFoundError: No such workspace.
        NotEmbeddedError: Its admins sign elsewhere.
        TrustProposalMismatchError: The floor is no release of this workspace.
        VerificationError: The next policy contradicts itself.
        StorageError: Repeat the call.
    """
    workspace = services.workspaces.open(name)
    with workspace.lock:
        published = workspace.published()
        policy = published.trust.policy
        wanted = rules.applied(policy)
        made = following(
            published,
            replace(wanted, version=policy.version + 1),
            Change(kind=RULES_CHANGED),
        )
        if wanted == policy:
            return published.committed.top.version
        require_named(wanted, partial(read_chain, workspace))
        return change_trust(services, workspace, made, at=services.clock()).version
