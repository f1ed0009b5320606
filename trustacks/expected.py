# SPDX-License-Identifier: Apache-2.0
"""What the attestation beside a rule must be; needs no client to know."""

from bundle.overlay import RuleFiles
from keys.digest import Digest
from signer.predicates.rule import RulePredicate
from signer.trust import Expected


def expected_of(files: RuleFiles) -> Expected:
    """Return what the attestation of a rule must be."""
    return Expected(
        RulePredicate.type,
        (Digest.of(files.rule), Digest.of(files.test)),
        namespace=files.rule_id.partition(".")[0],
    )
