# SPDX-License-Identifier: Apache-2.0
"""What S3 adds to the duties of a store: lost answers, contention, caches, bounds."""

import subprocess
import sys
from pathlib import Path

import pytest

from bundle.storage.bucket import Bucket, Location
from bundle.storage.s3 import S3Storage
from keys.digest import Digest
from keys.errors import (
    ConfigurationError,
    LimitExceededError,
    StorageUnavailableError,
    WriteConflictError,
)
from tests.simulators.s3 import REGION, Fault

ROOT = Path(__file__).parents[3]
PASSING = [
    Fault.CONTENDED,
    Fault.BUSY,
    Fault.BROKEN,
    Fault.LOST_REQUEST,
    Fault.LOST_ANSWER,
]


@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_is_not_seen_by_the_caller(s3, fault):
    storage = s3.storage()
    for write in (
        lambda: storage.put_immutable("a", b"1"),
        lambda: storage.replace("head", b"1", expected=None),
        lambda: storage.replace("head", b"2", expected=Digest.of(b"1")),
        lambda: storage.discard("a"),
    ):
        s3.door.fail(0, fault)
        write()
    assert storage.names("") == ["head"]
    assert storage.get("head", max_bytes=1) == b"2"


def test_contention_is_waited_for_with_growing_jitter_and_not_for_ever(s3):
    pauses = []
    storage = S3Storage(s3.bucket(), pause=pauses.append)
    for write in range(6):
        s3.door.fail(write, Fault.CONTENDED)
    with pytest.raises(StorageUnavailableError):
        storage.put_immutable("a", b"1")
    assert len(s3.door.writes) == 6
    assert len(pauses) == 5
    assert all(0 <= pause < 0.05 * 2**n for n, pause in enumerate(pauses))
    assert len(set(pauses)) > 1


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.DOWN_AFTER])
def test_a_bucket_that_stays_silent_is_unavailable_and_nothing_is_between(s3, fault):
    storage = s3.storage()
    s3.door.fail(0, fault)
    with pytest.raises(StorageUnavailableError) as refused:
        storage.put_immutable("a", b"1")
    assert refused.value.code == "storage-unavailable"
    s3.door.heal()
    there = fault is Fault.DOWN_AFTER
    assert storage.names("") == (["a"] if there else [])
    storage.put_immutable("a", b"1")
    assert storage.get("a", max_bytes=1) == b"1"


def test_a_lost_swap_is_compared_and_not_sent_again(s3):
    storage = s3.storage()
    s3.door.fail(0, Fault.LOST_ANSWER)
    storage.replace("head", b"1", expected=None)
    assert s3.door.writes == ["a/b/head"]


def test_a_lost_swap_that_others_have_replaced_since_is_not_called_a_conflict(s3):
    """It may have been in force in between: only the caller can find that out."""
    other = s3.storage()

    def meanwhile(_):
        other.replace("head", b"3", expected=Digest.of(b"2"))

    storage = S3Storage(s3.bucket(), "a/b", pause=meanwhile)
    storage.replace("head", b"1", expected=None)
    s3.door.fail(0, Fault.LOST_ANSWER)
    with pytest.raises(StorageUnavailableError):
        storage.replace("head", b"2", expected=Digest.of(b"1"))
    assert storage.get("head", max_bytes=1) == b"3"


def test_a_swap_that_loses_between_look_and_write_is_a_conflict(s3):
    storage, other = s3.storage(), s3.storage()
    storage.replace("head", b"1", expected=None)
    put = storage._bucket.put

    def raced(*args, **kwargs):
        other.replace("head", b"2", expected=Digest.of(b"1"))
        storage._bucket.put = put
        put(*args, **kwargs)

    storage._bucket.put = raced
    with pytest.raises(WriteConflictError):
        storage.replace("head", b"3", expected=Digest.of(b"1"))
    assert storage.get("head", max_bytes=1) == b"2"


def test_an_object_that_vanishes_between_look_and_write_is_a_conflict(s3):
    storage = s3.storage()
    storage.replace("head", b"1", expected=None)
    put = storage._bucket.put

    def raced(*args, **kwargs):
        s3.client.delete_object(Bucket=s3.name, Key="a/b/head")
        put(*args, **kwargs)

    storage._bucket.put = raced
    with pytest.raises(WriteConflictError):
        storage.replace("head", b"2", expected=Digest.of(b"1"))
    assert s3.objects() == []


def test_a_lost_creation_is_never_taken_for_the_bytes_of_others(s3):
    storage = s3.storage()
    storage.put_immutable("a", b"theirs")
    s3.door.fail(0, Fault.LOST_REQUEST)
    with pytest.raises(WriteConflictError):
        storage.put_immutable("a", b"ours")
    assert storage.get("a", max_bytes=10) == b"theirs"


