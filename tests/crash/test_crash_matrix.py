# SPDX-License-Identifier: Apache-2.0
"""Kill at every write: clients see exactly old or new, and the next run needs no repair.

The same kills make ``docs/generated/crash-table.md``; each row of it is held here.
"""

import pytest

from bundle.storage.directory import DirectoryStorage
from deploy import crash_table
from deploy.crash_table import PAGE, row
from keys.errors import StorageUnavailableError
from tests.simulators.crashes import ACTS, Fault, Killable, OnDirectory, OnS3, points

# The rest takes minutes: `long`, which CI runs.
QUICK = ("release", "garbage collection")


def _acts():
    for act in ACTS:
        marks = () if act.name in QUICK else pytest.mark.long
        yield pytest.param(act, id=act.name.replace(" ", "-"), marks=marks)


@pytest.fixture(params=["directory", pytest.param("S3", marks=pytest.mark.long)])
def backend(request, tmp_path):
    if request.param == "directory":
        return OnDirectory(tmp_path / "stores")
    return OnS3(request.getfixturevalue("s3"))


@pytest.mark.parametrize("act", list(_acts()))
def test_a_kill_at_any_write_leaves_the_old_or_the_new_state(act, backend, tmp_path):
    found = list(points(act, backend, tmp_path / "clients"))
    for point in found:
        assert point.old_client == point.new_client, point
        assert point.old_client in ("old", "new", "same"), point
        assert point.next_run in ("new", "same"), point
    for fault in Fault:  # once published, published
        saw = [point.old_client for point in found if point.fault is fault]
        assert saw == sorted(saw, key=["old", "same", "new"].index)
    page = PAGE.read_text()
    part = page.split(f"## {act.name.capitalize()}\n", 1)[1].split("\n## ", 1)[0]
    written = [line for line in part.splitlines() if f" {backend.name} |" in line]
    assert [row(point) for point in found] == written


def test_the_page_has_the_acts_and_no_other():
    page = PAGE.read_text()
    titles = [line[3:] for line in page.splitlines() if line.startswith("## ")]
    assert titles == [name.capitalize() for name in crash_table.ACTS]
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert f"{len(rows) - len(titles)} kill points." in page


def test_garbage_collection_ends_with_the_same_objects_whatever_crashed():
    parts = PAGE.read_text().split("\n## Garbage collection")[1:]
    assert len(parts) == 2
    for part in parts:
        lines = part.partition("\n## ")[0].splitlines()
        rows = [line for line in lines if line[2:3].isdigit()]
        assert rows
        assert all(line.endswith("| same | same | same | 0 |") for line in rows)


def test_a_torn_file_is_seen_by_nobody_and_cleared_at_the_start(tmp_path):
    store = Killable(tmp_path)
    store.kills.kill(0, Fault.TORN)
    with pytest.raises(StorageUnavailableError):
        store.put_immutable("metadata/1.root.json", b"0123456789")
    (left,) = (tmp_path / "metadata").iterdir()
    assert (left.name[:5], left.read_bytes()) == (".tmp-", b"01234")
    again = DirectoryStorage(tmp_path)
    assert again.names("") == []
    assert again.remove_crash_leftovers() == 1
