# SPDX-License-Identifier: Apache-2.0
"""What a rule that left leaves in its folder: its signed retirement, and approvals.

::

    overlay/rules/<rule_id>/<rule_id>.retired.sigstore.json
    overlay/rules/<rule_id>/<rule_id>.approval.<identity>.sigstore.json

A retirement that lies beside a rule is of an earlier version: the rule is back.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bundle.beside import approvals_beside
from bundle.overlay_entries import refuse_link, require_file
from keys.durable import read_file
from keys.record import record

RETIRED: Final = ".retired.sigstore.json"
# A retirement has a reason, a token and an entry; no cases.
MAX_RETIREMENT_BYTES: Final = 64 * 1024


@record
class RetiredFiles:
    """The files of a rule that left.

    Attributes:
        rule_id: The folder's name.
        path: Of the retirement.
        attestation: The retirement.
        approvals: What others say of it, by the path of the file.
    """

    rule_id: str
    path: Path
    attestation: bytes
    approvals: tuple[tuple[Path, bytes], ...] = ()


def retired_path(root: Path, rule_id: str) -> Path:
    """Return where the retirement of a rule lies in an overlay folder."""
    return root / "rules" / rule_id / f"{rule_id}{RETIRED}"


def read_retired(root: Path) -> Iterator[RetiredFiles]:
    """Yield every retirement of an overlay whose rule is gone, by rule id.

    Raises:
        OverlayFormatError: One is a link or no file.
        StorageError: One cannot be read, or is too large.
    """
    folder = root / "rules"
    names = sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []
    for name in names:
        found = find_retired(root, name)
        if found is not None:
            yield found


def find_retired(root: Path, rule_id: str) -> RetiredFiles | None:
    """Read the retirement of one rule that is gone; None if there is none.

    Raises:
        OverlayFormatError: It is a link or no file.
        StorageError: It cannot be read, or is too large.
    """
    path = retired_path(root, rule_id)
    for above in (path.parents[1], path.parent):
        refuse_link(above)
    rule = path.with_name(f"{rule_id}.rego")
    if not require_file(path) or rule.exists():
        return None
    approvals = approvals_beside(rule, list(path.parent.iterdir()))
    for one in approvals:
        require_file(one)
    return RetiredFiles(
        rule_id=rule_id,
        path=path,
        attestation=read_file(path, max_bytes=MAX_RETIREMENT_BYTES),
        approvals=tuple(
            (one, read_file(one, max_bytes=MAX_RETIREMENT_BYTES)) for one in approvals
        ),
    )
