# SPDX-License-Identifier: Apache-2.0
"""Register overlay-signing identities; ``workflows.ends`` ends them.

Order of writes to register: (1) the proof of possession, stored and logged, (2) the
next targets with the trust policy N + 1, (3) the trust-change attestation over those
bytes, logged, (4) the TUF publish, which is THE COMMIT, (5) the challenge closed in the
registry. (2) to (4) are ``workflows.trust``. A crash before (4) leaves the old policy
in force and the challenge open: the same request succeeds. A crash behind (4): the same
request finds the identity in force and answers as if nothing had happened.

"""

from dataclasses import dataclass, replace

from control_plane.errors import (
    IdentityExistsError,
)
from control_plane.keystore import identity_purpose
from control_plane.services import Services
from control_plane.workflows import challenges
from control_plane.workflows.challenges import Challenge
from control_plane.workflows.ledger import LocalNotary, record
from control_plane.workflows.trust import change_trust, following
from control_plane.workspaces import Published, Workspace
from keys.digest import Digest
from keys.errors import NotFoundError
from keys.public import PublicKey
from signer.attestation import parse_attestation
from signer.credential import KeyCredential
from signer.errors import KeyReusedError, UnknownIdentityError
from signer.form import Custody
from signer.identity import Identity, IdentityTerms
from signer.predicates.identity_proof import IdentityProofPredicate
from signer.predicates.trust_change import (
    IDENTITY_REGISTERED,
    Change,
)
from signer.revocation import Revocation
from signer.sign import attest_pending
from signer.statement import Subject, build_statement, parse_statement
from signer.trust_policy import TrustPolicy
from signer.verify import verify_possession


@dataclass(frozen=True, slots=True)
class Registered:
    """An identity in force, and where its trust begins.

    Attributes:
        identity: The identity.
        custody: Who can cause its signatures, directly or through CA or issuer.
        revocation: Its end, if it has one.
        trust_policy_version: The version that says so.
    """

    identity: Identity
    custody: Custody
    revocation: Revocation | None
    trust_policy_version: int


def challenge(
    services: Services, name: str, *, terms: IdentityTerms, public_key: PublicKey
) -> Challenge:
    """Give out a challenge to the holder of a key.

    Raises:
        NotFoundError: No such workspace.
        IdentityExistsError: The id is taken.
        KeyReusedError: The key has a purpose already.
    """
    workspace = services.workspaces.open(name)
    _policy_with(
        services, workspace.published(), Identity.of(terms, KeyCredential(public_key))
    )
    return challenges.issue(services, workspace, terms=terms, public_key=public_key)


def register(
    services: Services, name: str, *, proof: bytes, public_key: PublicKey
) -> Registered:
    """Register the identity that a proof of possession asks for.

    Raises:
        NotFoundError: No such workspace.
        VerificationError: The proof does not hold, or answers no open challenge.
        IdentityExistsError: The id is taken.
        KeyReusedError: The key has a purpose already.
        StorageError: Repeat the call.
    """
    workspace = services.workspaces.open(name)
    with workspace.lock:
        return _register(services, workspace, proof, public_key)


def register_custodial(
    services: Services, name: str, *, terms: IdentityTerms
) -> Registered:
    """Register an identity whose key this server makes and keeps.

    The key proves its possession like any other; its custody is ``control-plane``,
    whatever was asked for. The same request again is answered with what there is.

    Raises:
        NotFoundError: No such workspace.
        IdentityExistsError: The id is taken.
        CustodyError: The workspace's form does not allow it.
        StorageError: Repeat the call.
    """
    workspace = services.workspaces.open(name)
    held = replace(terms, custody=Custody.CONTROL_PLANE)
    with workspace.lock:
        published = workspace.published()
        policy = published.trust.policy
        purpose = identity_purpose(held.id)
        if services.keystore.has(name, purpose):
            kept = services.keystore.key(name, purpose).public_key
            if Identity.of(held, KeyCredential(kept)) in policy.identities:
                return shown(policy, policy.identity(held.id))
        require_new_id(policy, held.id)
        key = services.keystore.ensure(name, purpose)
        following(
            published,
            _policy_with(
                services,
                published,
                Identity.of(held, KeyCredential(key.public_key)),
            ),
            Change(kind=IDENTITY_REGISTERED, identity=held.id),
        )
        given = challenges.issue(
            services, workspace, terms=held, public_key=key.public_key
        )
        statement = build_statement(
            [Subject("public-key", Digest(key.public_key.key_id))],
            IdentityProofPredicate(
                workspace=given.workspace,
                identity=held,
                challenge=given.challenge,
                expires=given.expires,
            ),
        )
        notary = LocalNotary(services, workspace, key.public_key)
        proof = attest_pending(statement, key=key, timestamp=notary.timestamp)
        return _register(services, workspace, proof, key.public_key)


