# SPDX-License-Identifier: Apache-2.0
"""A version before is read from git's objects, and a repository is believed nothing."""

import os
import subprocess

import pytest

from bundle.errors import OverlayFormatError
from bundle.rego.limits import MAX_MODULE_BYTES
from keys.errors import LimitExceededError, UsageError
from tests.simulators.plane import git, overlay_repository
from trustacks._cli.git import find_repository
from trustacks._cli.git_tree import Entry, list_tree, merge_base, read_blobs
from trustacks.errors import BaseRefError, GitError, NotARepositoryError
from trustacks.previous import all_previous_from_git, previous_from_git

NAME = "overlay/rules/acme.a/acme.a.rego"


@pytest.fixture
def repository(tmp_path):
    folder = overlay_repository(tmp_path / "policy")
    commit(folder, b"one\n", "One")
    return folder


def commit(folder, data, message, name=NAME):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", message)


def test_a_version_before_is_that_of_the_merge_base(repository):
    git(repository, "switch", "-q", "-c", "policy/a")
    commit(repository, b"two\n", "Two")
    git(repository, "switch", "-q", "main")
    commit(repository, b"three\n", "Three")
    git(repository, "switch", "-q", "policy/a")
    assert previous_from_git(repository, "main", repository / NAME) == b"one\n"
    assert previous_from_git(repository, "HEAD", repository / NAME) == b"two\n"


def test_a_file_that_was_not_there_has_no_version_before(repository):
    assert previous_from_git(repository, "main", repository / "overlay/b.rego") is None
    folder = repository / "overlay" / "rules"
    assert previous_from_git(repository, "main", folder) is None


def test_a_path_is_named_from_the_working_directory(repository, monkeypatch):
    monkeypatch.chdir(repository / "overlay")
    path = repository.joinpath(NAME).relative_to(repository / "overlay")
    assert previous_from_git(repository, "main", path) == b"one\n"


def test_a_path_outside_the_repository_is_misuse(repository, tmp_path):
    with pytest.raises(UsageError):
        previous_from_git(repository, "main", tmp_path / "acme.a.rego")


@pytest.mark.parametrize(
    "ref",
    [
        *("", "-h", "--output=x", "no-such", "main main", "a\nb", "main..HEAD"),
        *("m" * 257, "HEAD:overlay", "\x1b[2J", "^main", "main^{tree}"),
    ],
)
def test_what_is_no_commit_is_refused(repository, ref):
    with pytest.raises(BaseRefError) as refused:
        previous_from_git(repository, ref, repository / NAME)
    assert (refused.value.code, refused.value.exit_code) == ("base-ref", 2)
    assert not (repository / "x").exists()


def test_a_ref_that_looks_like_an_option_is_never_shown_to_git(repository):
    with pytest.raises(BaseRefError, match="expected a branch, tag or commit"):
        merge_base(find_repository(repository), "--help")


def test_histories_with_nothing_in_common_are_said(repository):
    git(repository, "switch", "-q", "--orphan", "other")
    git(repository, "commit", "-q", "--allow-empty", "-m", "Other")
    with pytest.raises(GitError) as refused:
        previous_from_git(repository, "main", repository / NAME)
    assert "fetch-depth: 0" in (refused.value.hint or "")


def test_a_link_and_a_submodule_are_refused(repository):
    (repository / "overlay" / "link.rego").symlink_to("/etc/passwd")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "Link")
    with pytest.raises(OverlayFormatError, match="a link"):
        previous_from_git(repository, "HEAD", repository / "overlay/link.rego")
    head = git(repository, "rev-parse", "HEAD").strip()
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{head},sub")
    git(repository, "commit", "-q", "-m", "Submodule")
    with pytest.raises(OverlayFormatError, match="a submodule"):
        list_tree(find_repository(repository), "HEAD", "sub")


def test_a_name_that_is_not_utf_8_is_refused(repository):
    (repository / "overlay").joinpath(os.fsdecode(b"\xff.rego")).write_bytes(b"")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "Name")
    with pytest.raises(OverlayFormatError, match="UTF-8"):
        list_tree(find_repository(repository), "HEAD", "overlay")


def test_a_file_may_be_as_large_as_a_rule_and_not_larger(repository):
    commit(repository, b"#" * MAX_MODULE_BYTES, "Large")
    found = previous_from_git(repository, "HEAD", repository / NAME)
    assert len(found or b"") == MAX_MODULE_BYTES
    commit(repository, b"#" * (MAX_MODULE_BYTES + 1), "Larger")
    with pytest.raises(LimitExceededError):
        previous_from_git(repository, "HEAD", repository / NAME)


def test_another_object_than_the_listed_one_is_refused(repository):
    found = find_repository(repository)
    entry = list_tree(found, merge_base(found, "main"), NAME)[0]
    wrong = Entry(entry.path, entry.blob, entry.size + 1)
    with pytest.raises(GitError):
        read_blobs(found, [wrong], max_bytes=100)
    missing = Entry(entry.path, "0" * 40, entry.size)
    with pytest.raises(GitError):
        read_blobs(found, [missing], max_bytes=100)


def test_a_path_with_a_glob_in_it_is_a_path(repository):
    found = find_repository(repository)
    assert list_tree(found, "HEAD", "overlay/*") == ()
    assert list_tree(found, "HEAD", ":(glob)**") == ()


def test_nothing_stands_in_for_an_object(repository):
    commit(repository, b"two\n", "Two")
    one, two = git(repository, "rev-parse", "HEAD~1", "HEAD").split()
    git(repository, "replace", one, two)
    assert previous_from_git(repository, "HEAD~1", repository / NAME) == b"one\n"


def test_files_that_look_like_a_repository_run_no_program(repository):
    """A pull request may hold HEAD, objects/, refs/ and a config of its choice."""
    folder = repository / "overlay"
    git(repository, "init", "-q", "--bare", str(folder / "rules" / "bare"))
    for made in (folder / "rules" / "bare").iterdir():
        made.rename(folder / made.name)
    ran = repository.parent / "ran"
    with (folder / "config").open("a") as config:
        config.write(
            f"[core]\n\tbare = false\n\tworktree = .\n\tfsmonitor = touch {ran}; false\n"
        )
    with pytest.raises(NotARepositoryError):
        find_repository(folder)
    assert not ran.exists()


def test_many_versions_are_read_by_starting_git_a_few_times(repository, monkeypatch):
    names = [f"overlay/rules/acme.r{n}/acme.r{n}.rego" for n in range(30)]
    for name in names:
        (repository / name).parent.mkdir(parents=True)
        (repository / name).write_text(name)
    commit(repository, b"two\n", "Many")
    started = []
    run = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda w, **k: started.append(w) or run(w, **k)
    )
    paths = [repository / name for name in [*names, NAME, "overlay/none.rego"]]
    found = all_previous_from_git("HEAD", paths)
    assert found == {repository / name: name.encode() for name in names} | {
        repository / NAME: b"two\n",
        repository / "overlay/none.rego": None,
    }
    assert len(started) == 5
    assert all_previous_from_git("HEAD", []) == {}
