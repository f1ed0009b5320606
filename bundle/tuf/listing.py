# SPDX-License-Identifier: Apache-2.0
"""What a role lists, and which of it stays when a revision is added."""

from collections.abc import Mapping

from tuf.api.metadata import TargetFile

from bundle.limits import MAX_LISTED_REVISIONS
from bundle.tuf.documents import target_name
from bundle.tuf.errors import RevisionTakenError
from bundle.tuf.view import revision_of
from keys.errors import UsageError


def payloads_of(
    described: Mapping[str, TargetFile], files: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Return the content of described files by the object names they are stored as."""
    return {target_name(file): files[path] for path, file in described.items()}


def newest_of(
    listed: Mapping[str, TargetFile], count: int, *, below: int
) -> dict[str, TargetFile]:
    """Return the files of the newest revisions that are listed.

    Args:
        listed: What the release role lists.
        count: How many revisions.
        below: The revision that comes next.

    Raises:
        UsageError: A count out of range.
        RevisionTakenError: ``below`` is not above every revision listed.
    """
    if not 0 <= count < MAX_LISTED_REVISIONS:
        raise UsageError(
            f"expected to keep 1 to {MAX_LISTED_REVISIONS} revisions, got {count + 1}"
        )
    revisions = sorted({revision_of(path) for path in listed}, reverse=True)
    if revisions and revisions[0] >= below:
        raise RevisionTakenError(
            f"expected a revision above {revisions[0]}, got {below}",
            highest=revisions[0],
            got=below,
        )
    kept = revisions[:count]
    return {path: file for path, file in listed.items() if revision_of(path) in kept}
