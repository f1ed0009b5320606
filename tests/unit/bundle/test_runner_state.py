# SPDX-License-Identifier: Apache-2.0
"""The Runner's memory: strict, whole, and never mistaken for none."""

from datetime import UTC, datetime, timedelta

import pytest

from bundle.gate import Candidate
from bundle.marks import Known, LogMark, Marks
from bundle.runner.errors import RunnerStateDamagedError
from bundle.runner.state import (
    KEY_FILE,
    LOCK_FILE,
    MAX_STATE_BYTES,
    Activation,
    ReportChain,
    State,
    load_state,
    store_state,
)
from bundle.runner.store import (
    clean,
    from_files,
    load_release,
    load_trust,
    store_release,
    store_trust,
    to_files,
)
from keys.digest import Digest
from keys.errors import FieldFormatError, FormatError, NotFoundError
from keys.fields import Fields
from keys.strict import dumps_json, loads_json

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
KNOWN = Known(3, Digest.of(b"release"))
MARKS = Marks(
    workspace=Digest.of(b"root"),
    root_version=1,
    root_digest=Digest.of(b"root"),
    targets_version=2,
    targets_digest=Digest.of(b"targets"),
    at=AT,
    release=KNOWN,
    log=LogMark("acme.log", 9, Digest.of(b"tree")),
)
FULL = State(
    runner="runner",
    marks=MARKS,
    active=Activation(KNOWN, AT),
    pending=Known(4, Digest.of(b"next")),
    void_since=AT,
    reports=ReportChain(2, Digest.of(b"report"), b"statement"),
)


@pytest.mark.parametrize("state", [State("runner"), FULL], ids=["fresh", "full"])
def test_state_is_read_back_as_it_was_written(state, tmp_path):
    store_state(tmp_path, state)
    assert load_state(tmp_path) == state
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


def test_an_empty_directory_is_fresh_and_a_lock_or_a_key_is_no_state(tmp_path):
    assert load_state(tmp_path) is None
    (tmp_path / LOCK_FILE).touch()
    (tmp_path / KEY_FILE).touch()
    (tmp_path / ".tmp-0123").touch()
    assert load_state(tmp_path) is None


@pytest.mark.parametrize("name", ["releases", "trust", "tuf", "decisions.json", "x"])
def test_anything_else_without_a_state_is_damage(name, tmp_path):
    (tmp_path / name).mkdir()
    with pytest.raises(RunnerStateDamagedError):
        load_state(tmp_path)


