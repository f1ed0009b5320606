# SPDX-License-Identifier: Apache-2.0
"""m of n: several bundles of one artifact, by distinct signers, over one digest.

One bundle holds one signature (ADR 0003), so a threshold counts bundles. Who counts is
whom the caller named, once each, however many keys, bundles or patterns lead to them;
each name counts once too, so that two subjects of one pattern do not stand in for
somebody who did not sign; and only those who signed the very same bytes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keys.digest import Digest
from keys.errors import UsageError, VerificationError
from signer.bundle_evidence import BundleEvidence, VerifiedBundle
from signer.signer_policy import SignerPolicy
from signer.sigstore_bundle import Artifact
from signer.trusted_root import TrustedRoot
from signer.verify_bundle import verify_bundle


class TooFewSignersError(VerificationError):
    """Fewer distinct signers of one digest than are asked for."""

    code = "too-few-signers"


@dataclass(frozen=True, slots=True)
class SeveralVerified:
    """What became of each bundle.

    Attributes:
        bundles: For each, in order: accepted, or the nearest refusal.
        signers: Who signed one and the same digest, in words.
        threshold: How many must have.
    """

    bundles: tuple[VerifiedBundle, ...]
    signers: tuple[str, ...]
    threshold: int

    def __bool__(self) -> bool:
        return len(self.signers) >= self.threshold

    def require(self) -> None:
        """Return if enough signed.

        Raises:
            TrustacksError: The refusal of the first bundle that did not hold.
            TooFewSignersError: All held, and too few signed one digest.
        """
        if self:
            return
        for one in self.bundles:
            one.require()
        raise TooFewSignersError(
            f"expected {self.threshold} distinct signers of one digest, "
            f"got {', '.join(self.signers) or 'none'}"
        )


def verify_several(
    raws: Sequence[bytes],
    *,
    artifact: bytes | Digest,
    trusted_root: TrustedRoot,
    policies: Sequence[SignerPolicy],
    threshold: int,
    predicate_type: str | None = None,
) -> SeveralVerified:
    """Verify that enough of whom ``policies`` name signed one thing about an artifact.

    Args:
        raws: The bundles as they came.
        artifact: The bytes of the file, or their SHA-256.
        trusted_root: The logs and authorities that count.
        policies: Whose signatures count: keys, identities, or both.
        threshold: How many of them must have signed.
        predicate_type: What kind of statement it must be; any, or the file itself, if
            none is given.

    Raises:
        UsageError: Nobody could be enough: fewer policies than the threshold.
    """
    if not 0 < threshold <= len(policies):
        raise UsageError(
            f"expected a threshold from 1 to {len(policies)}, the signers named, "
            f"got {threshold}"
        )
    found: list[VerifiedBundle] = []
    # For each digest, who signed it, and by which of the policies they are named.
    signed: dict[Digest, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for raw in raws:
        tries = [
            verify_bundle(
                raw,
                artifact=artifact,
                trusted_root=trusted_root,
                policy=policy,
                predicate_type=predicate_type,
            )
            for policy in policies
        ]
        found.append(max(tries, key=_passed))
        for place, one in enumerate(tries):
            if one.evidence is not None:
                digest = one.evidence.bundle.signed(Artifact.of(artifact)).sha256
                signed[digest][_name(one.evidence)].add(place)
    most = max(map(_counted, signed.values()), key=len, default=())
    return SeveralVerified(tuple(found), most, threshold)


def _counted(signers: Mapping[str, set[int]]) -> tuple[str, ...]:
    """Return as many signers as policies of their own can be found for."""
    taken: dict[int, str] = {}
    return tuple(name for name in signers if _place(name, signers, taken, set()))


def _place(
    name: str,
    signers: Mapping[str, set[int]],
    taken: dict[int, str],
    tried: set[int],
) -> bool:
    """Find a policy for a signer; whoever has it may move to another of theirs.

    Source: H. W. Kuhn, The Hungarian Method, 1955: an augmenting path.
    """
    for place in sorted(signers[name]):
        if place in tried:
            continue
        tried.add(place)
        if place not in taken or _place(taken[place], signers, taken, tried):
            taken[place] = name
            return True
    return False


def _passed(tried: VerifiedBundle) -> tuple[bool, int]:
    """Prefer what was accepted, then what came nearest: it says what is wrong."""
    return bool(tried), sum(check.passed for check in tried.result.checks)


def _name(evidence: BundleEvidence) -> str:
    """Return who signed: a key, or a subject of an issuer, whatever policy met them."""
    leaf = evidence.leaf
    if leaf is None:
        return f"key {evidence.verifier.key.key_id}"
    return f"{leaf.subject} of {leaf.issuer}"
