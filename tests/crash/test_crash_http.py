# SPDX-License-Identifier: Apache-2.0
"""Kill a server of a sovereign workspace at every write, and ask the next one.

What was acknowledged is there, clients see exactly old or new, and the same request
again is all that there is to do. The same kills are in ``docs/generated/crash-table.md``.
"""

import pytest

from deploy.crash_table import PAGE, row
from tests.simulators.server_crashes import ACTS, points, settled_release
from tests.simulators.server_stores import OnDirectory, OnS3

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return settled_release(tmp_path_factory.mktemp("settled"))


@pytest.fixture(params=["directory", "S3"])
def backend(request):
    if request.param == "directory":
        return OnDirectory()
    return OnS3(request.getfixturevalue("s3"))


@pytest.mark.parametrize("act", ACTS, ids=lambda a: a.name.replace(" ", "-"))
def test_a_server_that_is_killed_has_done_it_or_has_not(act, base, backend, tmp_path):
    found = list(points(act, base, backend, tmp_path / "clients"))
    for point in found:
        assert point.old_client == point.new_client, point
        assert point.old_client in ("old", "new", "same"), point
        assert point.next_run in ("new", "same"), point
    part = PAGE.read_text().split(f"## {act.name.capitalize()}\n", 1)[1]
    lines = part.split("\n## ", 1)[0].splitlines()
    written = [line for line in lines if f" {backend.name} |" in line]
    assert [row(point) for point in found] == written
