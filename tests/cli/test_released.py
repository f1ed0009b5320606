# SPDX-License-Identifier: Apache-2.0
"""The newest release's rules, kept for authors: by digest, whole, or not believed."""

import subprocess
import sys

import pytest

from keys.digest import Digest
from keys.errors import FormatError, LimitExceededError, StorageUnavailableError
from keys.strict import dumps_json
from trustacks.limits import MAX_RELEASED_BYTES
from trustacks.released import FORMAT, previous_from_release, store_released

OLD, NEW = b"package overlay.a\n", b"package overlay.b\n"


@pytest.fixture
def kept(tmp_path):
    store_released(tmp_path, 3, {"acme.a": OLD})
    return tmp_path


def path_of(directory, data):
    return directory / "released" / f"{Digest.of(data).hex}.rego"


def test_a_rule_is_read_as_it_was_kept(kept):
    assert previous_from_release(kept, "acme.a") == OLD


def test_a_new_rule_has_no_version_before(kept, tmp_path):
    assert previous_from_release(kept, "acme.b") is None
    assert previous_from_release(tmp_path / "elsewhere", "acme.a") is None


def test_a_newer_release_replaces_the_one_before(kept):
    store_released(kept, 4, {"acme.a": NEW})
    assert previous_from_release(kept, "acme.a") == NEW
    assert path_of(kept, OLD).exists()


@pytest.mark.parametrize("damage", [b"", OLD + b"\n", OLD[:-1]])
def test_damaged_bytes_are_refused_and_mended_by_the_next_refresh(kept, damage):
    path_of(kept, OLD).write_bytes(damage)
    with pytest.raises(StorageUnavailableError):
        previous_from_release(kept, "acme.a")
    store_released(kept, 3, {"acme.a": OLD})
    assert previous_from_release(kept, "acme.a") == OLD


def test_a_missing_file_is_refused(kept):
    path_of(kept, OLD).unlink()
    with pytest.raises(StorageUnavailableError):
        previous_from_release(kept, "acme.a")


def listed(**changes):
    return dumps_json({"format": FORMAT, "revision": 1, "rules": {}} | changes).decode()


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        listed(format="x"),
        listed(revision=0),
        listed(rules={"acme.a": 1}),
        listed(rules={"acme.a": "sha256:../../../etc/passwd"}),
        listed(more=1),
        "[" * 1000,
    ],
)
def test_what_is_no_list_of_rules_is_refused(kept, text):
    (kept / "released" / "released.json").write_text(text)
    with pytest.raises(FormatError):
        previous_from_release(kept, "acme.a")


def test_the_list_has_a_bound(kept):
    path = kept / "released" / "released.json"
    text = path.read_text()
    path.write_text(text + " " * (MAX_RELEASED_BYTES - len(text)))
    assert previous_from_release(kept, "acme.a") == OLD
    path.write_text(text + " " * (MAX_RELEASED_BYTES - len(text) + 1))
    with pytest.raises(LimitExceededError):
        previous_from_release(kept, "acme.a")


def test_reading_loads_neither_tuf_nor_cryptography():
    code = (
        "import sys, trustacks.released\n"
        "sys.exit(any(n.split('.')[0] in ('tuf', 'cryptography', 'urllib3') "
        "for n in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
