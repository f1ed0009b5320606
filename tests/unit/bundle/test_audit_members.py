# SPDX-License-Identifier: Apache-2.0
"""One encoding per pack: whatever else a tar file can say is refused."""

import contextlib
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.audit.errors import NotAPackError, PackMemberError, PackTruncatedError
from bundle.audit.members import BLOCK_BYTES, read_members, write_members
from keys.errors import LimitExceededError, TrustacksError

MEMBERS = [
    ("README.md", b"read me\n"),
    ("log/checkpoint", b""),
    ("targets/overlay/12/" + "a" * 64 + ".attestations.sigstore.jsonl", b"x" * 1500),
]


def read(data, *, members=10, member_bytes=2000):
    found = read_members(
        memoryview(data), max_members=members, max_member_bytes=member_bytes
    )
    return [(name, bytes(content)) for name, content in found]


def other_tar(change):
    info = tarfile.TarInfo("README.md")
    info.size = 2
    change(info)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(info, io.BytesIO(b"hi"))
    return out.getvalue()


def test_what_is_written_is_read_again():
    assert read(write_members(MEMBERS)) == MEMBERS


def test_any_tar_program_reads_it():
    with tarfile.open(fileobj=io.BytesIO(write_members(MEMBERS))) as tar:
        assert [m.name for m in tar] == [name for name, _ in MEMBERS]


CHANGES = {
    "a time": lambda i: setattr(i, "mtime", 1),
    "an owner": lambda i: setattr(i, "uid", 1),
    "an owner's name": lambda i: setattr(i, "uname", "root"),
    "another mode": lambda i: setattr(i, "mode", 0o755),
    "a symbolic link": lambda i: (
        setattr(i, "type", b"2"),
        setattr(i, "linkname", "x"),
    ),
    "a hard link": lambda i: (setattr(i, "type", b"1"), setattr(i, "linkname", "x")),
    "a device": lambda i: setattr(i, "type", b"3"),
    "a folder": lambda i: setattr(i, "type", b"5"),
    "a contiguous file": lambda i: setattr(i, "type", b"7"),
    "an absolute name": lambda i: setattr(i, "name", "/README.md"),
    "a name that climbs": lambda i: setattr(i, "name", "a/../README.md"),
    "a dot as a segment": lambda i: setattr(i, "name", "./README.md"),
    "a name with a space": lambda i: setattr(i, "name", "READ ME"),
    "an empty segment": lambda i: setattr(i, "name", "a//b"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_header_of_another_kind_is_refused(change):
    plain = write_members(MEMBERS)[: -2 * BLOCK_BYTES]
    with pytest.raises(NotAPackError):
        read(other_tar(change))
    with pytest.raises(PackMemberError):
        read(plain + other_tar(change))


@pytest.mark.parametrize("name", ["../x", "/x", "a/./b", "a\nb", "é", "", "a/", "..."])
def test_a_name_that_could_escape_cannot_be_written(name):
    with pytest.raises(PackMemberError):
        write_members([(name, b"")])


def test_a_name_too_long_for_the_format_cannot_be_written():
    with pytest.raises(PackMemberError):
        write_members([("a" * 300, b"")])


CUTS = {
    "inside the second header": 2 * BLOCK_BYTES + 9,
    "inside a content": 5 * BLOCK_BYTES,
    "before the end": -2 * BLOCK_BYTES,
    "inside the end": -1,
    "inside the first content": BLOCK_BYTES + 3,
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_a_file_that_ends_early_is_truncated(cut):
    with pytest.raises(PackTruncatedError):
        read(write_members(MEMBERS)[:cut])


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"{}" * 600], ids=repr)
def test_a_file_of_another_kind_is_no_pack(data):
    with pytest.raises(NotAPackError):
        read(data)


def test_nothing_may_follow_the_end():
    with pytest.raises(PackMemberError):
        read(write_members(MEMBERS) + b"\0")


def test_padding_is_zeros():
    data = bytearray(write_members(MEMBERS))
    data[2 * BLOCK_BYTES - 1] = 1
    with pytest.raises(PackMemberError):
        read(bytes(data))


def test_bounds_hold_at_the_limit_and_refuse_one_past_it():
    data = write_members(MEMBERS)
    assert len(read(data, members=3, member_bytes=1500)) == 3
    with pytest.raises(LimitExceededError):
        read(data, members=2, member_bytes=1500)
    with pytest.raises(LimitExceededError):
        read(data, members=3, member_bytes=1499)


def test_a_size_beyond_the_field_is_refused():
    data = bytearray(write_members(MEMBERS))
    data[124:136] = b"\x80" + b"\xff" * 11
    with pytest.raises(NotAPackError):
        read(bytes(data))


@given(st.binary(max_size=2000), st.integers(0, 4000))
def test_no_damage_raises_anything_else(noise, place):
    data = write_members(MEMBERS)
    place %= len(data)
    with contextlib.suppress(TrustacksError):
        read(data[:place] + noise + data[place + len(noise) :])