def parts(value, path=()):
    """Every place in a document."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*path, name)
            yield from parts(inner, (*path, name))


def without(value, path):
    name, *rest = path
    if not rest:
        return {k: v for k, v in value.items() if k != name}
    return {**value, name: without(value[name], rest)}


DOCUMENT = loads_json(FULL.to_bytes(), max_bytes=MAX_STATE_BYTES)


@pytest.mark.parametrize("path", list(parts(DOCUMENT)), ids=".".join)
def test_a_state_with_any_field_missing_is_damage(path, tmp_path):
    (tmp_path / "state.json").write_bytes(dumps_json(without(DOCUMENT, path)))
    with pytest.raises(RunnerStateDamagedError):
        load_state(tmp_path)


def test_a_state_with_a_field_more_is_damage(tmp_path):
    (tmp_path / "state.json").write_bytes(dumps_json({**DOCUMENT, "more": 1}))
    with pytest.raises(RunnerStateDamagedError):
        load_state(tmp_path)


def test_a_state_that_is_a_link_is_not_followed(tmp_path):
    store_state(tmp_path, FULL)
    (tmp_path / "state.json").rename(tmp_path / "elsewhere")
    (tmp_path / "state.json").symlink_to("elsewhere")
    with pytest.raises(Exception, match=r"state\.json"):
        load_state(tmp_path)


def test_a_state_has_a_bound(tmp_path):
    (tmp_path / "state.json").write_bytes(b" " * (MAX_STATE_BYTES + 1))
    with pytest.raises(RunnerStateDamagedError, match="at most"):
        load_state(tmp_path)
    data = FULL.to_bytes()
    room = MAX_STATE_BYTES - len(data)
    (tmp_path / "state.json").write_bytes(data + b" " * room)
    assert load_state(tmp_path) == FULL


# ------------------------------------------------------------------ marks


def test_marks_keep_what_newer_metadata_cannot_know():
    newer = Marks(
        workspace=MARKS.workspace,
        root_version=1,
        root_digest=MARKS.root_digest,
        targets_version=3,
        targets_digest=Digest.of(b"newer"),
        at=AT - timedelta(seconds=10),
        log=LogMark("acme.log", 5, Digest.of(b"smaller")),
    )
    joined = newer.over(MARKS)
    assert joined.targets_version == 3
    assert joined.release == KNOWN
    assert joined.at == AT
    assert joined.log == MARKS.log
    assert newer.over(None) == newer


def test_marks_of_another_log_take_its_place():
    other = LogMark("new.log", 1, Digest.of(b"other"))
    newer = Marks(
        workspace=MARKS.workspace,
        root_version=1,
        root_digest=MARKS.root_digest,
        targets_version=3,
        targets_digest=Digest.of(b"newer"),
        at=AT,
        log=other,
    )
    assert newer.over(MARKS).log == other


@pytest.mark.parametrize("revision", [0, -1])
def test_a_known_release_begins_at_one(revision):
    value = {"revision": revision, "digest": str(KNOWN.digest)}
    with pytest.raises(FieldFormatError):
        Known.parse(Fields(value, "known"))


# ------------------------------------------------------------------ stored releases

CANDIDATE = Candidate(
    roots=(b"root 1", b"root 2"),
    targets=b"targets",
    release_role=b"release",
    policy=b"policy",
    trusted_root=b"trusted root",
    constitution=b"constitution",
    constitution_attestation=b"by its publisher",
    packs={"a": b"pack a", "b-c": b"pack b"},
    pack_attestations={"a": b"a's", "b-c": b"b's"},
    revision=12,
    bundle=b"bundle",
    attestations=b"lines",
    chain=(b"earlier",),
)


def test_a_stored_release_is_read_back_without_its_chain(tmp_path):
    name = store_release(tmp_path, KNOWN.digest, CANDIDATE)
    assert (tmp_path / name).is_file()
    loaded = load_release(tmp_path, KNOWN.digest)
    assert to_files(loaded) == to_files(CANDIDATE)
    assert loaded.chain == ()
    assert loaded.revision == 12
    assert loaded.roots == CANDIDATE.roots


def test_stored_trust_has_no_release(tmp_path):
    store_trust(tmp_path, KNOWN.digest, CANDIDATE)
    loaded = load_trust(tmp_path, KNOWN.digest)
    assert loaded.release_role is None
    assert loaded.policy == b"policy"
    assert loaded.bundle == b""


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files.pop("metadata/targets.json"),
        lambda files: files.pop("trust/policy.json"),
        lambda files: files.pop("overlay/12/bundle.tar.gz"),
        lambda files: files.update({"overlay/13/bundle.tar.gz": b""}),
        lambda files: files.update({"overlay/x/bundle.tar.gz": b""}),
        lambda files: files.update({"foreign": b""}),
        lambda files: files.update({"metadata/root/0007.json": b""}),
    ],
)
def test_a_stored_release_with_other_files_is_refused(change):
    files = to_files(CANDIDATE)
    change(files)
    with pytest.raises(FormatError):
        from_files(files)


def test_cleaning_keeps_what_is_named_and_clears_half_writes(tmp_path):
    store_release(tmp_path, KNOWN.digest, CANDIDATE)
    other = Digest.of(b"other")
    store_release(tmp_path, other, CANDIDATE)
    (tmp_path / "releases" / ".tmp-0123").touch()
    (tmp_path / ".tmp-4567").touch()  # another thread's, perhaps
    clean(tmp_path, [KNOWN.digest])
    assert load_release(tmp_path, KNOWN.digest)
    with pytest.raises(NotFoundError):
        load_release(tmp_path, other)
    assert len(list((tmp_path / "releases").iterdir())) == 1
    assert (tmp_path / ".tmp-4567").exists()
