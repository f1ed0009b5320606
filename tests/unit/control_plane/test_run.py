# SPDX-License-Identifier: Apache-2.0
"""The server as a process: it says when it is ready, and ends when asked."""

import signal
import socket
import subprocess
import sys

import pytest

from control_plane.errors import PortInUseError
from control_plane.run import listen, migrate_only, reindex_only, run
from control_plane.settings import Settings
from control_plane.state import StateDirectory
from keys.errors import BusyError
from tests.simulators.service import ControlPlane

SERVE = """
import sys
from control_plane.run import run
from control_plane.settings import Settings
run(Settings.read({}, state=sys.argv[1], port=0))
"""


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_server_says_when_it_is_ready_and_stops_with_success(tmp_path, kind):
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SERVE, str(tmp_path / "state")],
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        said = []
        while not said or "ready on http://127.0.0.1:" not in said[-1]:
            said.append(process.stderr.readline())
            assert said[-1], said
        process.send_signal(kind)
        rest = process.communicate(timeout=60)[1]
    assert (process.returncode, rest) == (0, "trustacks: stopped\n")
    assert all(line.startswith("trustacks: ") for line in said)


def test_no_answer_waits_for_an_acknowledgement(tmp_path):
    with listen(Settings(tmp_path / "state", port=0)) as listener:
        # asyncio looks at the protocol before it turns Nagle's algorithm off.
        assert listener.proto == socket.IPPROTO_TCP


def test_a_port_in_use_is_refused_before_anything_is_made(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(tmp_path / "state", port=taken.getsockname()[1])
        with pytest.raises(PortInUseError) as refused:
            run(settings)
    assert (refused.value.code, refused.value.exit_code) == ("port-in-use", 3)
    assert not settings.state.exists()


def test_a_host_that_is_not_ours_is_refused(tmp_path):
    with pytest.raises(PortInUseError):
        run(Settings(tmp_path / "state", host="192.0.2.1", port=0))


def test_a_second_server_is_refused_and_the_first_goes_on(tmp_path):
    settings = Settings(tmp_path / "state", port=0)
    with StateDirectory.prepare(settings).lock():
        for start in (run, migrate_only, reindex_only):
            with pytest.raises(BusyError):
                start(settings)


def test_migrating_and_reindexing_need_no_server(tmp_path):
    server = ControlPlane(tmp_path / "state")
    server.create_workspace()
    server.close()
    assert migrate_only(server.settings) == "0003"
    assert reindex_only(server.settings) == 1


def test_a_start_clears_what_crashes_left_and_nothing_else(tmp_path):
    server = ControlPlane(tmp_path / "state")
    server.create_workspace()
    server.close()
    before = server.everything()
    place = tmp_path / "state" / "workspaces"
    (place / "acme/metadata/.tmp-0123456789abcdef").write_bytes(b"half")
    (place / ".new-other/metadata").mkdir(parents=True)
    (place / ".new-other/metadata/1.root.json").write_bytes(b"{}")
    keys = tmp_path / "state" / "keys"
    (keys / "acme/.tmp-0123456789abcdef").write_bytes(b"half of a key")
    services = ControlPlane(tmp_path / "state").services
    services.workspaces.remove_leftovers()
    services.close()
    assert server.everything() == before
    assert [path.name for path in place.iterdir()] == ["acme"]
    assert not list(keys.rglob(".tmp-*"))


def test_the_process_does_so_before_it_serves(tmp_path):
    half = tmp_path / "state/workspaces/acme/metadata/.tmp-0123456789abcdef"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(tmp_path / "state")],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while "ready on" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert not half.exists()
