# SPDX-License-Identifier: Apache-2.0
"""Every store keeps the same duties; the simulator is held to them too."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bundle.storage.directory import DirectoryStorage
from bundle.storage.interface import MAX_NAME_CHARS
from keys.digest import Digest
from keys.errors import (
    LimitExceededError,
    NotFoundError,
    StorageUnavailableError,
    UsageError,
    WriteConflictError,
)
from tests.simulators.storage import Fault, MemoryStorage

ROOT = Path(__file__).parents[3]

NOT_NAMES = {
    "empty": "",
    "absolute": "/a",
    "parent": "a/../b",
    "here": "a/./b",
    "hidden": "a/.b",
    "double slash": "a//b",
    "trailing slash": "a/",
    "backslash": "a\\b",
    "newline": "a\n",
    "nul": "a\0b",
    "not ascii": "ä",
    "too long": "a" * (MAX_NAME_CHARS + 1),
}


@pytest.fixture(params=["memory", "directory", "s3"])
def storage(request, tmp_path):
    if request.param == "memory":
        return MemoryStorage()
    if request.param == "s3":
        return request.getfixturevalue("s3").storage()
    return DirectoryStorage(tmp_path / "objects")


def test_what_was_put_is_read_back(storage):
    storage.put_immutable("a/b/1.json", b"one")
    assert storage.get("a/b/1.json", max_bytes=3) == b"one"


def test_equal_bytes_again_are_success(storage):
    storage.put_immutable("a", b"one")
    storage.put_immutable("a", b"one")
    assert storage.get("a", max_bytes=10) == b"one"


def test_an_immutable_object_refuses_other_bytes_and_stays(storage):
    storage.put_immutable("a", b"one")
    with pytest.raises(WriteConflictError) as refused:
        storage.put_immutable("a", b"two")
    assert refused.value.code == "write-conflict"
    assert storage.get("a", max_bytes=10) == b"one"


def test_replace_moves_on_from_the_expected_bytes(storage):
    storage.replace("head", b"1", expected=None)
    storage.replace("head", b"2", expected=Digest.of(b"1"))
    assert storage.get("head", max_bytes=10) == b"2"


@pytest.mark.parametrize("expected", [None, Digest.of(b"0")], ids=["none", "older"])
def test_replace_refuses_another_object_and_leaves_it(storage, expected):
    storage.replace("head", b"1", expected=None)
    with pytest.raises(WriteConflictError):
        storage.replace("head", b"2", expected=expected)
    assert storage.get("head", max_bytes=10) == b"1"


def test_replace_refuses_to_create_what_should_be_there(storage):
    with pytest.raises(WriteConflictError):
        storage.replace("head", b"2", expected=Digest.of(b"1"))
    assert storage.names("") == []


def test_one_of_many_concurrent_swaps_wins(storage):
    storage.replace("head", b"0", expected=None)
    won = []

    def swap(number):
        try:
            storage.replace("head", b"%d" % number, expected=Digest.of(b"0"))
            won.append(b"%d" % number)
        except WriteConflictError:
            pass

    threads = [threading.Thread(target=swap, args=(n,)) for n in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [storage.get("head", max_bytes=10)]


def test_a_missing_object_is_not_found(storage):
    with pytest.raises(NotFoundError) as refused:
        storage.get("a/b", max_bytes=10)
    assert refused.value.code == "not-found"


def test_an_object_is_read_up_to_the_limit_and_not_past_it(storage):
    storage.put_immutable("a", b"1234")
    assert storage.get("a", max_bytes=4) == b"1234"
    with pytest.raises(LimitExceededError):
        storage.get("a", max_bytes=3)


def test_names_are_sorted_and_begin_with_the_prefix(storage):
    for name in (
        "log/tile/0/000.p/12",
        "log/tile/0/000.p/3",
        "log/tile/0/001",
        "metadata/a",
    ):
        storage.put_immutable(name, b"")
    assert storage.names("log/tile/0/000.p/") == [
        "log/tile/0/000.p/12",
        "log/tile/0/000.p/3",
    ]
    assert storage.names("log/tile/0/00") == storage.names("log/")
    assert storage.names("nothing/here") == []
    assert len(storage.names("")) == 4


def test_a_discarded_object_is_gone_and_may_be_discarded_again(storage):
    storage.put_immutable("a/b", b"1")
    storage.discard("a/b")
    storage.discard("a/b")
    storage.discard("never/was")
    assert storage.names("") == []


@pytest.mark.parametrize("name", NOT_NAMES.values(), ids=NOT_NAMES)
def test_what_is_not_a_name_is_refused_everywhere(storage, name):
    for use in (
        lambda: storage.put_immutable(name, b""),
        lambda: storage.replace(name, b"", expected=None),
        lambda: storage.get(name, max_bytes=1),
        lambda: storage.discard(name),
    ):
        with pytest.raises(UsageError):
            use()
    assert storage.names("") == []


def test_the_longest_name_is_a_name(storage):
    name = "/".join(["a" * 127] * 4) + "b"
    assert len(name) == MAX_NAME_CHARS
    storage.put_immutable(name, b"1")
    assert storage.names("") == [name]


@pytest.mark.parametrize(
    "prefix", ["/", "..", "a/../", "a\n", "a" * (MAX_NAME_CHARS + 1)]
)
def test_what_no_name_begins_with_is_refused(storage, prefix):
    with pytest.raises(UsageError):
        storage.names(prefix)


# ------------------------------------------------------------------ the directory alone


def test_lock_and_temporary_files_are_not_objects(tmp_path):
    storage = DirectoryStorage(tmp_path)
    storage.replace("a/head", b"1", expected=None)
    (tmp_path / "a" / ".tmp-0011").write_bytes(b"half")
    assert storage.names("") == ["a/head"]


def test_crash_leftovers_are_removed_and_objects_stay(tmp_path):
    storage = DirectoryStorage(tmp_path)
    storage.put_immutable("a/b", b"1")
    (tmp_path / "a" / ".tmp-0011").write_bytes(b"half")
    assert storage.remove_crash_leftovers() == 1
    assert storage.names("") == ["a/b"]
    assert not list(tmp_path.rglob(".tmp-*"))


def test_a_link_in_the_place_of_an_object_is_not_followed(tmp_path):
    storage = DirectoryStorage(tmp_path / "s")
    (tmp_path / "outside").write_bytes(b"secret")
    (tmp_path / "s" / "a").symlink_to(tmp_path / "outside")
    with pytest.raises(StorageUnavailableError):
        storage.get("a", max_bytes=10)


def test_a_folder_is_not_an_object(tmp_path):
    storage = DirectoryStorage(tmp_path)
    storage.put_immutable("a/b", b"1")
    for name in ("a", "a/b/c"):
        with pytest.raises(NotFoundError):
            storage.get(name, max_bytes=10)


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from bundle.storage.directory import DirectoryStorage
from keys.digest import Digest
from keys.errors import StorageUnavailableError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
try:
    DirectoryStorage(Path(sys.argv[1])).replace("head", b"2" * 100, expected=Digest.of(b"1"))
except StorageUnavailableError as error:
    sys.exit("too large" in error.message and 7)
"""


def test_a_full_disk_leaves_what_was_there(tmp_path):
    storage = DirectoryStorage(tmp_path)
    storage.replace("head", b"1", expected=None)
    ran = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], cwd=ROOT, check=False
    )
    assert ran.returncode == 7
    assert storage.get("head", max_bytes=10) == b"1"
    assert storage.names("") == ["head"]
    assert not list(tmp_path.rglob(".tmp-*"))


# ------------------------------------------------------------------ the simulator alone


def test_the_simulator_refuses_two_kinds_under_one_name():
    storage = MemoryStorage()
    storage.put_immutable("a", b"1")
    with pytest.raises(AssertionError):
        storage.replace("a", b"2", expected=Digest.of(b"1"))


@pytest.mark.parametrize("fault", Fault)
def test_the_simulators_faults_come_in_pairs(fault):
    storage = MemoryStorage()
    storage.fail_write(1, fault)
    storage.put_immutable("a", b"1")
    with pytest.raises(StorageUnavailableError):
        storage.put_immutable("b", b"2")
    assert storage.names("b") == (["b"] if fault is Fault.FAILED_BUT_PERSISTED else [])
    storage.put_immutable("b", b"2")
