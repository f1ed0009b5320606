# SPDX-License-Identifier: Apache-2.0
"""The manifest of an overlay bundle: one form, and nothing beside it."""

import json

import pytest

from bundle.errors import ManifestFormatError
from bundle.limits import MAX_MANIFEST_BYTES
from bundle.manifest import Manifest, parse_manifest
from keys.errors import (
    FieldFormatError,
    JsonFormatError,
    LimitExceededError,
    UsageError,
)

GOOD = {"rego_version": 1, "revision": "7", "roots": ["overlay"]}


def written(**changes) -> bytes:
    value = {k: v for k, v in {**GOOD, **changes}.items() if v is not None}
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize("revision", [1, 7, 999_999_999_999_999])
def test_a_manifest_round_trips(revision):
    assert parse_manifest(Manifest(revision).to_bytes()) == Manifest(revision)


def test_a_manifest_has_the_form_that_opa_reads():
    assert Manifest(7).to_bytes() == written()


@pytest.mark.parametrize("revision", [0, -1, 10**15])
def test_a_revision_out_of_range_is_not_written(revision):
    with pytest.raises(UsageError):
        Manifest(revision)


@pytest.mark.parametrize(
    "data",
    [
        written(roots=["overlay", "proposal"]),
        written(roots=[""]),
        written(roots=[]),
        written(roots=None),
        written(rego_version=0),
        written(rego_version=None),
        written(wasm=[]),
        written(metadata={}),
        written(revision="07"),
        written(revision="0"),
        written(revision="-7"),
        written(revision="7\n"),
        written(revision="v7"),
        written(revision="1" * 16),
        written() + b"\n",
        b" " + written(),
        json.dumps(GOOD).encode(),
    ],
)
def test_any_other_manifest_is_refused(data):
    with pytest.raises(ManifestFormatError):
        parse_manifest(data)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", JsonFormatError),
        (b"[]", FieldFormatError),
        (b"{}", FieldFormatError),
        (written(revision=7), FieldFormatError),
        (b'{"revision":"1","revision":"2"}', JsonFormatError),
        (b" " * (MAX_MANIFEST_BYTES + 1), LimitExceededError),
    ],
)
def test_what_is_no_manifest_is_refused(data, error):
    with pytest.raises(error):
        parse_manifest(data)
