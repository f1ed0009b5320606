# SPDX-License-Identifier: Apache-2.0
"""Kill a server at every write, and ask the next one.

What was acknowledged is there, clients see exactly old or new, and the same requests
again are all that there is to do. The same kills are in
``docs/generated/crash-table.md``.
"""

import pytest

from deploy.crash_table import PAGE, row
from tests.simulators.server_acts import ACTS, settled_desks
from tests.simulators.server_crashes import points
from tests.simulators.server_stores import OnDirectory, OnS3

pytestmark = pytest.mark.long
# From the old state to the new one; an act may have one of its own in between.
_ORDER = ("old", "renewed", "halfway", "new")


@pytest.fixture(scope="module")
def desks(tmp_path_factory):
    return settled_desks(tmp_path_factory.mktemp("settled"))


@pytest.fixture(params=["directory", "S3"])
def backend(request):
    if request.param == "directory":
        return OnDirectory()
    return OnS3(request.getfixturevalue("s3"))


@pytest.mark.parametrize("act", ACTS, ids=lambda a: a.name.replace(" ", "-"))
def test_a_server_that_is_killed_has_done_it_or_has_not(act, desks, backend, tmp_path):
    found = list(points(act, desks[act.form], backend, tmp_path / "clients"))
    known = {"old", "new", act.between}
    for point in found:
        assert point.old_client == point.new_client, point
        assert point.old_client == "same" or point.old_client in known, point
        assert point.next_run in ("new", "same"), point
        assert (point.old_client == "same") == (point.next_run == "same"), point
    for fault in {point.fault for point in found}:  # nothing goes back
        saw = [point.old_client for point in found if point.fault is fault]
        assert saw == sorted(saw, key=("same", *_ORDER).index)
    part = PAGE.read_text().split(f"## {act.name.capitalize()}\n", 1)[1]
    lines = part.split("\n## ", 1)[0].splitlines()
    written = [line for line in lines if f" {backend.name} |" in line]
    assert [row(point) for point in found] == written
