# SPDX-License-Identifier: Apache-2.0
"""A path that names no file is misuse, and is said before anything is signed."""

import pytest

from tests.simulators.plane import tree

TYPE = "https://example.com/built/v1"
WAYS = {"sign": (), "attest": ("--predicate-type", TYPE, "--predicate", "{tmp}/said")}
KEYED = ("--key", "{tmp}/mine.pub", "--logs", "0")

GIVEN = {
    "a folder is signed": ("sign", "{tmp}", "--bare"),
    "a bundle": ("verify", "{tmp}/file", "--bundle", "{at}", *KEYED),
    "a key": (
        *("verify", "{tmp}/file", "--bundle", "{tmp}/file"),
        *("--key", "{at}", "--logs", "0"),
    ),
    "a trusted root": (
        *("verify", "{tmp}/file", "--bundle", "{tmp}/file"),
        *("--key", "{tmp}/mine.pub", "--trusted-root", "{at}"),
    ),
    "a token": (
        *("sign", "{tmp}/file", "--identity-token-file", "{at}"),
        *("--trusted-root", "public-good"),
    ),
    "a predicate": (
        *("attest", "{tmp}/file", "--bare", "--predicate-type", TYPE),
        *("--predicate", "{at}"),
    ),
}


@pytest.fixture
def there(cli, tmp_path):
    cli.must("keys", "create", "mine")
    cli.must("keys", "show", "mine", "--out", tmp_path / "mine.pub")
    (tmp_path / "file").write_text("a file")
    (tmp_path / "said").write_text('{"took": 1}')
    return tmp_path


@pytest.mark.parametrize("at", ["nothing", "."])
@pytest.mark.parametrize("words", GIVEN.values(), ids=GIVEN)
def test_a_path_that_names_no_file_is_misuse(cli, there, words, at):
    before = tree(there)
    ended = cli(*(w.format(tmp=there, at=there / at) for w in words))
    assert (ended.exit_code, ended.code) == (2, "file-missing")
    assert "hint: check the path" in ended.err
    assert tree(there) == before


@pytest.mark.parametrize("way", WAYS)
def test_where_nothing_can_be_written_nothing_is_signed(cli, there, way):
    out = ("--out", there / "no" / "out.json")
    more = [word.format(tmp=there) for word in WAYS[way]]
    ended = cli(way, there / "file", "--bare", "--key", "mine", *more, *out)
    assert (ended.exit_code, ended.code) == (2, "file-missing")
    assert f"expected a folder at {there / 'no'}, got none" in ended.err
    assert "signing" not in ended.err


def test_an_attestation_that_is_named_is_there(alice, there):
    ended = alice("verify", there / "file", "--attestation", there / "nothing")
    assert (ended.exit_code, ended.code) == (2, "file-missing")
    ended = alice("verify", there / "file")
    assert (ended.exit_code, ended.code) == (1, "not-found")
    assert "hint: trustacks sign FILE makes one" in ended.err


def test_a_key_of_a_workspace_uses_no_other_services(alice, there):
    ended = alice("sign", there / "file", "--signing-config", there / "said")
    assert (ended.exit_code, ended.code) == (2, "usage")
    assert "with an identity, got it with a key" in ended.err
