# SPDX-License-Identifier: Apache-2.0
"""Archives that other tools write, and archives that somebody crafted."""

import gzip
import io
import tarfile
import unicodedata
import zlib

import pytest

from bundle.archive import gzip_stored, pack_tar, unpack, unpack_tar
from bundle.errors import ArchiveFormatError, ArchiveMemberError, ArchivePathError
from bundle.limits import BUNDLE_BOUNDS
from keys.errors import LimitExceededError

FILES = {"a.rego": b"package overlay.a\n", "b/c.rego": b"package overlay.c\n"}
HONEST = pack_tar(FILES)


def checksummed(header: bytes) -> bytes:
    blank = header[:148] + b" " * 8 + header[156:]
    return header[:148] + b"%06o\0 " % sum(blank) + header[156:]


def crafted(
    name: bytes, data: bytes = b"x", *, prefix: bytes = b"", **fields: bytes
) -> bytes:
    """One member with a right checksum and any field set; no end blocks."""
    header = bytearray(pack_tar({"a": data})[:512])
    header[0:100] = name.ljust(100, b"\0")
    header[345:500] = prefix.ljust(155, b"\0")
    places = {
        "mode": 100,
        "uid": 108,
        "gid": 116,
        "size": 124,
        "mtime": 136,
        "kind": 156,
        "link": 157,
        "magic": 257,
        "uname": 265,
        "gname": 297,
        "dev": 329,
        "pad": 500,
    }
    for field, value in fields.items():
        header[places[field] : places[field] + len(value)] = value
    return checksummed(bytes(header)) + data + bytes(-len(data) % 512)


def tar_of(*members: bytes) -> bytes:
    return b"".join(members) + bytes(1024)


def test_the_crafting_tool_makes_what_is_accepted():
    assert unpack_tar(tar_of(crafted(b"a"))) == {"a": b"x"}


@pytest.mark.parametrize(
    "name",
    [
        b"/etc/passwd",
        b"//etc/passwd",
        b"../a",
        b"a/../../b",
        b"a/..",
        b"..",
        b".",
        b"./a",
        b"a/./b",
        b"a//b",
        b"a/",
        b"",
        b"a\\b",
        b"C:a",
        b"a b",
        b"a\nb",
        b"a\x7f",
        b"a\x01",
        b"-\xe2\x80\xae",
        "e\u0301".encode(),
        unicodedata.normalize("NFC", "e\u0301").encode(),
        b"a%2f..",
        b"a*",
        b"\xff",
    ],
)
def test_unsafe_names_are_refused(name):
    with pytest.raises(ArchivePathError):
        unpack_tar(tar_of(crafted(name)))
    with pytest.raises(ArchivePathError):
        pack_tar({name.decode("latin-1"): b""})


def test_the_prefix_cannot_smuggle_a_name():
    for prefix in (b"..", b"/etc", b"a/..", b"b"):
        with pytest.raises(ArchiveFormatError):
            unpack_tar(tar_of(crafted(b"a", prefix=prefix)))


@pytest.mark.parametrize(
    "kind",
    [
        b"\0",
        b"1",
        b"2",
        b"3",
        b"4",
        b"5",
        b"6",
        b"7",
        b"S",
        b"g",
        b"x",
        b"K",
        b"L",
        b"V",
    ],
)
def test_anything_but_a_plain_file_is_refused(kind):
    with pytest.raises(ArchiveMemberError):
        unpack_tar(tar_of(crafted(b"a", kind=kind, link=b"/etc/passwd")))


@pytest.mark.parametrize(
    "fields",
    [
        {"mode": b"0000755\0"},
        {"mode": b"0004644\0"},
        {"uid": b"0000001\0"},
        {"gid": b"0000001\0"},
        {"mtime": b"00000000001\0"},
        {"size": b"\x80\0\0\0\0\0\0\0\0\0\0\1"},
        {"size": b"          1\0"},
        {"size": b"00000000001 "},
        {"size": b"-0000000001\0"},
        {"link": b"a"},
        {"magic": b"ustar  \0"},
        {"magic": b"\0" * 8},
        {"uname": b"root"},
        {"gname": b"root"},
        {"dev": b"0000001\0"},
        {"pad": b"hidden"},
    ],
    ids=str,
)
def test_any_other_header_is_refused(fields):
    with pytest.raises(ArchiveFormatError):
        unpack_tar(tar_of(crafted(b"a", **fields)))


def test_bytes_hidden_after_the_end_of_a_name_are_refused():
    with pytest.raises(ArchiveFormatError):
        unpack_tar(tar_of(crafted(b"a\0hidden")))


def test_bytes_hidden_in_the_padding_are_refused():
    member = crafted(b"a")
    with pytest.raises(ArchiveFormatError):
        unpack_tar(tar_of(member[:-1] + b"!"))


def test_a_wrong_checksum_is_refused():
    member = bytearray(crafted(b"a"))
    member[150] ^= 1
    with pytest.raises(ArchiveFormatError):
        unpack_tar(tar_of(bytes(member)))


