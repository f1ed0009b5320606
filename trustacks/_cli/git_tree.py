# SPDX-License-Identifier: Apache-2.0
"""The files of a commit, read from git's objects without a checkout.

A commit that is compared with is looked up once, as a commit. Only plain files are
read: a link or a submodule is refused, because what it means lies elsewhere.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bundle.errors import OverlayFormatError
from keys.errors import LimitExceededError
from trustacks._cli.git import Repository
from trustacks.errors import BaseRefError, GitError

_PLAIN: Final = ("100644", "100755")
_MAX_REF_CHARS: Final = 256
_ID: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a commit.

    Attributes:
        path: From the top of the repository, with slashes.
        blob: The id of its content.
        size: In bytes.
    """

    path: str
    blob: str
    size: int


def merge_base(repository: Repository, ref: str) -> str:
    """Return the commit where HEAD and ``ref`` parted.

    Raises:
        BaseRefError: ``ref`` is no commit, or could be read as an option.
        GitError: The histories have no commit in common, or HEAD has none.
    """
    base = _commit(repository, ref)
    try:
        found = repository.read("merge-base", base, "HEAD").decode().split()
    except GitError as error:
        raise GitError(
            f"expected a commit that HEAD and {ref} have in common, got none",
            hint="fetch the whole history: git fetch --unshallow, or fetch-depth: 0",
        ) from error
    return found[0]


def list_tree(repository: Repository, commit: str, path: str) -> tuple[Entry, ...]:
    """Return the files at and below ``path``, which is empty for all.

    Raises:
        OverlayFormatError: A link, a submodule, or a name that is not UTF-8.
        GitError: Git refuses.
    """
    words = ("ls-tree", "-r", "-l", "-z", "--full-tree", commit)
    listed = repository.read(*words, *(("--", path) if path else ()))
    return tuple(_entry(line) for line in listed.split(b"\0") if line)


def read_blobs(
    repository: Repository, entries: Sequence[Entry], *, max_bytes: int
) -> dict[str, bytes]:
    """Return the contents of files by their paths; git is started once.

    Raises:
        LimitExceededError: One is larger than ``max_bytes``.
        GitError: Git refuses, or answers with other objects.
    """
    for entry in entries:
        if entry.size > max_bytes:
            raise LimitExceededError(
                f"{entry.path}: expected at most {max_bytes} bytes, got {entry.size}"
            )
    asked = "".join(f"{entry.blob}\n" for entry in entries).encode()
    answer = repository.read("cat-file", "--batch", given=asked) if entries else b""
    contents: dict[str, bytes] = {}
    for entry in entries:
        head = f"{entry.blob} blob {entry.size}\n".encode()
        if not answer.startswith(head):
            raise GitError(f"expected the object of {entry.path} from git, got another")
        contents[entry.path] = answer[len(head) : len(head) + entry.size]
        answer = answer[len(head) + entry.size + 1 :]
    return contents


def _commit(repository: Repository, ref: str) -> str:
    named = ref.isprintable() and not any(c.isspace() for c in ref)
    if not named or not 0 < len(ref) <= _MAX_REF_CHARS or ref.startswith("-"):
        raise BaseRefError(
            f"expected a branch, tag or commit, got {ref[:80]!r}",
            hint="such as --base origin/main",
        )
    try:
        words = ("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        found = repository.read(*words).decode().strip()
    except GitError:
        found = ""
    if not _ID.fullmatch(found):
        raise BaseRefError(
            f"expected a commit at {ref}, got none in {repository.root}",
            hint="git fetch brings it, if another repository has it",
        )
    return found


def _entry(line: bytes) -> Entry:
    about, _, raw = line.partition(b"\t")
    mode, kind, blob, size = about.decode("ascii").split()
    try:
        path = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        shown = raw.decode("utf-8", "backslashreplace")
        raise OverlayFormatError(f"expected a name in UTF-8, got {shown}") from error
    if kind != "blob" or mode not in _PLAIN:
        what = "a submodule" if kind == "commit" else "a link"
        raise OverlayFormatError(f"expected files in git, got {what} at {path}")
    return Entry(path, blob, int(size))