def test_caches_are_told_what_may_be_kept(s3):
    storage = s3.storage()
    storage.put_immutable("metadata/1.root.json", b"{}")
    storage.put_immutable("targets/overlay/1/aa.bundle.tar.gz", b"")
    storage.replace("metadata/timestamp.json", b"{}", expected=None)
    storage.replace("log/checkpoint", b"c", expected=None)
    for key, expected in {
        "metadata/1.root.json": (IMMUTABLE, "application/json"),
        "targets/overlay/1/aa.bundle.tar.gz": (IMMUTABLE, "application/gzip"),
        "metadata/timestamp.json": ("no-cache", "application/json"),
        "log/checkpoint": ("no-cache", "text/plain; charset=utf-8"),
    }.items():
        answer = s3.client.head_object(Bucket=s3.name, Key=f"a/b/{key}")
        assert (answer["CacheControl"], answer["ContentType"]) == expected


IMMUTABLE = "public, max-age=31536000, immutable"


def test_listings_are_read_page_by_page(s3):
    storage = s3.storage()
    names = [f"tile/{number}" for number in range(10)]
    for name in names:
        storage.put_immutable(name, b"")
    before = len(s3.door.gets)
    assert storage.names("tile/") == names
    assert len(s3.door.gets) - before == 4


def test_another_prefix_is_another_store(s3):
    one, other, whole = s3.storage("one"), s3.storage("one-more"), s3.storage("")
    one.put_immutable("a", b"1")
    assert other.names("") == []
    assert whole.names("") == ["one/a"]


def test_a_body_beyond_the_bound_is_not_read(s3):
    storage = s3.storage()
    storage.put_immutable("a", b"x" * 5_000_000)
    with pytest.raises(LimitExceededError) as refused:
        storage.get("a", max_bytes=4_999_999)
    assert "4999999" in refused.value.message


def test_a_bucket_that_is_not_there_is_not_an_object_that_is_not_there(s3):
    storage = S3Storage(Bucket("nowhere", endpoint_url=s3.url, region=REGION))
    for use in (
        lambda: storage.get("a", max_bytes=1),
        lambda: storage.put_immutable("a", b""),
        lambda: storage.replace("a", b"", expected=None),
        lambda: storage.names(""),
    ):
        with pytest.raises(StorageUnavailableError) as refused:
            use()
        assert "NoSuchBucket" in refused.value.message


def test_no_credentials_are_said_to_be_missing(s3, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(StorageUnavailableError) as refused:
        s3.storage().names("")
    assert "credentials" in refused.value.message


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://acme-trust", ("acme-trust", "")),
        ("s3://acme-trust/", ("acme-trust", "")),
        ("s3://acme-trust/a/b.c", ("acme-trust", "a/b.c")),
        ("s3://acme-trust/" + "p" * 400, ("acme-trust", "p" * 400)),
    ],
)
def test_a_location_is_a_bucket_and_a_prefix(url, expected):
    assert Location.parse(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "acme",
        "https://acme/x",
        "s3://",
        "s3://A",
        "s3://ab",
        "s3:///x",
        "s3://acme//x",
        "s3://acme/../x",
        "s3://acme/.x",
        "s3://acme/x?versionId=1",
        "s3://acme/" + "p" * 401,
        "s3://key:secret@acme/x",
    ],
)
def test_what_is_no_location_is_refused(url):
    with pytest.raises(ConfigurationError):
        Location.parse(url)


WITHOUT_BOTO3 = """
import sys
sys.modules["boto3"] = None  # importing it is an ImportError
from bundle.storage.bucket import Bucket
from keys.errors import ConfigurationError
try:
    Bucket("acme")
except ConfigurationError as error:
    sys.exit(f"{error.code} {error.hint}")
"""


def test_without_its_extra_s3_says_what_to_install():
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_BOTO3],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr.strip() == "s3-not-installed pip install 'trustacks[s3]'"


# ------------------------------------------------------------- the simulator alone


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"IfNoneMatch": '"etag"'}, 501, id="not-a-star"),
        pytest.param({}, 403, id="no-condition"),
        pytest.param({"IfNoneMatch": "*", "CacheControl": ""}, 400, id="no-cache"),
        pytest.param({"IfNoneMatch": "*", "ChecksumSHA256": "A" * 43 + "="}, 400),
    ],
)
def test_the_simulator_is_stricter_than_moto(s3, changes, status):
    given = {"CacheControl": "no-cache", "ContentType": "x/y", "ChecksumSHA256": EMPTY}
    with pytest.raises(s3.client.exceptions.ClientError) as refused:
        s3.client.put_object(Bucket=s3.name, Key="a", Body=b"", **{**given, **changes})
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert s3.objects() == []


EMPTY = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
