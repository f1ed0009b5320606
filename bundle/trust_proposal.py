# SPDX-License-Identifier: Apache-2.0
"""Judge a trust proposal: would Runners take it, and what would they trust then?

One function for the admin who is asked to sign and for the server that keeps it; each
brings what it knows to be in force. Steps, each by itself enough to refuse:

1. it is made on the targets in force, for this workspace, with a higher version
2. it lists trust and layers only, delegates as it must, and does not live too long
3. every file that it lists is there
4. the trust policy can be meant, is newer, and gives the Control Plane nothing (T1);
   what it keeps by the digest of a release or under a checkpoint is there
5. the event that it will be logged as is true of the policies before and after
6. who comes with a key in their own hands has proved to hold it (T9)
7. one key has one purpose, the keys of TUF roles included
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bundle.gate.candidate import POLICY_TARGET, TRUSTED_ROOT_TARGET
from bundle.gate.chain import open_head
from bundle.gate.named import check_survivors_logged
from bundle.trust_event import require_true
from bundle.tuf.errors import (
    TrustProposalMismatchError,
    TrustProposalStaleError,
    TufMissingError,
)
from bundle.tuf.proposal import Base, TrustProposal
from bundle.tuf.rootchain import RootChain
from bundle.tuf.view import read_targets
from keys.digest import Digest
from keys.errors import NotFoundError
from signer.errors import KeyReusedError
from signer.form import Custody
from signer.predicates.trust_change import BRINGING, WORKSPACE_CREATED
from signer.trust import Trust
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot


@dataclass(frozen=True, slots=True)
class InForce:
    """What a proposal would replace.

    Attributes:
        base: The targets.
        trust: What they say.
        files: Every trust file and layer, by target name.
        chain: Returns a published release's attestation by the digest of its PAE.
        release_key: Of the release role, by SHA-256 of its SubjectPublicKeyInfo.
    """

    base: Base
    trust: Trust
    files: Mapping[str, bytes]
    chain: Callable[[Digest], bytes]
    release_key: str


def proposed_files(
    proposal: TrustProposal, given: Iterable[bytes], now: InForce | None
) -> dict[str, bytes]:
    """Return what a proposal lists, from what was given and what is in force.

    Raises:
        TrustProposalMismatchError: A file is missing.
    """
    in_force = now.files.values() if now else ()
    known = {Digest.of(data): data for data in (*given, *in_force)}
    listed = digests_of(proposal)
    missing = sorted(path for path, digest in listed.items() if digest not in known)
    missing += sorted({POLICY_TARGET, TRUSTED_ROOT_TARGET} - set(listed))
    if missing:
        raise TrustProposalMismatchError(
            f"expected every file that the proposal lists, got none for {missing[0]}"
        )
    return {path: known[digest] for path, digest in listed.items()}


def digests_of(proposal: TrustProposal) -> dict[str, Digest]:
    """Return the SHA-256 of every file that a proposal lists, by target name."""
    return {
        path: Digest(info.hashes["sha256"])
        for path, info in proposal.signed.targets.items()
    }


def judge_proposal(
    proposal: TrustProposal,
    roots: RootChain,
    now: InForce | None,
    files: Mapping[str, bytes],
    *,
    at: datetime,
) -> Trust:
    """Return the trust that Runners would have.

    Args:
        proposal: Anything that claims to be one.
        roots: The workspace's, verified.
        now: What is in force; none before the first trust.
        files: What it lists, by target name (``proposed_files``).
        at: Now.

    Raises:
        TrustProposalStaleError: Made on other targets than those in force.
        TrustProposalMismatchError: Another workspace's, or not a newer policy.
        TrustEventUntrueError: Its event says something else than the policies.
        VerificationError: By the code of ``read_view`` or ``Trust``.
        FormatError: A file that is not what its name says.
    """
    _require_fits(proposal, roots, now)
    _, delegated = read_targets(roots, proposal.signed, at=at)
    trust = Trust(
        workspace=roots.workspace,
        form=roots.form,
        policy=TrustPolicy.parse(files[POLICY_TARGET]),
        trusted_root=TrustedRoot.parse(files[TRUSTED_ROOT_TARGET]),
    )
    trust.policy.require_custody(trust.form)
    check_survivors_logged(trust.policy, trust.trusted_root)
    require_named(trust.policy, now.chain if now else None)
    before = now.trust.policy.version if now else 0
    if trust.policy.version <= before:
        raise TrustProposalMismatchError(
            f"expected a trust policy above version {before}, "
            f"got {trust.policy.version}"
        )
    if now is not None:
        require_true(now.trust.policy, trust.policy, proposal.change)
    elif proposal.change.kind != WORKSPACE_CREATED:
        raise TrustProposalMismatchError(
            f"expected the event of a first trust, got {proposal.change.kind}"
        )
    _require_proof(trust, proposal)
    require_one_purpose(trust, {*roots.keys, *delegated})
    return trust


def _require_fits(
    proposal: TrustProposal, roots: RootChain, now: InForce | None
) -> None:
    base = now.base if now else None
    if base is not None and proposal.version <= base.version:
        raise TrustProposalStaleError(
            f"expected targets above {base.version}, got {proposal.version}",
            hint="propose the change again, on the targets in force",
        )
    proposal.require_base(base)
    if proposal.workspace != roots.workspace:
        raise TrustProposalMismatchError(
            f"expected workspace {roots.workspace}, got {proposal.workspace}"
        )


def require_named(policy: TrustPolicy, chain: Callable[[Digest], bytes] | None) -> None:
    """Refuse a digest that no Runner could fetch the release of: all would stop.

    Args:
        policy: The next trust policy.
        chain: As in ``InForce``; none before the first trust.

    Raises:
        TrustProposalMismatchError: No such release, or the floor at another revision.
    """
    for digest in sorted(policy.named_releases):
        if chain is None:
            raise TrustProposalMismatchError(
                f"expected no release before the first trust, got {digest}"
            )
        try:
            link = open_head(chain(digest))
        except (NotFoundError, TufMissingError) as error:
            raise TrustProposalMismatchError(
                f"expected a published release, got {digest}",
                hint="`trustacks bundle verify` shows the newest one",
            ) from error
        floor = policy.floor
        if floor and floor.digest == digest and floor.revision != link.release.revision:
            raise TrustProposalMismatchError(
                f"expected the floor at revision {link.release.revision}, as its "
                f"release says, got {floor.revision}"
            )


def _require_proof(trust: Trust, proposal: TrustProposal) -> None:
    """DESIGN 9, T9: who comes with a key in their own hands has proved to hold it.

    An OIDC subject has no key: each certificate of it is proof, and none lasts.
    """
    change = proposal.change
    if change.kind not in BRINGING or change.proof is not None:
        return
    identity = trust.policy.identity(str(change.identity))
    if identity.custody is Custody.EXTERNAL and identity.public_key is not None:
        raise TrustProposalMismatchError(
            f"{identity.id}: expected a proof of possession, got none",
            hint="the holder makes it: trustacks identity register --proof-out",
        )


def require_one_purpose(trust: Trust, role_keys: set[str]) -> None:
    """Refuse a key of a TUF role that is somebody's here too.

    Raises:
        KeyReusedError: One is.

    Source: DESIGN 9, Principals.
    """
    if twice := trust.key_ids & role_keys:
        key_id = min(twice)
        raise KeyReusedError(
            f"expected one purpose for key {key_id[:16]}, got a TUF role and another",
            key_id=key_id,
        )
