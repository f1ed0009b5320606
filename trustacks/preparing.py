# SPDX-License-Identifier: Apache-2.0
"""What of a release needs no predecessor: done before that is read, once for all tries.

With a thousand rules this takes seconds, and whoever spends them between reading the
newest release and submitting the next one loses every race.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bundle.build import Contents
from bundle.layers import read_layer
from bundle.overlay import RuleFiles
from bundle.parameter_paths import parameter_paths
from bundle.rego.engine import Engine
from keys.digest import Digest
from signer.attestation import parse_attestation
from signer.errors import SubjectMismatchError
from signer.predicates.release import InventoryItem
from signer.predicates.rule import RulePredicate
from signer.trust import Expected
from signer.verify import Evidence, verify_attestation
from trustacks.cosigning import cosignatures_of
from trustacks.errors import RuleChangedError
from trustacks.pinned import Pinned
from trustacks.signing import signed


@dataclass(frozen=True, slots=True)
class Ready:
    """Rules that hold under some version of trust, and all that follows from them.

    Attributes:
        rules: The rules.
        targets: SHA-256 of the targets that they were verified under.
        attestations: Their attestations, each author's before the further signers'.
        listed: Each rule with its place in the inventory, by rule id; no approvals yet.
        contents: The bundle but for its revision.
    """

    rules: tuple[RuleFiles, ...]
    targets: Digest
    attestations: tuple[bytes, ...]
    listed: tuple[tuple[RuleFiles, InventoryItem], ...]
    contents: Contents


class Preparer:
    """Prepares rules, and again only if they or the trust in force have changed.

    Args:
        engine: Parses the rules.
        warn: Told of each signature that is left out.
    """

    def __init__(self, engine: Engine, warn: Callable[[str], None]) -> None:
        self._engine, self._warn = engine, warn
        self._ready: Ready | None = None

    def ready(
        self, rules: tuple[RuleFiles, ...], pinned: Pinned, *, at: datetime
    ) -> Ready:
        """Return what is ready; it is made if it is not.

        Raises:
            RuleUnsignedError: A rule without an attestation.
            VerificationError: An attestation that does not hold.
            ConfinementError: A rule could do more than add denies.
        """
        ready, targets = self._ready, pinned.view.targets_digest
        if ready is None or (ready.rules, ready.targets) != (rules, targets):
            ready = self._ready = self._prepared(rules, pinned, at)
        return ready

    def _prepared(
        self, rules: tuple[RuleFiles, ...], pinned: Pinned, at: datetime
    ) -> Ready:
        layers = (read_layer(archive) for archive in pinned.parents().archives)
        modules = [module for layer in layers for module in layer.modules]
        return Ready(
            rules=rules,
            targets=pinned.view.targets_digest,
            attestations=tuple(
                raw for rule in rules for raw in self._signed(rule, pinned, at)
            ),
            listed=tuple(
                (rule, _item(rule)) for rule in sorted(rules, key=lambda r: r.rule_id)
            ),
            contents=Contents.of(
                rules,
                parse=self._engine.parse,
                parameters=parameter_paths(modules, engine=self._engine),
            ),
        )

    def _signed(self, rule: RuleFiles, pinned: Pinned, at: datetime) -> list[bytes]:
        """Return a rule's attestation, and the further signatures of its statement."""
        said = _verified(rule, pinned, at)
        further = cosignatures_of(rule, said, pinned, at=at, warn=self._warn)
        return [said.attestation.raw, *further]


def _item(rule: RuleFiles) -> InventoryItem:
    return InventoryItem(
        rule_id=rule.rule_id,
        rule=Digest.of(rule.rule),
        test=Digest.of(rule.test),
        head=parse_attestation(signed(rule)).digest,
    )


def _verified(rule: RuleFiles, pinned: Pinned, at: datetime) -> Evidence:
    """Return what a rule's author said, which holds for these very bytes."""
    raw = signed(rule)
    expected = Expected(
        RulePredicate.type,
        (Digest.of(rule.rule), Digest.of(rule.test)),
        namespace=rule.rule_id.partition(".")[0],
    )
    try:
        return verify_attestation(
            raw, trust=pinned.trust, expected=expected, at=at
        ).require()
    except SubjectMismatchError as error:
        raise RuleChangedError(
            f"expected {rule.rule_id} as it was signed, got it changed since",
            hint=f"trustacks rule sign {rule.rule_id}",
        ) from error
