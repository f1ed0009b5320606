# SPDX-License-Identifier: Apache-2.0
"""Layers are archives of Rego with a name, and the examples are two of them."""

import json
import shutil
from pathlib import Path

import pytest

from bundle.archive import gzip_stored, pack_tar
from bundle.errors import LayerFormatError
from bundle.layers import MAX_DESCRIPTION_BYTES, build_layer, read_layer
from bundle.rego.engine import Module
from bundle.rego.errors import RegoParseError
from bundle.rego.reader import read_syntax
from bundle.rego.templates import library
from keys.digest import Digest
from keys.errors import (
    FormatError,
    LimitExceededError,
    NotFoundError,
    SignatureInvalidError,
)
from keys.public import PublicKey
from signer.verify_key import verify_layer
from tests.simulators.rego import shared_engine

EXAMPLES = Path(__file__).parents[3] / "examples"
NAMES = ("constitution", "packs/change-control")
DESCRIPTION = {"kind": "pack", "name": "change-control", "version": "1.0.0"}


def archive(description=DESCRIPTION, **files):
    members = {name.replace("__", "."): data for name, data in files.items()}
    if description is not None:
        members["layer.json"] = json.dumps(description).encode()
    return gzip_stored(pack_tar(members))


def test_a_layer_is_read_with_its_modules():
    data = archive(a__rego=b"package pack.change_control")
    layer = read_layer(data)
    assert (layer.kind, layer.name, layer.version) == (
        "pack",
        "change-control",
        "1.0.0",
    )
    assert layer.modules == (
        Module("change-control/a.rego", "package pack.change_control"),
    )
    assert (layer.archive, layer.digest) == (data, Digest.of(data))


def test_decisions_are_asked_for_by_path():
    constitution = read_layer(build_layer(EXAMPLES / "constitution"))
    pack = read_layer(build_layer(EXAMPLES / "packs/change-control"))
    assert constitution.deny_path == "data.proposal.deny"
    assert pack.deny_path == "data.pack.change_control.deny"


REFUSED = {
    "no description": archive(None, a__rego=b"package a"),
    "no Rego": archive(),
    "data": archive(a__rego=b"package a", data__json=b"{}"),
    "a test": archive(a_test__rego=b"package a"),
    "another kind": archive(DESCRIPTION | {"kind": "overlay"}, a__rego=b"package a"),
    "a name with a dot": archive(DESCRIPTION | {"name": "a.b"}, a__rego=b"package a"),
    "a name with a slash": archive(DESCRIPTION | {"name": "a/b"}, a__rego=b"package a"),
    "a version of two numbers": archive(
        DESCRIPTION | {"version": "1.0"}, a__rego=b"package a"
    ),
    "an unknown field": archive(DESCRIPTION | {"license": "x"}, a__rego=b"package a"),
    "no archive": b"hello",
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_an_archive_that_is_no_layer_is_refused(data):
    with pytest.raises(FormatError):
        read_layer(data)


def test_a_description_may_have_its_limit_of_bytes_and_no_more():
    text = json.dumps(DESCRIPTION).encode()
    for extra in (0, 1):
        padded = text + b" " * (MAX_DESCRIPTION_BYTES - len(text) + extra)
        data = gzip_stored(pack_tar({"layer.json": padded, "a.rego": b"package a"}))
        if extra:
            with pytest.raises(LimitExceededError):
                read_layer(data)
        else:
            read_layer(data)


def test_a_file_that_no_parser_should_see_is_refused():
    with pytest.raises(RegoParseError):
        read_layer(archive(a__rego=b"package a\x00"))


def test_a_layer_is_built_the_same_every_time_and_without_tests():
    directory = EXAMPLES / "constitution"
    assert build_layer(directory) == build_layer(directory)
    paths = [module.path for module in read_layer(build_layer(directory)).modules]
    assert "example-constitution/allowed_paths.rego" in paths
    assert not any("_test" in path for path in paths)


def test_a_folder_without_description_is_no_layer(tmp_path):
    with pytest.raises(NotFoundError):
        build_layer(tmp_path)


def test_a_folder_without_rego_is_no_layer(tmp_path):
    (tmp_path / "layer.json").write_text(json.dumps(DESCRIPTION))
    with pytest.raises(LayerFormatError):
        build_layer(tmp_path)


def test_a_link_does_not_get_into_a_layer(tmp_path):
    shutil.copytree(EXAMPLES / "packs/change-control", tmp_path / "pack")
    (tmp_path / "secret.rego").write_text("package pack.change_control")
    (tmp_path / "pack" / "link.rego").symlink_to(tmp_path / "secret.rego")
    with pytest.raises(Exception, match=r"link\.rego") as caught:
        build_layer(tmp_path / "pack")
    assert caught.value.code == "layer-format"


def examples_engine_modules():
    return [
        Module(str(path.relative_to(EXAMPLES)), path.read_text())
        for path in sorted(EXAMPLES.rglob("*.rego"))
    ]


def example_tests():
    for module in examples_engine_modules():
        if module.path.endswith("_test.rego"):
            syntax = read_syntax(module, shared_engine().parse(module))
            for rule in syntax.rules:
                if rule.root.startswith("test_"):
                    yield f"data.{'.'.join(syntax.package)}.{rule.root}"


def test_the_tests_of_the_examples_pass():
    paths = list(example_tests())
    policy = shared_engine().load(examples_engine_modules())
    values = policy.evaluate_many(paths, {})
    assert len(paths) > 10
    assert [
        path for path, value in zip(paths, values, strict=True) if value is not True
    ] == []


def test_the_constitution_ships_the_platforms_library():
    text = (EXAMPLES / "constitution/overlay_lib.rego").read_text()
    assert text == library().source


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_are_signed_by_their_publisher(name):
    publisher = PublicKey.from_pem((EXAMPLES / "publisher.pub").read_bytes())
    attestation = (EXAMPLES / f"{name}.sigstore.json").read_bytes()
    data = build_layer(EXAMPLES / name)
    layer = read_layer(data)
    said = verify_layer(attestation, publisher=publisher, archive=data).require()
    assert (said.layer, said.name, said.version) == (
        layer.kind,
        layer.name,
        layer.version,
    )
    refused = verify_layer(attestation, publisher=publisher, archive=data + b"x")
    assert not refused


def test_no_private_key_lies_among_the_examples():
    for path in EXAMPLES.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            assert b"PRIVATE KEY" not in path.read_bytes()
    assert SignatureInvalidError.code == "signature-invalid"


def test_a_pack_says_which_rules_nobody_may_waive(tmp_path):
    said = {
        "kind": "pack",
        "name": "p",
        "version": "1.0.0",
        "not_waivable": ["p.b", "p.a"],
    }
    (tmp_path / "layer.json").write_text(json.dumps(said))
    (tmp_path / "p.rego").write_text("package pack.p\n")
    layer = read_layer(build_layer(tmp_path))
    assert layer.not_waivable == {"p.a", "p.b"}
    said["kind"] = "constitution"
    (tmp_path / "layer.json").write_text(json.dumps(said))
    with pytest.raises(LayerFormatError):
        build_layer(tmp_path)
