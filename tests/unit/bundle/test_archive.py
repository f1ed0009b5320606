# SPDX-License-Identifier: Apache-2.0
"""The one encoding of a set of files: what is written, what is read, where it ends."""

import gzip
import hashlib
import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.archive import content_digest, gzip_stored, pack_tar, unpack, unpack_tar
from bundle.errors import ArchiveFormatError, ArchivePathError
from bundle.limits import BUNDLE_BOUNDS, ArchiveBounds
from bundle.stored_gzip import framing, open_gzip
from keys.digest import Digest
from keys.errors import LimitExceededError

FILES = {
    ".manifest": b'{"revision":"1"}',
    "rules/acme.a/acme.a.rego": b"package overlay.acme_a\n",
    "rule_inventory.json": b"",
}
SMALL = ArchiveBounds(max_bytes=4096, max_members=3, max_path_chars=12)

segments = st.from_regex(r"[a-z0-9_.-]{1,12}", fullmatch=True).filter(
    lambda s: s not in {".", ".."}
)
paths = st.lists(segments, min_size=1, max_size=3).map("/".join)


def loose(files: dict[str, bytes]) -> bool:
    """Whether no file is also a folder."""
    return not any(
        f"{a}/" in f"{b}/" for a in files for b in files if b.startswith(f"{a}/")
    )


trees = st.dictionaries(paths, st.binary(max_size=1500), max_size=6).filter(loose)


def test_bytes_are_equal_on_any_machine():
    archive = gzip_stored(pack_tar(FILES))
    assert (
        hashlib.sha256(archive).hexdigest()
        == "2e527c1d006519c38cead537ce8cc25c09f1e0f5ee3e5230704a825f0961f356"
    )


def test_order_of_the_mapping_does_not_matter():
    assert pack_tar(FILES) == pack_tar(dict(reversed(FILES.items())))


@given(trees)
@settings(max_examples=150, deadline=None)
def test_what_is_packed_is_unpacked(files):
    assert unpack(gzip_stored(pack_tar(files))) == files


@given(
    st.dictionaries(paths, st.binary(max_size=1500), min_size=1, max_size=4).filter(
        loose
    )
)
@settings(max_examples=60, deadline=None)
def test_tarfile_and_gzip_read_the_same(files):
    with tarfile.open(
        fileobj=io.BytesIO(gzip.decompress(gzip_stored(pack_tar(files))))
    ) as tar:
        members = tar.getmembers()
        read = {m.name: tar.extractfile(m).read() for m in members}
    assert read == files
    assert [m.name for m in members] == sorted(files)
    assert {
        (m.mode, m.uid, m.gid, m.mtime, m.uname, m.gname, m.type) for m in members
    } == {(0o644, 0, 0, 0, "", "", tarfile.REGTYPE)}


@pytest.mark.parametrize("length", [1, 99, 100, 101, 140, 199, 200])
def test_long_paths_divide_as_tarfile_divides_them(length):
    folder = "f" * 60
    path = f"{folder}/{'n' * (length - 61)}" if length > 61 else "n" * length
    if length > 161:
        path = f"{folder}/{folder}/{'n' * (length - 122)}"
    assert len(path) == length
    ours = pack_tar({path: b"x"})
    with tarfile.open(fileobj=io.BytesIO(ours)) as tar:
        assert tar.getnames() == [path]
    info = tarfile.TarInfo(path)
    info.size, info.mode = 1, 0o644
    theirs = info.tobuf(tarfile.USTAR_FORMAT)
    assert ours[:148] == theirs[:148]
    assert ours[345:512] == theirs[345:512]
    assert unpack_tar(ours) == {path: b"x"}


def test_a_path_that_ustar_cannot_divide_is_refused():
    with pytest.raises(ArchivePathError):
        pack_tar({"n" * 101: b""})


