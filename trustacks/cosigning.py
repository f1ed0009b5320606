# SPDX-License-Identifier: Apache-2.0
"""A further author signs what another author said of a rule (DESIGN 9, Principals).

Thresholds count principals over one identical statement, so nothing is built here: the
statement is the author's, byte by byte, from an attestation that holds for the files at
hand. It is shown and signed, and what came back is verified.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bundle.gate.thresholds import check_rule_threshold
from bundle.overlay import RuleFiles
from keys.digest import Digest
from keys.errors import TrustacksError
from signer.attestation import parse_attestation
from signer.identity import Identity
from signer.predicates.release import InventoryItem
from signer.verify import Evidence, verify_attestation
from trustacks.approving import Second
from trustacks.errors import CosignerNotDistinctError, StatementMismatchError
from trustacks.expected import expected_of
from trustacks.pinned import Pinned
from trustacks.signing import signed, verify_rule


@dataclass(frozen=True, slots=True)
class Cosigner(Second):
    """An author who signs what another author said."""

    def author(self, files: RuleFiles) -> Evidence:
        """Return what the first author said of a rule.

        Raises:
            RuleUnsignedError: Nobody signed it yet.
            CosignerNotDistinctError: It was this principal, who counts once.
            VerificationError: Its attestation does not hold for these files.
        """
        said = verify_rule(signed(files), files, self.pinned, at=self.clock())
        author, identity = said.identity, self.identity
        if author.principal == identity.principal:
            raise CosignerNotDistinctError(
                f"{files.rule_id}: expected somebody else than {author.principal}, "
                f"who signed it as {author.id}, got {identity.id}",
                rule_id=files.rule_id,
            )
        return said

    def sign(self, files: RuleFiles) -> bytes:
        """Return a further signature of a rule's statement, verified.

        Raises:
            CosignerNotDistinctError: The author is the same principal.
            VerificationError: The author's attestation, or what came back, does not
                hold.
        """
        said = self.author(files)
        statement = said.attestation.envelope.payload
        self.show(statement)
        trust = self.pinned.trust
        raw = self.signatory.attest(statement, api=self.api, trust=trust)
        verify_cosignature(raw, files, said, self.pinned, at=self.clock())
        return raw


def verify_cosignature(
    raw: bytes, files: RuleFiles, said: Evidence, pinned: Pinned, *, at: datetime
) -> Evidence:
    """Return the evidence of a further signature of what an author said.

    Raises:
        StatementMismatchError: It is of another statement.
        VerificationError: It does not hold.
    """
    digest = parse_attestation(raw).digest
    if digest != said.attestation.digest:
        raise StatementMismatchError(
            f"expected a signature of {said.attestation.digest}, got one of {digest}",
            hint=f"sign the newest: trustacks rule cosign {files.rule_id}",
        )
    expected = replace(expected_of(files), signer=said.identity.id)
    return verify_attestation(
        raw, trust=pinned.trust, expected=expected, at=at
    ).require()


def cosignatures_of(
    files: RuleFiles,
    said: Evidence,
    pinned: Pinned,
    *,
    at: datetime,
    warn: Callable[[str], None],
) -> tuple[bytes, ...]:
    """Return the further signatures beside a rule that hold, and say which do not.

    Raises:
        ThresholdNotMetError: Author and further signers are too few principals.
    """
    found: list[bytes] = []
    signers: list[Identity] = [said.identity]
    for path, raw in files.cosignatures:
        try:
            evidence = verify_cosignature(raw, files, said, pinned, at=at)
        except TrustacksError as error:
            warn(f"left out {path}: {error.code}: {error.message}")
            continue
        if evidence.identity in signers:
            warn(f"left out {path}: {evidence.identity.id} signed already")
            continue
        found.append(raw)
        signers.append(evidence.identity)
    _require_enough(files, said, signers, pinned)
    return tuple(found)


def _require_enough(
    files: RuleFiles, said: Evidence, signers: Sequence[Identity], pinned: Pinned
) -> None:
    """Refuse what the gate would, before anything is signed."""
    head = said.attestation.digest
    rule, test = Digest.of(files.rule), Digest.of(files.test)
    item = InventoryItem(rule_id=files.rule_id, rule=rule, test=test, head=head)
    check_rule_threshold([item], {head: tuple(signers)}, pinned.trust.policy)
