# SPDX-License-Identifier: Apache-2.0
"""Attack: a file that becomes another one while somebody logs in to sign it."""

import pytest

from keys.digest import Digest
from signer.dsse import IN_TOTO, pae
from tests.simulators.sigstore import statement
from tests.simulators.sigstore_http import ALICE, SigstoreHttp
from trustacks._cli.outside import Outside


@pytest.fixture
def place(tmp_path):
    with SigstoreHttp().serving() as running:
        (tmp_path / "root.json").write_bytes(running.trusted_root())
        (tmp_path / "config.json").write_bytes(running.signing_config())
        (tmp_path / "token").write_text(running.token() + "\n")
        yield running


@pytest.fixture
def swapped(monkeypatch, tmp_path):
    """Whoever can write the file waits until it was read once."""

    def arrange(before: bytes, after: bytes) -> None:
        (tmp_path / "file").write_bytes(before)
        certified = Outside._certified
        keyed = Outside._keyed

        def late(self, *given, then):
            (tmp_path / "file").write_bytes(after)
            return then(self, *given)

        monkeypatch.setattr(Outside, "_certified", lambda s: late(s, then=certified))
        monkeypatch.setattr(Outside, "_keyed", lambda s, k: late(s, k, then=keyed))

    return arrange


def services(folder):
    return (
        *("--trusted-root", folder / "root.json"),
        *("--signing-config", folder / "config.json"),
        *("--identity-token-file", folder / "token"),
    )


def test_a_statement_is_not_signed_as_the_file_that_takes_its_place(
    cli, place, swapped, tmp_path
):
    """Its digest was taken, then its beginning looked at: two files, one signature."""
    encoded = pae(IN_TOTO, statement(b"anything"))
    swapped(encoded, b"a file")
    ended = cli("sign", tmp_path / "file", *services(tmp_path))
    assert (ended.exit_code, ended.code) == (2, "file-ambiguous")
    assert place.entries == 0
    assert not (tmp_path / "file.sigstore.json").exists()


def test_what_is_shown_is_what_is_signed(cli, place, swapped, tmp_path):
    swapped(b"a file", b"another")
    done = cli.must("sign", tmp_path / "file", *services(tmp_path), "--json")
    assert done.value["subject"] == ALICE
    digest = Digest.of(b"a file")
    assert (str(digest) in done.err, done.value["digest"]) == (True, str(digest))
    who = (
        *("--trusted-root", tmp_path / "root.json"),
        *("--certificate-identity", ALICE),
        *("--certificate-oidc-issuer", place.issuer),
    )
    bundle = ("--bundle", tmp_path / "file.sigstore.json")
    cli.must("verify", str(digest), *bundle, *who)


def test_a_key_signs_what_was_shown(cli, place, swapped, tmp_path):
    cli.must("keys", "create", "mine")
    swapped(b"a file", b"another")
    done = cli.must("sign", tmp_path / "file", "--bare", "--key", "mine", "--json")
    digest = str(Digest.of(b"a file"))
    assert digest in done.err
    cli.must("keys", "show", "mine", "--out", tmp_path / "mine.pub")
    known = ("--key", tmp_path / "mine.pub", "--logs", "0")
    bundle = ("--bundle", tmp_path / "file.sigstore.json")
    (tmp_path / "file").write_bytes(b"a file")
    cli.must("verify", tmp_path / "file", *bundle, *known)
