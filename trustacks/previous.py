# SPDX-License-Identifier: Apache-2.0
"""The version of a rule that the one at hand replaces.

From git it is the version where the branch parted from ``ref``, not the one that
``ref`` has now: what others changed since is not this author's change.
"""

from collections.abc import Sequence
from pathlib import Path
from posixpath import commonpath

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
        As ``all_previous_from_git``.
    """
    return _previous(find_repository(repository), ref, [path])[path]


def all_previous_from_git(ref: str, paths: Sequence[Path]) -> dict[Path, bytes | None]:
    """Return files of one repository, each as it was, or None; git is asked once.

    Args:
        ref: A branch, tag or commit.
        paths: The files as they are named from the working directory.

    Raises:
        BaseRefError: There is no such commit.
        GitError: No git, no repository, or no history in common.
        OverlayFormatError: One was a link or a submodule, or is beside one.
        LimitExceededError: One was larger than a rule may be.
    """
    if not paths:
        return {}
    return _previous(find_repository(paths[0].parent), ref, paths)


def _previous(
    repository: Repository, ref: str, paths: Sequence[Path]
) -> dict[Path, bytes | None]:
    names = {path: name_in(repository, path) for path in paths}
    base = merge_base(repository, ref)
    listed = list_tree(repository, base, commonpath(names.values()))
    wanted = set(names.values())
    entries = [entry for entry in listed if entry.path in wanted]
    read = read_blobs(repository, entries, max_bytes=MAX_MODULE_BYTES)
    return {path: read.get(name) for path, name in names.items()}


def name_in(repository: Repository, path: Path) -> str:
    """Return the path of a file from the top of the repository, with slashes.

    Raises:
        UsageError: It lies outside.
    """
    placed = path.parent.resolve() / path.name
    if not placed.is_relative_to(repository.root.resolve()):
        raise UsageError(f"expected a path in {repository.root}, got {path}")
    return placed.relative_to(repository.root.resolve()).as_posix()