def index(services: Services, name: str) -> list[Registered]:
    """Return every identity of the trust policy in force, the revoked ones too.

    Raises:
        NotFoundError: No such workspace.
    """
    policy = services.workspaces.open(name).published().trust.policy
    return [shown(policy, identity) for identity in policy.identities]


def show(services: Services, name: str, identity_id: str) -> Registered:
    """Return one identity.

    Raises:
        NotFoundError: No such workspace or identity.
    """
    policy = services.workspaces.open(name).published().trust.policy
    return shown(policy, identity_of(policy, identity_id))


def _register(
    services: Services, workspace: Workspace, proof: bytes, public_key: PublicKey
) -> Registered:
    at = services.clock()
    published = workspace.published()
    trust = published.trust
    said = verify_possession(
        proof,
        public_key=public_key,
        workspace=trust.workspace,
        trusted_root=trust.trusted_root,
        challenge=_claimed_challenge(proof),
        at=at,
        pending=True,
    ).require()
    identity = Identity.of(said.identity, KeyCredential(public_key))
    if identity in trust.policy.identities:
        challenges.close(services, workspace, said.challenge)
        return shown(trust.policy, identity)
    challenges.require_answered(services, workspace, said, public_key)
    policy = _policy_with(services, published, identity)
    logged = parse_attestation(proof).digest
    change = Change(kind=IDENTITY_REGISTERED, identity=identity.id, proof=logged)
    next_trust = following(published, policy, change)
    record(services, workspace, proof, public_key)
    change_trust(services, workspace, next_trust, at=at)
    challenges.close(services, workspace, said.challenge)
    return shown(policy, identity)


def _claimed_challenge(proof: bytes) -> bytes:
    """Return the challenge that a proof says it answers.

    The registry is asked for it afterwards: whether we gave it out, to whom, and when.
    """
    statement = parse_statement(parse_attestation(proof).envelope.payload)
    return IdentityProofPredicate.parse(statement.predicate).challenge


def _policy_with(
    services: Services, published: Published, identity: Identity
) -> TrustPolicy:
    policy = published.trust.policy
    require_new_id(policy, identity.id)
    key_id = identity.require_key().key_id
    if key_id in published.role_keys | services.server_keys:
        raise KeyReusedError(
            "expected a key of its own, got one that this server uses", key_id=key_id
        )
    # A key of another identity is refused by the policy itself.
    return replace(
        policy,
        version=policy.version + 1,
        identities=(*policy.identities, identity),
    )


def require_new_id(policy: TrustPolicy, identity_id: str) -> None:
    """Refuse an id that some identity has, or had.

    Raises:
        IdentityExistsError: It is taken.
    """
    if any(one.id == identity_id for one in policy.identities):
        raise IdentityExistsError(
            f"expected a new id, got {identity_id}, which is taken for ever",
            hint="identities are never renamed or reused; choose another id",
            identity=identity_id,
        )


def identity_of(policy: TrustPolicy, identity_id: str) -> Identity:
    """Return an identity of a trust policy.

    Raises:
        NotFoundError: There is none of that id.
    """
    try:
        return policy.identity(identity_id)
    except UnknownIdentityError as error:
        raise NotFoundError(
            f"expected a registered identity, got {identity_id[:64]!r}"
        ) from error


def shown(policy: TrustPolicy, identity: Identity) -> Registered:
    """Return an identity as a trust policy has it."""
    return Registered(
        identity=identity,
        custody=policy.custody_of(identity),
        revocation=policy.revocation(identity.id),
        trust_policy_version=policy.version,
    )
