# SPDX-License-Identifier: Apache-2.0
"""The few git commands that authors need, with no configuration but the repository's.

The global and system configuration are never read: a hook, an alias or an identity
there must not decide what a policy repository holds. So the repository needs an
identity of its own, and its absence is said before anything is written.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trustacks._cli.environment import child_variables
from trustacks.errors import (
    BranchExistsError,
    GitError,
    GitIdentityError,
    NotARepositoryError,
)

_ALONE: Final = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    # Nothing stands in for an object, and nothing is fetched behind a read.
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_ALLOW_PROTOCOL": "",
    # A folder of files that look like a repository is no repository: the files of a
    # pull request would bring their own configuration, and so their own programs.
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.bareRepository",
    "GIT_CONFIG_VALUE_0": "explicit",
    # A path is a path, whatever characters are in it.
    "GIT_LITERAL_PATHSPECS": "1",
}
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# Each command reads a few files; a hung file system must not hang us (seconds).
_PATIENCE: Final = 30


@dataclass(frozen=True, slots=True)
class Source:
    """Where something was written.

    Attributes:
        commit: The head's commit, or None where there is none yet.
        branch: The branch, or None outside one.
    """

    commit: str | None
    branch: str | None


@dataclass(frozen=True, slots=True)
class Repository:
    """A git work tree.

    Attributes:
        root: The top of the work tree.
    """

    root: Path

    def require_identity(self) -> None:
        """Refuse a repository without an identity of its own.

        Raises:
            GitIdentityError: No user.name or no user.email.
        """
        for key, example in (("user.name", "Ada"), ("user.email", "ada@example.com")):
            if self._try("config", "--local", "--get", key) is None:
                raise GitIdentityError(
                    f"expected {key} in the repository's own configuration, got none",
                    hint=f"git -C {self.root} config {key} {example}",
                )

    def switch_to_new(self, branch: str) -> None:
        """Make a branch at the head and switch to it.

        Raises:
            BranchExistsError: There is one of that name; nothing changed.
            GitError: There is no commit yet, or git refuses.
        """
        self.require_new(branch)
        self._run("switch", "--quiet", "--create", branch)

    def require_new(self, branch: str) -> None:
        """Refuse a branch that cannot be made at the head.

        Raises:
            BranchExistsError: There is one of that name.
            GitError: There is no commit yet.
        """
        if self.source().commit is None:
            raise GitError(
                f"expected a first commit in {self.root}, got none",
                hint="git commit --allow-empty -m 'Start the overlay'",
            )
        if self.has_branch(branch):
            raise BranchExistsError(
                f"expected no branch {branch}, got one",
                hint=f"git switch {branch}, or choose another rule id",
            )

    def leave_new(self, branch: str, back: Source) -> None:
        """Undo ``switch_to_new``: go back, and delete the branch without commits."""
        if back.branch is not None:
            self._try("switch", "--quiet", back.branch)
        elif back.commit is not None:
            self._try("switch", "--quiet", "--detach", back.commit)
        self._try("branch", "--quiet", "-D", branch)

    def has_branch(self, branch: str) -> bool:
        """Say whether there is a branch of that name."""
        name = f"refs/heads/{branch}"
        return self._try("rev-parse", "--verify", "-q", name) is not None

    def is_committed(self, *paths: Path) -> bool:
        """Say whether files are tracked, and as the last commit has them.

        Raises:
            GitError: Git refuses.
        """
        names = [str(path.resolve()) for path in paths]
        words = ("status", "--porcelain", "--untracked-files=all", "--ignored", "--")
        return self._run(*words, *names) == ""

    def source(self) -> Source:
        """Return the head's commit and branch."""
        commit = self._try("rev-parse", "--verify", "-q", "HEAD")
        branch = self._try("symbolic-ref", "--short", "-q", "HEAD")
        if commit is not None and not _COMMIT.fullmatch(commit):
            raise GitError(f"expected a commit id from git, got {commit[:80]!r}")
        return Source(commit, branch)

    def read(self, *words: str, given: bytes = b"") -> bytes:
        """Return what a reading command of git prints.

        Args:
            words: The command.
            given: Its standard input.

        Raises:
            GitError: Git is missing, or refuses.
        """
        return _git(self.root, words, given)

    def _run(self, *words: str) -> str:
        return _text(_git(self.root, words))

    def _try(self, *words: str) -> str | None:
        try:
            return self._run(*words)
        except NotARepositoryError:
            raise
        except GitError:
            return None


def find_repository(folder: Path) -> Repository:
    """Return the repository that ``folder`` is in.

    Raises:
        NotARepositoryError: It is in none.
        GitError: Git is missing.
    """
    try:
        top = _git(folder, ("rev-parse", "--show-toplevel"))
        return Repository(Path(_text(top)))
    except NotARepositoryError:
        raise
    except GitError as error:
        if error.evidence.get("missing"):
            raise
        raise NotARepositoryError(
            f"expected a git repository around {folder}, got none",
            hint=f"git init -b main {folder}",
        ) from error


def source_of(folder: Path) -> Source:
    """Return commit and branch around ``folder``, or neither outside a repository."""
    try:
        return find_repository(folder).source()
    except GitError:
        return Source(None, None)


def _text(printed: bytes) -> str:
    return printed.decode("utf-8", "replace").strip()


def _git(folder: Path, words: tuple[str, ...], given: bytes = b"") -> bytes:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            env={**child_variables(), **_ALONE},
            input=given,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except FileNotFoundError as error:
        raise GitError("expected git on PATH, got none", missing=True) from error
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git {words[0]}: no answer in {_PATIENCE} s") from error
    if done.returncode != 0:
        said = _text(done.stderr).partition("\n")[0]
        raise GitError(f"git {words[0]}: {said.removeprefix('fatal: ')}")
    return done.stdout
