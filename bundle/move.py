# SPDX-License-Identifier: Apache-2.0
"""Judge the move of a workspace from embedded to sovereign (DESIGN 9, T8).

One function for each admin who is asked to sign and for the server that would do it:
the next root, which Runners will pin, and the first trust under it. Nothing of the
embedded trust is believed but its bytes; steps, each by itself enough to refuse:

1. the root follows the embedded one, names the workspace, and is sovereign by itself
2. no key of it, nor of the release role under it, ever had a role before
3. the trust is made on the targets in force, with higher versions, and delegates and
   expires as it must
4. nobody in the Control Plane's custody is left, direct or through CA or issuer: every
   such identity has ended for good; nothing that was its becomes external, and every
   log and timestamp authority is taken for its; no Sigstore instance of its stays but
   for survivors
5. identities are as they were, or have ended; who comes is an admin and nothing else
6. the floor is the release in force
7. what survives is what that release rests on, by digest
8. one key has one purpose, the keys of TUF roles included

That the embedded keys signed both too is asked where they are published.
"""

from collections.abc import Mapping
from datetime import datetime

from bundle.embedded import EmbeddedGround
from bundle.gate.candidate import POLICY_TARGET, TRUSTED_ROOT_TARGET
from bundle.move_people import (
    require_admins_came,
    require_instances_needed,
    require_no_outside_witness,
    require_no_part_promoted,
    require_nobody_custodial,
)
from bundle.trust_event import require_true_move
from bundle.trust_proposal import require_one_purpose
from bundle.tuf.errors import (
    SurvivorNotReleasedError,
    TrustProposalMismatchError,
    TrustProposalStaleError,
    TufCustodyError,
    TufKeyError,
    TufRootChainError,
)
from bundle.tuf.proposal import TrustProposal
from bundle.tuf.rootchain import RootChain, open_roots
from bundle.tuf.view import read_targets
from signer.form import Form
from signer.trust import Trust
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot


def open_next_root(root: bytes, ground: EmbeddedGround) -> RootChain:
    """Return the root that Runners will pin (steps 1 and 2).

    Raises:
        TufSignatureError: Too few of its admins signed.
        TufRootChainError: Another workspace's, or not the next one.
        TufCustodyError: It would not be sovereign.
        TufKeyError: A key that had a role before.
        VerificationError: As ``open_roots``.
    """
    chain = open_roots([root])
    expected = ground.chain.current.version + 1
    if chain.current.version != expected or chain.workspace != ground.chain.workspace:
        raise TufRootChainError(
            f"expected root {expected} of workspace {ground.chain.workspace}, "
            f"got root {chain.current.version} of {chain.workspace}"
        )
    if chain.form is not Form.SOVEREIGN:
        raise TufCustodyError(
            "expected a root whose admin keys are external, got one of embedded form"
        )
    _require_new(chain.keys, ground)
    return chain


def judge_move(
    proposal: TrustProposal,
    root: RootChain,
    ground: EmbeddedGround,
    files: Mapping[str, bytes],
    *,
    at: datetime,
) -> Trust:
    """Return the trust that Runners pinned to ``root`` would have.

    Args:
        proposal: The first trust under the root.
        root: By ``open_next_root``.
        ground: What is in force.
        files: What the proposal lists, by target name.
        at: Now.

    Raises:
        TrustProposalStaleError: Made on other targets than those in force.
        CustodyError: Something of the Control Plane would decide on.
        TrustEventUntrueError: An identity changed, left or is back.
        TrustProposalMismatchError: Whoever comes, or the floor, is not as it must be.
        SurvivorNotReleasedError: Something survives that nothing published rests on.
        VerificationError: By the code of ``read_view`` or ``Trust``.
        FormatError: A file that is not what its name says.
    """
    _require_fits(proposal, ground)
    _, delegated = read_targets(root, proposal.signed, at=at)
    _require_new(delegated, ground)
    trust = Trust(
        workspace=root.workspace,
        form=root.form,
        policy=TrustPolicy.parse(files[POLICY_TARGET]),
        trusted_root=TrustedRoot.parse(files[TRUSTED_ROOT_TARGET]),
    )
    old, new = ground.trust.policy, trust.policy
    if new.version <= old.version:
        raise TrustProposalMismatchError(
            f"expected a trust policy above version {old.version}, got {new.version}"
        )
    require_nobody_custodial(old, new)
    require_no_part_promoted(old, new)
    require_no_outside_witness(new)
    require_instances_needed(new)
    require_true_move(old, new, proposal.change)
    require_admins_came(old, new)
    _require_floor(new, ground)
    _require_survivors(new, ground)
    require_one_purpose(trust, {*root.keys, *delegated})
    return trust


def _require_new(keys: Mapping[str, str], ground: EmbeddedGround) -> None:
    """Whoever stole what was there before can then not even hold up a refresh."""
    if again := keys.keys() & ground.view.role_keys.keys():
        key_id = min(again)
        raise TufKeyError(
            f"expected keys that had no role before, got {key_id[:16]}, "
            f"which was {ground.view.role_keys[key_id]}",
            hint="begin again with new keys: trustacks ceremony move",
        )


def _require_fits(proposal: TrustProposal, ground: EmbeddedGround) -> None:
    proposal.require_base(ground.base)
    if proposal.version <= ground.base.version:
        raise TrustProposalStaleError(
            f"expected targets above {ground.base.version}, got {proposal.version}"
        )
    if proposal.workspace != ground.chain.workspace:
        raise TrustProposalMismatchError(
            f"expected workspace {ground.chain.workspace}, got {proposal.workspace}"
        )


def _require_floor(new: TrustPolicy, ground: EmbeddedGround) -> None:
    """A Runner of the new pin begins at the release that its admins looked at."""
    floor = new.floor and (new.floor.revision, new.floor.digest)
    head = ground.head and (ground.head.release.revision, ground.head.digest)
    if floor != head:
        raise TrustProposalMismatchError(
            f"expected the floor at the release in force, {head}, got {floor}",
            hint="a release came between: begin again with trustacks ceremony move",
        )


def _require_survivors(new: TrustPolicy, ground: EmbeddedGround) -> None:
    """By digest, not by the log, where the Control Plane put what it liked."""
    head = {ground.head.digest} if ground.head else set()
    for end in new.revocations:
        kept = end.survivors
        unknown = (kept.attestations - ground.rests_on.keys()) | (kept.releases - head)
        if unknown or kept.checkpoint is not None:
            got = min(map(str, unknown), default="all that was logged")
            raise SurvivorNotReleasedError(
                f"{end.identity}: expected survivors that the release in force rests "
                f"on, got {got}"
            )
