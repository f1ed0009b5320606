# SPDX-License-Identifier: Apache-2.0
"""Reading a pack: bounds, form and digests, each refusal with its code."""

import io
import json
import tarfile
from datetime import UTC, datetime

import pytest

from bundle.audit.errors import (
    HistoryMissingError,
    NotAPackError,
    PackDigestError,
    PackMemberError,
    PackTruncatedError,
    PackVersionError,
)
from bundle.audit.manifest import PackManifest
from bundle.audit.members import read_members, write_members
from bundle.audit.pack import PackBounds, read_pack, write_pack
from keys.digest import Digest
from keys.errors import FieldFormatError, JsonFormatError, LimitExceededError

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
FILES = {
    "metadata/1.root.json": b"{}",
    "log/checkpoint": b"origin\n",
    "targets/trust/x.policy.json": b"policy",
}


def pack(files=FILES):
    return write_pack(files, name="acme", at=AT)


def members(data):
    found = read_members(memoryview(data), max_members=99, max_member_bytes=10**6)
    return [(name, bytes(content)) for name, content in found]


def with_manifest(change):
    (readme, manifest, *rest) = members(pack())
    value = json.loads(manifest[1])
    change(value)
    return write_members([readme, ("manifest.json", json.dumps(value).encode()), *rest])


def test_a_pack_is_a_function_of_its_files():
    backwards = dict(reversed(FILES.items()))
    assert pack() == pack(backwards)


def test_a_pack_gives_back_its_files():
    found = read_pack(pack())
    assert found.manifest.name == "acme"
    assert found.manifest.workspace == Digest.of(b"{}")
    assert found.manifest.exported_at == AT
    assert found.digest == Digest.of(pack())
    assert {name: found.get(name) for name in found.files} == FILES
    assert found.names("metadata/") == ["metadata/1.root.json"]


def test_a_file_that_the_pack_does_not_hold_is_missing_history():
    with pytest.raises(HistoryMissingError):
        read_pack(pack()).get("metadata/2.root.json")


def test_the_readme_is_for_a_person_who_has_only_the_pack():
    with tarfile.open(fileobj=io.BytesIO(pack())) as tar:
        text = tar.extractfile(tar.getmembers()[0]).read().decode()
    for said in (
        "acme",
        str(Digest.of(b"{}")),
        "audit replay",
        "--log-key",
        "tlog-tiles",
    ):
        assert said in text


def test_a_pack_without_the_first_root_cannot_be_written():
    with pytest.raises(HistoryMissingError):
        write_pack({"log/checkpoint": b""}, name="acme", at=AT)


@pytest.mark.parametrize("name", ["notes.txt", "metadata", "secrets/key", "logs/x"])
def test_a_file_outside_the_folders_cannot_be_written(name):
    with pytest.raises(PackMemberError):
        pack({**FILES, name: b""})


@pytest.mark.parametrize("place", ["README.md", "manifest.json"])
def test_a_pack_begins_with_readme_and_manifest(place):
    rest = [m for m in members(pack()) if m[0] != place]
    with pytest.raises(NotAPackError):
        read_pack(write_members(rest))


def test_an_altered_member_is_refused_by_its_digest():
    altered = [(n, b"Policy" if c == b"policy" else c) for n, c in members(pack())]
    with pytest.raises(PackDigestError) as refused:
        read_pack(write_members(altered))
    assert refused.value.evidence["member"] == "targets/trust/x.policy.json"


def test_a_member_that_was_taken_out_is_named():
    fewer = [m for m in members(pack()) if m[0] != "log/checkpoint"]
    with pytest.raises(PackTruncatedError) as refused:
        read_pack(write_members(fewer))
    assert refused.value.evidence["members"] == ["log/checkpoint"]


def test_a_member_that_the_manifest_does_not_name_is_refused():
    more = [*members(pack()), ("targets/z", b"")]
    with pytest.raises(PackMemberError):
        read_pack(write_members(more))


def test_a_member_that_comes_twice_is_refused():
    all_members = members(pack())
    with pytest.raises(PackMemberError):
        read_pack(write_members([*all_members, all_members[-1]]))


def test_members_in_another_order_are_refused():
    (readme, manifest, *rest) = members(pack())
    with pytest.raises(PackMemberError):
        read_pack(write_members([readme, manifest, *reversed(rest)]))


MANIFESTS = {
    "a newer version": (
        lambda m: m.update(format="https://trustacks.com/formats/evidence-pack/v2"),
        PackVersionError,
    ),
    "a newer version with fields of its own": (
        lambda m: m.update(
            format="https://trustacks.com/formats/evidence-pack/v9", x=1
        ),
        PackVersionError,
    ),
    "another format": (
        lambda m: m.update(format="https://example.org/x"),
        NotAPackError,
    ),
    "no format": (lambda m: m.pop("format"), NotAPackError),
    "an unknown field": (lambda m: m.update(more=1), FieldFormatError),
    "no name": (lambda m: m.pop("name"), FieldFormatError),
    "a bad instant": (lambda m: m.update(exported_at="today"), FieldFormatError),
    "files as a list": (lambda m: m.update(files=[]), FieldFormatError),
    "a bad digest": (lambda m: m["files"].update({"log/x": "md5:1"}), FieldFormatError),
    "a name outside": (
        lambda m: m["files"].update({"x": str(Digest.of(b""))}),
        PackMemberError,
    ),
}


@pytest.mark.parametrize(("change", "error"), MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_out_of_form_is_refused(change, error):
    with pytest.raises(error):
        read_pack(with_manifest(change))


def test_a_manifest_with_one_key_twice_is_no_pack():
    with pytest.raises(NotAPackError) as refused:
        PackManifest.parse(b'{"format":"a","format":"b"}')
    assert isinstance(refused.value.__cause__, JsonFormatError)


def test_bounds_hold_at_the_limit_and_refuse_one_past_it():
    data = pack()
    assert read_pack(data, bounds=PackBounds(pack_bytes=len(data)))
    with pytest.raises(LimitExceededError):
        read_pack(data, bounds=PackBounds(pack_bytes=len(data) - 1))
    assert read_pack(data, bounds=PackBounds(members=5))
    with pytest.raises(LimitExceededError):
        read_pack(data, bounds=PackBounds(members=4))
    assert read_pack(data, bounds=PackBounds(member_bytes=4000))
    with pytest.raises(LimitExceededError):
        read_pack(data, bounds=PackBounds(member_bytes=9))
