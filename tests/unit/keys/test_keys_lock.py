# SPDX-License-Identifier: Apache-2.0
"""One holder at a time, and none after a death."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from keys.errors import BusyError, StorageUnavailableError
from keys.lock import exclusive

ROOT = Path(__file__).parents[3]
HOLDER = """
    import sys
    from pathlib import Path
    from keys.lock import exclusive

    with exclusive(Path(sys.argv[1])):
        print("held", flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDER), str(tmp_path / "lock")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout.readline() == b"held\n"
        yield process
        if process.poll() is None:
            process.kill()


def test_another_process_is_refused_and_told_so(tmp_path, holder):
    with pytest.raises(BusyError) as refused, exclusive(tmp_path / "lock"):
        pass

    assert refused.value.code == "busy"


def test_a_second_holder_in_this_process_is_refused_too(tmp_path):
    first, second = (exclusive(tmp_path / "lock") for _ in range(2))

    with first, pytest.raises(BusyError), second:
        pass


def test_the_kernel_drops_the_lock_of_who_died(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    with exclusive(tmp_path / "lock"):
        pass


def test_who_waits_gets_it_when_the_holder_is_done(tmp_path, holder):
    holder.stdin.close()

    with exclusive(tmp_path / "lock", wait=True):
        pass


def test_it_is_free_again_after_an_error_inside(tmp_path):
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path / "lock"):
        raise ZeroDivisionError

    with exclusive(tmp_path / "lock"):
        pass


def test_a_link_is_not_followed_and_a_missing_folder_not_made(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")

    for path in (tmp_path / "link", tmp_path / "none" / "lock"):
        with pytest.raises(StorageUnavailableError), exclusive(path):
            pass
    assert not (tmp_path / "elsewhere").exists()
