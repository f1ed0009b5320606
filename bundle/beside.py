# SPDX-License-Identifier: Apache-2.0
"""What others say of a rule's newest change, in files beside the rule.

``<stem>.lint.sigstore.json`` is a lint identity's, of which there is one in a
repository's CI; an approver's file has the approver's id in its name, so that two of
them never write the same one. So has that of an author who signs what another author
signed, ``<stem>.cosign.<id>.sigstore.json``.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bundle.errors import OverlayFormatError

LINT: Final = ".lint.sigstore.json"
# More approvals beside one rule than anybody collects.
MAX_APPROVALS: Final = 32
# As many as a release may carry for one rule (signer.limits, not loaded here).
MAX_COSIGNATURES: Final = 16

_APPROVAL: Final = re.compile(
    r"(.+)\.approval\.[a-z0-9][a-z0-9._-]{0,63}\.sigstore\.json"
)
_COSIGNATURE: Final = re.compile(
    r"(.+)\.cosign\.[a-z0-9][a-z0-9._-]{0,63}\.sigstore\.json"
)


def lint_path(rule: Path) -> Path:
    """Return where the attestation of a lint identity lies, beside a rule's file."""
    return rule.with_name(f"{rule.stem}{LINT}")


def approval_path(rule: Path, identity: str) -> Path:
    """Return where an approver's attestation lies, beside a rule's file."""
    return rule.with_name(f"{rule.stem}.approval.{identity}.sigstore.json")


def cosignature_path(rule: Path, identity: str) -> Path:
    """Return where a further signature of a rule's statement lies, beside the rule."""
    return rule.with_name(f"{rule.stem}.cosign.{identity}.sigstore.json")


def approved_stem(name: str) -> str | None:
    """Return the stem of the rule that an approval is named for; None if it is none."""
    # Nearly every file is none: a search is cheaper than a match that backtracks.
    match = _APPROVAL.fullmatch(name) if ".approval." in name else None
    return match[1] if match else None


def cosigned_stem(name: str) -> str | None:
    """Return the stem of the rule that a further signature is named for, or None."""
    match = _COSIGNATURE.fullmatch(name) if ".cosign." in name else None
    return match[1] if match else None


def cosignatures_beside(rule: Path, entries: Iterable[Path]) -> list[Path]:
    """Return the files of further signers, in the order of their names.

    Raises:
        OverlayFormatError: More than count.
    """
    found = sorted(path for path in entries if cosigned_stem(path.name) == rule.stem)
    if len(found) > MAX_COSIGNATURES:
        raise OverlayFormatError(
            f"expected at most {MAX_COSIGNATURES} further signatures of {rule}, "
            f"got {len(found)}",
            hint="delete those of earlier versions",
        )
    return found


def approvals_beside(rule: Path, entries: Iterable[Path]) -> list[Path]:
    """Return the files of lint identity and approvers, in the order of their names.

    Raises:
        OverlayFormatError: More than anybody collects.
    """
    lint = lint_path(rule).name
    found = sorted(
        path
        for path in entries
        if path.name == lint or approved_stem(path.name) == rule.stem
    )
    if len(found) > MAX_APPROVALS:
        raise OverlayFormatError(
            f"expected at most {MAX_APPROVALS} approvals of {rule}, got {len(found)}",
            hint="delete those of earlier changes",
        )
    return found
