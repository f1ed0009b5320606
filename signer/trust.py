# SPDX-License-Identifier: Apache-2.0
"""What a verifier stands on, and what it was asked for.

``Trust`` is the deployment's: admins signed all of it. ``Expected`` is the question at
hand. Evidence supplies neither.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from keys.digest import Digest
from keys.errors import UsageError
from signer.attestation import Attestation
from signer.errors import CustodyError, KeyReusedError, WorkspaceMismatchError
from signer.form import Custody, Form
from signer.identity import Identity
from signer.predicates.base import RELEASE, RULE, WAIVER
from signer.revocation import Revocation
from signer.statement import parse_statement
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot

# What more than one principal may sign, each in an attestation of their own.
COSIGNED: Final = frozenset({RELEASE, RULE, WAIVER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The admins' word, as TUF delivered it.

    Attributes:
        workspace: SHA-256 of the genesis root that the verifier is pinned to.
        form: Derived from that root.
        policy: The trust policy.
        trusted_root: The logs and timestamp authorities.
        kept: What each release lists that the policy names by digest; whoever made it
            saw those releases (``bundle.gate.named``), and nothing is kept without.

    Raises:
        WorkspaceMismatchError: The trust policy is another workspace's.
        KeyReusedError: A key has two purposes, or certifies in two instances.
        CustodyError: A key is in two custodies, by two of its certificates.
        UnknownCustodyError: A log, authority or CA whose custody no admin signed.
    """

    workspace: Digest
    form: Form
    policy: TrustPolicy
    trusted_root: TrustedRoot
    kept: Mapping[Digest, frozenset[Digest]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.policy.workspace != self.workspace:
            raise WorkspaceMismatchError(
                f"expected a trust policy of workspace {self.workspace}, "
                f"got one of {self.policy.workspace}"
            )
        self._require_custodies()
        twice = [key for key, count in self._uses().items() if count > 1]
        if twice:
            raise KeyReusedError(
                "expected one purpose for each key, identity, log, authority or "
                f"publisher, got two for {twice[0][:16]}",
                key_id=twice[0],
            )
        self._require_one_instance()
        self._require_one_custody()

    def survives(self, identity: Identity, attestation: Attestation) -> bool:
        """Return whether the admins kept an attestation beyond its identity's end.

        By its digest, by that of a release that lists it, or by a checkpoint: then its
        own proof must be to the very tree that they signed. That the proof holds is
        checked with the log entry.

        Source: DESIGN T3: "except digests reachable from a release digest, or included
        under a checkpoint, that the admins signed in that same trust policy".
        """
        digest, end = attestation.digest, self.policy.revocation(identity.id)
        if self.policy.survives(identity, digest) or self._listed(end, attestation):
            return True
        tree = end.survivors.tree if end else None
        return tree is not None and any(
            (entry.tree_size, entry.root) == (tree.size, tree.root)
            for entry in attestation.entries
        )

    def _listed(self, end: Revocation | None, attestation: Attestation) -> bool:
        """Return whether a release that the admins named keeps an attestation.

        A digest is that of a statement, and whoever holds a key of an identity that
        ended can sign a statement once more. So a further signature, which would count
        as one principal more, is kept only if that identity's own end says so.
        """
        digest = attestation.digest
        listing = {name for name, kept in self.kept.items() if digest in kept}
        if not listing or end is None or digest in listing:
            return bool(listing)
        return bool(listing & end.survivors.releases) or _names(attestation, end)

    def require_not_revoked(self, identity: Identity, attestation: Attestation) -> None:
        """Refuse what a revoked identity signed, unless it survives.

        Raises:
            RevokedError: It is void; for a time, if ``SuspendedError``.
        """
        if not self.survives(identity, attestation):
            self.policy.require_not_revoked(identity, attestation.digest)

    def require_custody(self, identity: Identity, attestation: Attestation) -> None:
        """Refuse the word of whoever holds what T1 keeps from the Control Plane.

        What survives counts because admins signed for it, and for nothing that its
        identity holds.

        Raises:
            CustodyError: The Control Plane could have caused it, and nobody kept it.
        """
        if not self.survives(identity, attestation):
            self.policy.require_custody_of(identity, self.form)

    @property
    def key_ids(self) -> frozenset[str]:
        """The ids of every key that has a purpose here; TUF's roles are not here."""
        return frozenset(self._uses())

    def _require_custodies(self) -> None:
        """DESIGN T1: "Every key [...] and log carries an admin-signed `custody`"."""
        for log in self.trusted_root.logs:
            self.policy.custody.of_log(log.log_id)
        for authority in self.trusted_root.authorities:
            self.policy.custody.of_authority(authority.digest)
        for ca in self.trusted_root.certificate_authorities:
            self.policy.custody.of_certificate_authority(ca.digest)
        for ct_log in self.trusted_root.ct_logs:
            self.policy.custody.of_ct_log(ct_log.log_id)

    def _uses(self) -> Counter[str]:
        """DESIGN 9, Principals: "One key, one purpose"."""
        keys = (one.public_key for one in self.policy.identities)
        uses = Counter(key.key_id for key in keys if key is not None)
        uses.update(log.key.key_id for log in self.trusted_root.logs)
        uses.update(self.policy.layers.publishers)
        uses.update(log.key.key_id for log in self.trusted_root.ct_logs)
        authorities = self.trusted_root.authorities
        issuers = self.trusted_root.certificate_authorities
        # One authority may renew its leaf under one CA: a key counts once for all.
        stamping = {key for one in authorities for key in one.key_ids}
        certifying = {key for one in issuers for key in one.key_ids}
        # One root may stand over both. It has no say here itself: each of them is
        # pinned by its own certificate, and nobody else whom the root certifies.
        own = {one.key_ids[0] for one in (*authorities, *issuers)}
        uses.update(stamping)
        uses.update(certifying - (stamping - own))
        return uses

    def _require_one_custody(self) -> None:
        """DESIGN T1: who can *cause* a signature is whoever has the key.

        An authority is named by its certificate, and a key may have several.
        """
        table, root = self.policy.custody, self.trusted_root
        stamping = [(one, table.of_authority(one.digest)) for one in root.authorities]
        certifying = [
            (one, table.of_certificate_authority(one.digest))
            for one in root.certificate_authorities
        ]
        owners: dict[str, Custody] = {}
        for one, custody in (*stamping, *certifying):
            key_id = one.key_ids[0]
            if owners.setdefault(key_id, custody) is not custody:
                raise CustodyError(
                    f"expected one custody for the key of {one.uri or one.digest}, "
                    "got two, by two of its certificates",
                    key_id=key_id,
                )

    def _require_one_instance(self) -> None:
        """DESIGN T2: a CA is one instance's, however often its key was certified."""
        owners: dict[str, str] = {}
        for ca in self.trusted_root.certificate_authorities:
            for name, instance in self.policy.instances.items():
                if ca.digest not in instance.certificate_authorities:
                    continue
                if owners.setdefault(ca.key_ids[0], name) != name:
                    raise KeyReusedError(
                        f"expected a CA key of one instance, got one of {name} and "
                        f"{owners[ca.key_ids[0]]}",
                        key_id=ca.key_ids[0],
                    )


def _names(attestation: Attestation, end: Revocation) -> bool:
    """Return whether a statement names the identity that ended as its own signer."""
    said = parse_statement(attestation.envelope.payload).predicate
    return said.get("identity") == end.identity


@dataclass(frozen=True, slots=True)
class Expected:
    """What an attestation is asked to be.

    Attributes:
        predicate_type: What kind of statement.
        subjects: SHA-256 of the bytes that it must be about; at least one.
        namespace: The only rule namespace that it may decide about, or any that its
            signer has.
        signer: The id that the statement must name, if that is not who signed here:
            a further signer signs the very statement that names the first.

    Raises:
        UsageError: No subject: an attestation of nothing in particular.
    """

    predicate_type: str
    subjects: tuple[Digest, ...]
    namespace: str | None = None
    signer: str | None = None

    def __post_init__(self) -> None:
        if not self.subjects:
            raise UsageError("expected at least one subject to ask for, got none")

    @classmethod
    def as_claimed(cls, attestation: Attestation, *, cosigned: bool = False) -> Self:
        """Ask for exactly what an attestation claims to be.

        For the log, which records who said what and does not judge it. The claim is
        read before the signature was checked, and decides nothing but the question.

        Args:
            attestation: Parsed, not verified.
            cosigned: Whether somebody else signed this very statement before.

        Raises:
            FormatError: The payload is not a statement.
        """
        claim = parse_statement(attestation.envelope.payload)
        named = claim.predicate.get("identity")
        further = cosigned and claim.predicate_type in COSIGNED
        signer = named if further and isinstance(named, str) else None
        return cls(claim.predicate_type, claim.digests, signer=signer)
