# SPDX-License-Identifier: Apache-2.0
"""Keys are made once, kept encrypted, and shown by their public half."""

import stat
import subprocess
import sys

import pytest

from keys.providers import open_signing_key
from keys.public import PublicKey
from tests.simulators.plane import ROOT, Ended


def test_a_key_is_made_encrypted_and_shown(cli, home):
    made = cli("keys", "create", "author", "--json")
    assert (made.exit_code, made.err) == (0, "")
    path = home / "keys" / "author.pem"
    assert made.value["uri"] == f"encfile:{path}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"ENCRYPTED" in path.read_bytes()
    key = open_signing_key(f"encfile:{path}", lambda _: "correct horse")
    assert key.public_key == PublicKey.from_pem(made.value["public_key"])
    assert cli("keys", "show", "author", "--json").value == made.value
    assert cli("keys", "show", "--json").value == made.value


def test_show_opens_the_key_when_its_public_half_was_lost(cli, home):
    made = cli("keys", "create", "author", "--json")
    (home / "keys" / "author.pub").unlink()
    assert cli("keys", "show", "author", "--json").value == made.value


def test_a_key_is_never_replaced(cli, home):
    cli("keys", "create", "author")
    before = (home / "keys" / "author.pem").read_bytes()
    again = cli("keys", "create", "author")
    assert (again.exit_code, again.code) == (1, "key-exists")
    assert (home / "keys" / "author.pem").read_bytes() == before


def test_the_public_half_goes_to_a_new_file_only(cli, home, tmp_path):
    made = cli("keys", "create", "author", "--json")
    out = tmp_path / "author.pub"
    assert cli("keys", "show", "author", "--out", out).exit_code == 0
    assert out.read_text() == made.value["public_key"]
    out.write_text("mine")
    refused = cli("keys", "show", "author", "--out", out)
    assert (refused.exit_code, refused.code) == (1, "file-exists")
    assert out.read_text() == "mine"


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "a b", "ü"])
def test_a_key_name_cannot_leave_its_folder(cli, home, name):
    refused = cli("keys", "create", name)
    assert (refused.exit_code, refused.code) == (2, "usage")
    assert not home.exists()


def test_no_key_and_several_keys_are_said(cli):
    assert cli("keys", "show").code == "ambiguous-key"
    cli("keys", "create", "one")
    cli("keys", "create", "two")
    several = cli("keys", "show")
    assert (several.exit_code, several.code) == (2, "ambiguous-key")
    assert "one, two" in several.err


def test_an_empty_passphrase_makes_no_key(cli, home):
    (cli.folder / "passphrase").write_text("\n")
    refused = cli("keys", "create", "author")
    assert refused.exit_code == 1
    assert refused.code == "format"
    assert not (home / "keys" / "author.pem").exists()


def test_without_file_or_terminal_there_is_no_passphrase(cli, home):
    environment = cli.variables
    del environment["TRUSTACKS_PASSPHRASE_FILE"]
    done = subprocess.run(
        [sys.executable, "-m", "trustacks", "keys", "create", "author"],
        env={**environment, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    refused = Ended(done.returncode, done.stdout, done.stderr)
    assert (refused.exit_code, refused.code) == (3, "passphrase-missing")
    assert "TRUSTACKS_PASSPHRASE_FILE" in refused.err
    assert not (home / "keys" / "author.pem").exists()


def test_a_missing_passphrase_file_is_said(cli):
    (cli.folder / "passphrase").unlink()
    assert cli("keys", "create", "author").code == "passphrase-missing"
