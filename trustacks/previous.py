# SPDX-License-Identifier: Apache-2.0
"""The version of a rule that the one at hand replaces.

From git it is the version where the branch parted from ``ref``, not the one that
``ref`` has now: what others changed since is not this author's change.
"""

from pathlib import Path

from bundle.rego.limits import MAX_MODULE_BYTES
from keys.errors import UsageError
from trustacks._cli.git import Repository, find_repository
from trustacks._cli.git_tree import list_tree, merge_base, read_blobs


def previous_from_git(repository: Path, ref: str, path: Path) -> bytes | None:
    """Return a file as it was where HEAD and ``ref`` parted, or None.

    Args:
        repository: A folder in the repository.
        ref: A branch, tag or commit.
        path: The file as it is named from the working directory; it need not exist.

    Raises:
        BaseRefError: There is no such commit.
        GitError: No git, no repository, or no history in common.
        OverlayFormatError: It was a link or a submodule.
        LimitExceededError: It was larger than a rule may be.
    """
    found = find_repository(repository)
    name = name_in(found, path)
    entries = list_tree(found, merge_base(found, ref), name)
    same = [entry for entry in entries if entry.path == name]
    return read_blobs(found, same, max_bytes=MAX_MODULE_BYTES).get(name)


def name_in(repository: Repository, path: Path) -> str:
    """Return the path of a file from the top of the repository, with slashes.

    Raises:
        UsageError: It lies outside.
    """
    placed = path.parent.resolve() / path.name
    if not placed.is_relative_to(repository.root.resolve()):
        raise UsageError(f"expected a path in {repository.root}, got {path}")
    return placed.relative_to(repository.root.resolve()).as_posix()