def test_content_digest_is_of_the_tar():
    tar = pack_tar(FILES)
    assert content_digest(gzip_stored(tar)) == Digest.of(tar)


@pytest.mark.parametrize("size", [0, 1, 65_534, 65_535, 65_536, 131_070, 131_071])
def test_gzip_round_trips_around_the_block_size(size):
    data = b"a" * size
    framed = gzip_stored(data)
    assert gzip.decompress(framed) == data
    assert open_gzip(framed, max_bytes=size) == data
    assert len(framed) == size + framing(size)


def test_gzip_one_past_the_bound_is_refused():
    framed = gzip_stored(b"a" * 100)
    assert open_gzip(framed, max_bytes=100)
    with pytest.raises(LimitExceededError):
        open_gzip(framed, max_bytes=99)


@pytest.mark.parametrize(
    ("files", "accepted"),
    [
        ({"a": b"", "b": b"", "c": b""}, True),
        ({"a": b"", "b": b"", "c": b"", "d": b""}, False),
        ({"n" * 12: b""}, True),
        ({"n" * 13: b""}, False),
        ({"a": b"x" * 2560}, True),
        ({"a": b"x" * 2561}, False),
    ],
    ids=["members", "members+1", "path", "path+1", "bytes", "bytes+1"],
)
def test_bounds_hold_on_writing_and_reading(files, accepted):
    tar = pack_tar(files)
    if accepted:
        assert unpack_tar(pack_tar(files, bounds=SMALL), bounds=SMALL) == files
        return
    with pytest.raises(LimitExceededError):
        pack_tar(files, bounds=SMALL)
    with pytest.raises(LimitExceededError):
        unpack(gzip_stored(tar), bounds=SMALL)
    with pytest.raises(LimitExceededError):
        unpack_tar(tar, bounds=SMALL)


def test_the_bundle_bounds_are_the_ones_in_force():
    most = {f"{i:05}": b"" for i in range(BUNDLE_BOUNDS.max_members)}
    assert len(unpack_tar(pack_tar(most))) == BUNDLE_BOUNDS.max_members
    with pytest.raises(LimitExceededError):
        pack_tar({**most, "one-more": b""})
    with pytest.raises(LimitExceededError):
        pack_tar({"a": bytes(BUNDLE_BOUNDS.max_bytes)})


@given(st.data(), trees)
@settings(max_examples=200, deadline=None)
def test_any_changed_byte_is_refused(data, files):
    archive = bytearray(gzip_stored(pack_tar(files)))
    at = data.draw(st.integers(0, len(archive) - 1))
    archive[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises((ArchiveFormatError, LimitExceededError)):
        unpack(bytes(archive))


@given(st.data(), trees)
@settings(max_examples=200, deadline=None)
def test_a_changed_tar_in_honest_gzip_is_refused_or_read_as_it_is_written(data, files):
    tar = bytearray(pack_tar(files))
    at = data.draw(st.integers(0, len(tar) - 1))
    tar[at] ^= data.draw(st.integers(1, 255))
    try:
        read = unpack(gzip_stored(bytes(tar)))
    except (ArchiveFormatError, LimitExceededError):
        return
    assert pack_tar(read) == bytes(tar)


@given(st.binary(max_size=3000).filter(any))
@settings(max_examples=200, deadline=None)
def test_junk_is_refused_with_a_code(junk):
    for reader in (unpack, unpack_tar, content_digest):
        with pytest.raises(ArchiveFormatError):
            reader(junk)


@given(st.data(), trees)
@settings(max_examples=100, deadline=None)
def test_every_cut_and_every_addition_is_refused(data, files):
    archive = gzip_stored(pack_tar(files))
    cut = data.draw(st.integers(0, len(archive) - 1))
    more = data.draw(st.binary(min_size=1, max_size=20))
    for changed in (archive[:cut], archive + more, more + archive, archive + archive):
        with pytest.raises(ArchiveFormatError):
            unpack(changed)
