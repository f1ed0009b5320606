# SPDX-License-Identifier: Apache-2.0
"""What stands beside a rule: whether it is there and about these very bytes.

No signature is verified here, because a pull request is checked where nothing is
pinned. The release is refused without them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bundle.finding import Finding
from bundle.overlay import RuleFiles
from bundle.overlay_retired import retired_path
from keys.digest import Digest
from keys.durable import read_file
from keys.errors import TrustacksError
from signer.attestation import parse_attestation
from signer.limits import MAX_ATTESTATION_BYTES
from signer.predicates.retirement import RetirementPredicate
from signer.statement import parse_statement

_SIGN: Final = "trustacks rule sign"


def state_of(files: RuleFiles) -> str:
    """Return ``unsigned``, ``signed``, ``changed`` since it was signed, ``damaged``."""
    if files.attestation is None:
        return "unsigned"
    try:
        payload = parse_attestation(files.attestation).envelope.payload
        digests = set(parse_statement(payload).digests)
    except TrustacksError:
        return "damaged"
    same = digests == {Digest.of(files.rule), Digest.of(files.test)}
    return "signed" if same else "changed"


def evidence_findings(files: RuleFiles) -> Iterator[Finding]:
    """Yield a finding unless an attestation stands beside a rule, about its bytes."""
    state, path = state_of(files), str(files.rule_path)
    if state == "unsigned":
        message = f"expected an attestation beside {files.rule_id}, got none"
        yield Finding("attestation-missing", path, 1, 1, message, _SIGN)
    elif state != "signed":
        said = "one about other bytes" if state == "changed" else "a damaged one"
        message = f"expected an attestation about these bytes, got {said}"
        yield Finding("attestation-stale", path, 1, 1, message, _SIGN)


def retirement_findings(old: RuleFiles, root: Path) -> Iterator[Finding]:
    """Yield a finding unless a rule that is gone left its signed retirement.

    Args:
        old: The rule as it was.
        root: The overlay folder.
    """
    if not _retires(retired_path(root, old.rule_id), old):
        message = f"expected the signed retirement of {old.rule_id}, got none"
        fix = f"trustacks rule retire {old.rule_id}, or bring the rule back"
        yield Finding("rule-removed", str(old.rule_path), 1, 1, message, fix)


def _retires(path: Path, old: RuleFiles) -> bool:
    """Return whether a file is a statement that retires these bytes."""
    try:
        raw = read_file(path, max_bytes=MAX_ATTESTATION_BYTES)
        said = parse_statement(parse_attestation(raw).envelope.payload)
        if said.predicate_type != RetirementPredicate.type:
            return False
        retirement = RetirementPredicate.parse(said.predicate)
    except TrustacksError:
        return False
    about = (retirement.rule_id, retirement.rule)
    return about == (old.rule_id, Digest.of(old.rule))
