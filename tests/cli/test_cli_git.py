# SPDX-License-Identifier: Apache-2.0
"""Git is asked about the repository, and told nothing by the machine."""

import os
import subprocess

import pytest

from trustacks._cli.git import Source, find_repository, source_of
from trustacks.errors import (
    BranchExistsError,
    GitError,
    GitIdentityError,
    NotARepositoryError,
)

ALONE = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder, *words):
    done = subprocess.run(
        ["git", "-C", str(folder), *words],
        env={**os.environ, **ALONE},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "overlay"
    git(tmp_path, "init", "-q", "-b", "main", str(folder))
    git(folder, "config", "user.name", "Ada")
    git(folder, "config", "user.email", "ada@example.com")
    git(folder, "commit", "-q", "--allow-empty", "-m", "Start")
    return folder


def test_commit_and_branch_are_read(repository):
    source = find_repository(repository).source()
    assert source.commit == git(repository, "rev-parse", "HEAD")
    assert source.branch == "main"


def test_a_detached_head_has_no_branch(repository):
    git(repository, "switch", "-q", "--detach")
    assert find_repository(repository).source().branch is None


def test_outside_a_repository_there_is_no_source(tmp_path):
    assert source_of(tmp_path).commit is None
    with pytest.raises(NotARepositoryError) as refused:
        find_repository(tmp_path)
    assert "git init" in (refused.value.hint or "")


def test_a_missing_folder_is_no_repository(tmp_path):
    with pytest.raises(NotARepositoryError):
        find_repository(tmp_path / "none")


def test_only_the_repositorys_own_identity_counts(repository, tmp_path, monkeypatch):
    (tmp_path / ".gitconfig").write_text("[user]\nname=G\nemail=g@example.com\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    find_repository(repository).require_identity()
    git(repository, "config", "--unset", "user.email")
    with pytest.raises(GitIdentityError) as refused:
        find_repository(repository).require_identity()
    assert "config user.email" in (refused.value.hint or "")


def test_a_variable_of_the_environment_does_not_move_the_repository(
    repository, tmp_path, monkeypatch
):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert find_repository(repository).root == repository


def test_a_new_branch_is_made_once(repository):
    found = find_repository(repository)
    found.switch_to_new("policy/a")
    assert found.source().branch == "policy/a"
    git(repository, "switch", "-q", "main")
    with pytest.raises(BranchExistsError):
        found.switch_to_new("policy/a")
    assert found.source().branch == "main"


def test_a_new_branch_can_be_left_again(repository):
    found = find_repository(repository)
    found.switch_to_new("policy/a")
    found.leave_new("policy/a", Source(None, "main"))
    assert found.source().branch == "main"
    assert git(repository, "branch", "--list", "policy/a") == ""


def test_a_new_branch_is_left_for_a_detached_head_too(repository):
    git(repository, "switch", "-q", "--detach")
    found = find_repository(repository)
    before = found.source()
    found.switch_to_new("policy/a")
    found.leave_new("policy/a", before)
    assert found.source() == before
    assert not found.has_branch("policy/a")


def test_files_are_committed_when_the_last_commit_has_them(repository):
    found, file = find_repository(repository), repository / "a.rego"
    file.write_text("one")
    assert not found.is_committed(file)
    git(repository, "add", "a.rego")
    assert not found.is_committed(file)
    git(repository, "commit", "-q", "-m", "One")
    assert found.is_committed(file)
    file.write_text("two")
    assert not found.is_committed(file)
    (repository / ".git" / "info" / "exclude").write_text("a.rego\n*.txt\n")
    ignored = repository / "b.txt"
    ignored.write_text("b")
    assert not found.is_committed(ignored)


def test_a_repository_without_a_commit_is_said(tmp_path):
    git(tmp_path, "init", "-q", "-b", "main")
    with pytest.raises(GitError) as refused:
        find_repository(tmp_path).switch_to_new("policy/a")
    assert "commit" in (refused.value.hint or "")


def test_a_missing_git_is_said(repository, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(GitError) as refused:
        find_repository(repository)
    assert refused.value.exit_code == 3
    assert "git on PATH" in refused.value.message