@pytest.mark.parametrize(
    "names",
    [
        [b"a", b"a"],
        [b"A", b"a"],
        [b"b", b"a"],
        [b"a", b"a/b"],
        [b"A", b"a/b"],
        [b"A/b", b"a/c"],
        [b"A/b", b"a/b"],
        [b"a", b"b", b"a"],
    ],
    ids=[
        "twice",
        "case",
        "order",
        "file-and-folder",
        "file-and-folder-by-case",
        "folder-by-case",
        "path-by-case",
        "twice-apart",
    ],
)
def test_colliding_or_disordered_members_are_refused(names):
    with pytest.raises(ArchivePathError):
        unpack_tar(tar_of(*(crafted(n) for n in names)))


@pytest.mark.parametrize(
    "tar",
    [
        b"",
        HONEST[:-512],
        HONEST[:-1024],
        HONEST + bytes(512),
        HONEST + bytes(10240 - len(HONEST)),
        HONEST + HONEST,
        HONEST[:-1] + b"!",
        bytes(512) + HONEST,
        HONEST[:512],
        HONEST[:600],
    ],
    ids=[
        "empty",
        "one-end-block",
        "no-end-block",
        "extra-block",
        "record-padding",
        "appended-tar",
        "dirty-end",
        "leading-block",
        "no-data",
        "cut-data",
    ],
)
def test_other_ends_are_refused(tar):
    with pytest.raises(ArchiveFormatError):
        unpack_tar(tar)


def test_a_size_beyond_the_archive_is_refused():
    with pytest.raises(ArchiveFormatError):
        unpack_tar(tar_of(crafted(b"a", size=b"77777777777\0")))


def written_by_tarfile(fmt: int, path: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=fmt) as tar:
        info = tarfile.TarInfo(path)
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))
    return out.getvalue()


@pytest.mark.parametrize(
    "fmt", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT]
)
def test_what_tarfile_writes_is_refused_for_its_extensions_or_padding(fmt):
    path = "n" * 150 if fmt != tarfile.USTAR_FORMAT else "n"
    with pytest.raises(ArchiveFormatError):
        unpack_tar(written_by_tarfile(fmt, path))


def test_a_compressed_archive_is_told_so():
    deflated = gzip.compress(HONEST, mtime=0)
    for archive in (deflated, gzip_stored(b"")[:10] + deflated[10:]):
        with pytest.raises(ArchiveFormatError, match=r"fixed header|compressed"):
            unpack(archive)


def test_a_decompression_bomb_is_refused_before_it_expands():
    bomb = gzip.compress(bytes(50 * 1024 * 1024), mtime=0)
    with pytest.raises(ArchiveFormatError):
        unpack(bomb)


def test_a_bomb_behind_our_own_header_is_refused():
    deflate = zlib.compressobj(wbits=-15)
    body = deflate.compress(bytes(1 << 20)) + deflate.flush()
    with pytest.raises(ArchiveFormatError):
        unpack(gzip_stored(b"")[:10] + body + bytes(8))


def test_an_archive_past_the_bound_is_refused_unread():
    with pytest.raises(LimitExceededError):
        unpack(bytes(BUNDLE_BOUNDS.max_bytes + 10_000_000))


FRAMED = gzip_stored(HONEST)


@pytest.mark.parametrize(
    "archive",
    [
        gzip.compress(HONEST, mtime=0),
        gzip.compress(HONEST, compresslevel=0, mtime=1),
        FRAMED + FRAMED,
        FRAMED + b"\0",
        FRAMED[:-1],
        FRAMED[:3] + b"\x08" + FRAMED[4:10] + b"name\0" + FRAMED[10:],
        FRAMED[:4] + b"\1" + FRAMED[5:],
        FRAMED[:10] + b"\0\0\0\xff\xff" + FRAMED[10:],
        FRAMED[:10] + b"\0" + FRAMED[11:-8] + b"\1\0\0\xff\xff" + FRAMED[-8:],
        FRAMED[:-8] + bytes(8),
        b"",
        FRAMED[:10],
        HONEST,
    ],
    ids=[
        "deflated",
        "stored-by-zlib",
        "second-member",
        "trailing-byte",
        "cut",
        "name-flag",
        "time",
        "empty-first-block",
        "empty-last-block",
        "wrong-crc",
        "empty",
        "header-only",
        "bare-tar",
    ],
)
def test_other_gzip_is_refused(archive):
    with pytest.raises(ArchiveFormatError):
        unpack(archive)


def test_an_empty_last_block_after_a_full_one_is_refused():
    data = bytes(65_535)
    framed = gzip_stored(data)
    twisted = framed[:10] + b"\0" + framed[11:-8] + b"\1\0\0\xff\xff" + framed[-8:]
    assert gzip.decompress(twisted) == data
    with pytest.raises(ArchiveFormatError):
        unpack(twisted)
