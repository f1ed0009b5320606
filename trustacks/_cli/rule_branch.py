# SPDX-License-Identifier: Apache-2.0
"""Write a rule's files on a branch of their own, or leave everything as it was.

Nothing is committed: the author reads first. If a file cannot be written, or Ctrl-C
comes, the branch is left and deleted again, and the next run starts where this did.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from bundle.errors import OverlayFormatError
from keys.durable import write_file
from trustacks._cli.files import write_together
from trustacks._cli.git import Repository


def write_on_branch(
    repository: Repository, branch: str, files: Mapping[Path, bytes]
) -> None:
    """Make a branch at the head, switch to it, and write new files there.

    Raises:
        OverlayFormatError: A link leads elsewhere; nothing changed.
        BranchExistsError: There is one of that name; nothing changed.
        FileExistsRefusedError: One of the files is there; nothing changed.
        GitError: There is no commit yet, or git refuses.
        StorageUnavailableError: Nothing stays.
    """
    _require_inside(repository, files)
    with _on_branch(repository, branch):
        write_together(files)


def rewrite_on_branch(
    repository: Repository, branch: str, files: Mapping[Path, bytes]
) -> None:
    """Make a branch at the head, switch to it, and replace files there.

    Raises:
        OverlayFormatError: A link leads elsewhere; nothing changed.
        BranchExistsError: There is one of that name; nothing changed.
        GitError: There is no commit yet, or git refuses.
        StorageUnavailableError: Every file is as it was.
    """
    _require_inside(repository, files)
    with _on_branch(repository, branch), _restored_on_error(files):
        for path, data in files.items():
            mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
            write_file(path, data, mode=mode)


def free_branch(repository: Repository, rule_id: str) -> str:
    """Return ``policy/<id>``, or that with the first free number behind it."""
    branch, number = f"policy/{rule_id}", 1
    while repository.has_branch(branch):
        number += 1
        branch = f"policy/{rule_id}-{number}"
    return branch


def _require_inside(repository: Repository, files: Iterable[Path]) -> None:
    """Refuse a place that a link leads out of the repository to.

    Raises:
        OverlayFormatError: One is.
    """
    root = repository.root.resolve()
    for path in files:
        if path.is_symlink() or not path.parent.resolve().is_relative_to(root):
            raise OverlayFormatError(
                f"expected a place in {repository.root}, got a link at {path}",
                hint="an overlay holds files and folders only",
            )


@contextlib.contextmanager
def _on_branch(repository: Repository, branch: str) -> Iterator[None]:
    before = repository.source()
    repository.switch_to_new(branch)
    try:
        yield
    except BaseException:
        repository.leave_new(branch, before)
        raise


@contextlib.contextmanager
def _restored_on_error(files: Mapping[Path, bytes]) -> Iterator[None]:
    before = {path: path.read_bytes() if path.exists() else None for path in files}
    try:
        yield
    except BaseException:
        for path, data in before.items():
            if data is None:
                path.unlink(missing_ok=True)
            elif path.read_bytes() != data:
                path.write_bytes(data)
        raise
