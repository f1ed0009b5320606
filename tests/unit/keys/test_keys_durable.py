# SPDX-License-Identifier: Apache-2.0
"""A write has happened, or nothing has: a full disk, a size limit, a kill between."""

import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from keys.durable import (
    TEMPORARY_PREFIX,
    create_file,
    make_directory,
    read_file,
    remove_temporary,
    replace_symlink,
    write_file,
)
from keys.errors import (
    LimitExceededError,
    NotFoundError,
    StorageUnavailableError,
    WriteConflictError,
)

ROOT = Path(__file__).parents[3]


def run(program: str, *arguments: object) -> subprocess.CompletedProcess:
    """Run a program in a process of its own, which may die."""
    return subprocess.run(
        [sys.executable, "-B", "-c", textwrap.dedent(program), *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


# ------------------------------------------------------------------ what is written


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "state.json"
    write_file(path, b"old")
    write_file(path, b"new", mode=0o600)

    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(tmp_path) == ["state.json"]


def test_a_file_is_created_once_and_equal_bytes_are_no_conflict(tmp_path):
    path = tmp_path / "1.root.json"
    create_file(path, b"bytes")
    create_file(path, b"bytes")

    with pytest.raises(WriteConflictError):
        create_file(path, b"other bytes")

    assert path.read_bytes() == b"bytes"
    assert names(tmp_path) == ["1.root.json"]


def test_a_private_file_is_never_readable_for_others_on_the_way(tmp_path):
    old = os.umask(0)
    try:
        create_file(tmp_path / "key", b"secret", mode=0o600)
    finally:
        os.umask(old)

    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_directories_are_made_with_their_parents(tmp_path):
    make_directory(tmp_path / "a" / "b")
    make_directory(tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").is_dir()


def test_a_link_is_pointed_elsewhere_in_one_step(tmp_path):
    link = tmp_path / "current"
    replace_symlink(link, "releases/1")
    replace_symlink(link, "releases/2")

    assert link.readlink() == Path("releases/2")
    assert names(tmp_path) == ["current"]


def test_what_a_crash_left_is_removed_and_nothing_else(tmp_path):
    (tmp_path / f"{TEMPORARY_PREFIX}0123").write_bytes(b"half")
    (tmp_path / "kept").write_bytes(b"whole")

    assert remove_temporary(tmp_path) == 1
    assert names(tmp_path) == ["kept"]


# ------------------------------------------------------------------ what is read


def test_a_read_is_bounded(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"1234")

    assert read_file(path, max_bytes=4) == b"1234"
    with pytest.raises(LimitExceededError):
        read_file(path, max_bytes=3)


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(NotFoundError):
        read_file(tmp_path / "none", max_bytes=1)


def test_neither_link_nor_directory_nor_device_is_read(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"x")
    link.symlink_to(target)

    for path in (link, tmp_path):
        with pytest.raises(StorageUnavailableError):
            read_file(path, max_bytes=10)


def test_a_pipe_without_a_writer_does_not_hold_us_up(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    # Nothing is there to read, and nobody waits for it.
    with pytest.raises(StorageUnavailableError):
        read_file(pipe, max_bytes=10)


# ------------------------------------------------------------------ what goes wrong

FULL_DISK = """
    import resource, signal, sys
    from pathlib import Path
    from keys import durable
    from keys.errors import StorageUnavailableError

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)   # EFBIG instead of death
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
    write, path = getattr(durable, sys.argv[1]), Path(sys.argv[2])
    try:
        write(path, b"x" * 4096)
    except StorageUnavailableError as error:
        print(error.code)
"""


@pytest.mark.parametrize("write", ["write_file", "create_file"])
def test_a_full_disk_leaves_what_was_there(tmp_path, write):
    path = tmp_path / "file"
    if write == "write_file":
        path.write_bytes(b"old")
    before = names(tmp_path)

    done = run(FULL_DISK, write, path)

    assert (done.stdout, done.returncode) == ("storage-unavailable\n", 0), done.stderr
    assert names(tmp_path) == before
    assert not path.exists() or path.read_bytes() == b"old"


def test_the_write_after_a_full_disk_succeeds(tmp_path):
    path = tmp_path / "file"
    run(FULL_DISK, "write_file", path)

    write_file(path, b"room again")

    assert path.read_bytes() == b"room again"


# The program dies at the n-th system call that its audit hook or patch point sees:
# a real process, a real SIGKILL, between two real system calls.
CRASH = """
    import os, signal, sys
    from pathlib import Path
    from keys import durable

    def dying(name):
        call = getattr(os, name)
        def die(*arguments, **named):
            if sys.argv[2] == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            call(*arguments, **named)
            os.kill(os.getpid(), signal.SIGKILL)
        setattr(os, name, die)

    dying(sys.argv[1])
    getattr(durable, sys.argv[3])(Path(sys.argv[4]), b"new")
"""


@pytest.mark.parametrize(
    ("call", "when", "write", "allowed"),
    [
        ("fsync", "before", "write_file", {b"old"}),
        ("fsync", "after", "write_file", {b"old"}),
        ("replace", "before", "write_file", {b"old"}),
        ("replace", "after", "write_file", {b"new"}),
        ("fsync", "before", "create_file", {None}),
        ("link", "before", "create_file", {None}),
        ("link", "after", "create_file", {b"new"}),
        ("unlink", "before", "create_file", {b"new"}),
    ],
)
def test_a_kill_between_two_system_calls_leaves_old_or_new(
    tmp_path, call, when, write, allowed
):
    path = tmp_path / "file"
    if write == "write_file":
        path.write_bytes(b"old")

    done = run(CRASH, call, when, write, path)

    assert done.returncode == -9, done.stderr
    found = path.read_bytes() if path.exists() else None
    assert found in allowed
    remove_temporary(tmp_path)
    getattr(sys.modules["keys.durable"], write)(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["file"]


ORDER = """
    import os, sys
    from pathlib import Path
    from keys.durable import write_file

    calls = []
    for name in ("fsync", "replace"):
        def record(*arguments, call=getattr(os, name), name=name, **named):
            calls.append(name)
            return call(*arguments, **named)
        setattr(os, name, record)
    write_file(Path(sys.argv[1]), b"x")
    print(*calls)
"""


def test_bytes_are_on_the_disk_before_the_name_and_the_name_before_the_return(tmp_path):
    done = run(ORDER, tmp_path / "file")

    assert done.stdout == "fsync replace fsync\n", done.stderr


def test_a_file_where_a_directory_should_be_is_unavailable(tmp_path):
    (tmp_path / "folder").write_bytes(b"a file")

    with pytest.raises(StorageUnavailableError) as refused:
        write_file(tmp_path / "folder" / "file", b"x")

    assert refused.value.exit_code == 3
    assert refused.value.hint


def test_a_missing_directory_is_unavailable_and_not_made(tmp_path):
    for write in (write_file, create_file):
        with pytest.raises(StorageUnavailableError):
            write(tmp_path / "none" / "file", b"x")
    with pytest.raises(StorageUnavailableError):
        replace_symlink(tmp_path / "none" / "link", "x")
    assert names(tmp_path) == []
