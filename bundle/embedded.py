# SPDX-License-Identifier: Apache-2.0
"""A workspace of the embedded form, as what a move to the sovereign form begins from.

Its metadata is judged as a Runner pinned to its genesis root judges it; what that is
worth is nothing (``Form.EMBEDDED``). It says what is in force, and who signed what the
release in force rests on: that is all that can survive.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from bundle.gate.candidate import (
    POLICY_TARGET,
    TRUSTED_ROOT_TARGET,
    attestations_target,
)
from bundle.gate.chain import Link, open_head
from bundle.gate.errors import OverlayMissingError
from bundle.gate.named import listed_by
from bundle.gate.release import sort_attestations
from bundle.gate.trust import check_pinned
from bundle.tuf.errors import AlreadySovereignError
from bundle.tuf.outlived import last_instant
from bundle.tuf.proposal import Base
from bundle.tuf.rootchain import RootChain, is_sovereign, open_roots
from bundle.tuf.view import TufView, read_view
from keys.digest import Digest
from signer.attestation import Attestation, parse_attestation, parse_jsonl
from signer.statement import parse_statement
from signer.trust import Trust
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot


@dataclass(frozen=True, slots=True)
class Embedded:
    """The bytes of what is in force.

    Attributes:
        roots: From the genesis root to the newest.
        targets: Top-level targets.
        release: The release role.
        policy: The trust policy.
        trusted_root: The Sigstore trusted root.
        attestations: Of the newest release; none before the first.
    """

    roots: tuple[bytes, ...]
    targets: bytes
    release: bytes
    policy: bytes
    trusted_root: bytes
    attestations: bytes | None


@dataclass(frozen=True, slots=True)
class EmbeddedGround:
    """What those bytes say.

    Attributes:
        chain: The roots.
        view: The metadata.
        trust: Who may say what, until now.
        head: The newest release.
        rests_on: Ids of the identities that signed what it rests on, itself included,
            by the digest of the statement.
    """

    chain: RootChain
    view: TufView
    trust: Trust
    head: Link | None
    rests_on: Mapping[Digest, frozenset[str]] = field(repr=False)

    @property
    def base(self) -> Base:
        """The targets in force."""
        return Base(self.view.targets_version, self.view.targets_digest)

    @classmethod
    def open(cls, embedded: Embedded, *, at: datetime) -> Self:
        """Judge what is in force.

        Raises:
            AlreadySovereignError: Its admins are not the Control Plane.
            VerificationError: A Runner would not take it.
            FormatError: Not what it is said to be.
        """
        chain = open_roots(embedded.roots)
        if is_sovereign(chain.current):
            raise AlreadySovereignError(
                "expected a workspace of embedded form, got a sovereign one",
                hint="its admins change their keys: trustacks root draft",
            )
        # It grants nothing, so that it may have run out; a new root is what mends it.
        last = last_instant(embedded, at)
        view = read_view(embedded.roots, embedded.targets, embedded.release, at=last)
        files = {
            POLICY_TARGET: embedded.policy,
            TRUSTED_ROOT_TARGET: embedded.trusted_root,
        }
        check_pinned(files, view.files, what="targets")
        trust = Trust(
            workspace=view.workspace,
            form=view.form,
            policy=TrustPolicy.parse(embedded.policy),
            trusted_root=TrustedRoot.parse(embedded.trusted_root),
        )
        head = _head(view, embedded.attestations)
        rests_on = _signers(embedded.attestations, head, trust.policy)
        return cls(chain, view, trust, head, rests_on)


def _head(view: TufView, lines: bytes | None) -> Link | None:
    if view.revision is None:
        return None
    if lines is None:
        raise OverlayMissingError("expected the attestations of a release, got none")
    name = attestations_target(view.revision)
    check_pinned({name: lines}, view.overlay, what="the release role")
    return open_head(sort_attestations(lines).release)


def _signers(
    lines: bytes | None, head: Link | None, policy: TrustPolicy
) -> dict[Digest, frozenset[str]]:
    """Return who is said to have signed each statement that the newest release lists.

    Whether they did is asked when it is relied on, under the trust of then.
    """
    if lines is None or head is None:
        return {}
    found = {digest: frozenset[str]() for digest in listed_by(head.release)}
    found[head.digest] = frozenset()
    for raw in parse_jsonl(lines):
        attestation = parse_attestation(raw)
        if attestation.digest in found:
            found[attestation.digest] |= _signer(attestation, policy)
    return found


def _signer(attestation: Attestation, policy: TrustPolicy) -> frozenset[str]:
    """Return whose key the hint names; without a key, whom the statement names."""
    for one in policy.identities:
        if one.public_key is not None and one.public_key.hint == attestation.hint:
            return frozenset({one.id})
    named = parse_statement(attestation.envelope.payload).predicate.get("identity")
    return frozenset({named} if isinstance(named, str) else ())
