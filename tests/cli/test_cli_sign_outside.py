# SPDX-License-Identifier: Apache-2.0
"""``trustacks sign``, ``attest`` and ``verify`` of any file, outside of a workspace."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from keys.digest import Digest
from signer.dsse import IN_TOTO, pae
from tests.simulators.plane import ROOT, tree
from tests.simulators.sigstore import statement
from tests.simulators.sigstore_http import ALICE, SigstoreHttp, status
from trustacks.public_good import PublicGood, PublicGoodUnavailableError

TYPE = "https://example.com/built/v1"


@dataclass
class Place:
    """A folder with files and the documents of an instance that is being served."""

    instance: SigstoreHttp
    folder: Path

    @property
    def services(self):
        return (
            *("--trusted-root", self.folder / "root.json"),
            *("--signing-config", self.folder / "config.json"),
        )

    @property
    def me(self):
        return "--identity-token-file", self.folder / "token"

    @property
    def who(self):
        return (
            *("--trusted-root", self.folder / "root.json"),
            *("--certificate-identity", ALICE),
            *("--certificate-oidc-issuer", self.instance.issuer),
        )


@pytest.fixture
def place(tmp_path):
    with SigstoreHttp().serving() as running:
        (tmp_path / "root.json").write_bytes(running.trusted_root())
        (tmp_path / "config.json").write_bytes(running.signing_config())
        (tmp_path / "token").write_text(running.token() + "\n")
        (tmp_path / "file").write_bytes(b"a file")
        (tmp_path / "said.json").write_text('{"took": 1.50}')
        yield Place(running, tmp_path)


@pytest.fixture
def key(cli, tmp_path):
    cli.must("keys", "create", "mine")
    cli.must("keys", "show", "mine", "--out", tmp_path / "mine.pub")
    return tmp_path / "mine.pub"


def test_a_file_is_signed_by_who_holds_the_token(cli, place, tmp_path):
    file = tmp_path / "file"
    done = cli.must("sign", file, *place.services, *place.me, "--json")
    assert done.value["subject"] == ALICE
    assert done.value["digest"] == str(Digest.of(b"a file"))
    assert f"sub = {ALICE}" not in done.err
    assert f"subject = {ALICE}" in done.err
    assert f"as {ALICE} of http://127.0.0.1" in done.err
    assert (tmp_path / "token").read_text().strip() not in done.err + done.out
    bundle = tmp_path / "file.sigstore.json"
    cli.must("verify", file, "--bundle", bundle, *place.who, "--authorities", "1")
    file.write_bytes(b"another")
    ended = cli("verify", file, "--bundle", bundle, *place.who)
    assert (ended.exit_code, ended.code) == (1, "artifact-mismatch")


def test_many_files_are_in_one_statement(cli, place, tmp_path):
    names = ["file", "two", "three"]
    for name in names[1:]:
        (tmp_path / name).write_text(name)
    files, out = [tmp_path / name for name in names], tmp_path / "out.json"
    said = ("--predicate-type", TYPE, "--predicate", tmp_path / "said.json")
    done = cli.must("attest", *files, *said, *place.services, *place.me, "--out", out)
    assert "took = 1.5" in done.err
    assert place.instance.entries == 1
    for file in files:
        about = ("verify", file, "--bundle", out, *place.who)
        cli.must(*about, "--predicate-type", TYPE)
        ended = cli(*about, "--predicate-type", f"{TYPE}.1")
        assert (ended.exit_code, ended.code) == (1, "predicate-type")


def test_a_key_signs_before_the_same_witnesses(cli, place, tmp_path, key):
    file, bundle = tmp_path / "file", tmp_path / "file.sigstore.json"
    cli.must("sign", file, *place.services, "--key", "mine")
    assert place.instance.asked == ["/sigstore/tsa", "/sigstore/log/api/v2/log/entries"]
    trusted = ("--trusted-root", tmp_path / "root.json")
    cli.must("verify", file, "--bundle", bundle, "--key", key, *trusted)


def test_a_key_alone_needs_nobody(cli, place, tmp_path, key):
    file, bundle = tmp_path / "file", tmp_path / "file.sigstore.json"
    cli.must("sign", file, "--bare", "--key", "mine")
    assert place.instance.asked == []
    cli.must("verify", file, "--bundle", bundle, "--key", key, "--logs", "0")
    ended = cli("verify", file, "--bundle", bundle, "--key", key)
    assert (ended.exit_code, ended.code) == (2, "usage")


def test_two_of_three_signed_one_statement(cli, place, tmp_path):
    said = ("--predicate-type", TYPE, "--predicate", tmp_path / "said.json", "--bare")
    pubs, bundles = [], []
    for name in ("a", "b", "c"):
        cli.must("keys", "create", name)
        pub, out = tmp_path / f"{name}.pub", tmp_path / f"{name}.json"
        cli.must("keys", "show", name, "--out", pub)
        cli.must("attest", tmp_path / "file", *said, "--key", name, "--out", out)
        pubs += ["--key", pub]
        bundles += ["--bundle", out]
    about = ("verify", tmp_path / "file", "--logs", "0", *pubs)
    assert cli.must(*about, *bundles).out.startswith("accepted  signed by 3 of 3")
    two = cli.must(*about, *bundles[:4], "--threshold", "2", "--json").value
    assert (two["accepted"], len(two["signers"]), two["threshold"]) == (True, 2, 2)
    once = cli(*about, *bundles[:2], *bundles[:2], "--threshold", "2")
    assert (once.exit_code, once.code) == (1, "too-few-signers")
    ended = cli(*about, *bundles[:4])
    assert (ended.exit_code, ended.code) == (2, "usage")


MISUSED = {
    "a key and an identity": (("--key", "mine"), 2, "usage"),
    "two tokens": (("--identity-token", "a.b.c"), 2, "usage"),
    "a token and a way": (("--oidc", "browser"), 2, "usage"),
    "an identity before nobody": (("--bare",), 2, "usage"),
}


@pytest.mark.parametrize(("more", "exit_code", "code"), MISUSED.values(), ids=MISUSED)
@pytest.mark.usefixtures("key")
def test_what_contradicts_itself_is_misuse(cli, place, more, exit_code, code):
    tmp_path = place.folder
    before = tree(tmp_path)
    ended = cli("sign", tmp_path / "file", *place.services, *place.me, *more)
    assert (ended.exit_code, ended.code) == (exit_code, code)
    assert place.instance.asked == []
    assert tree(tmp_path) == before


REFUSED = {
    "no signing config": (
        ("sign", "{file}", "--trusted-root", "{root}", "{me}"),
        2,
        "usage",
    ),
    "a token that is none": (
        ("sign", "{file}", "{services}", "--identity-token", "rubbish"),
        1,
        "oidc-token-format",
    ),
    "a token for somebody else": (
        ("sign", "{file}", "{services}", "{me}", "--oidc-audience", "other"),
        1,
        "oidc-token-audience",
    ),
    "no token anywhere": (
        ("sign", "{file}", "{services}", "--oidc", "ambient"),
        2,
        "oidc-token-missing",
    ),
    "a root that is none": (
        (
            *("sign", "{file}", "--trusted-root", "{file}"),
            *("--signing-config", "{config}", "{me}"),
        ),
        1,
        "json-format",
    ),
    "a statement as a file": (
        ("sign", "{pae}", "{services}", "{me}"),
        2,
        "file-ambiguous",
    ),
    "a predicate type of ours": (
        (
            *("attest", "{file}", "{services}", "{me}", "--predicate", "{said}"),
            *("--predicate-type", "https://trustacks.com/attestations/release/v1"),
        ),
        2,
        "own-predicate",
    ),
    "several files and no place": (
        (
            *("attest", "{file}", "{said}", "{services}", "{me}"),
            *("--predicate", "{said}", "--predicate-type", TYPE),
        ),
        2,
        "usage",
    ),
}


@pytest.mark.parametrize(("said", "exit_code", "code"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_signed_changes_nothing(cli, place, said, exit_code, code):
    tmp_path = place.folder
    (tmp_path / "pae").write_bytes(pae(IN_TOTO, statement(b"x")))
    names = {"file": "file", "root": "root.json", "config": "config.json"}
    names |= {"pae": "pae", "said": "said.json"}
    groups = {"{services}": place.services, "{me}": place.me}
    words = []
    for word in said:
        plain = word.strip("{}")
        words += groups.get(
            word, (tmp_path / names[plain] if plain in names else word,)
        )
    before = tree(tmp_path)
    ended = cli(*words)
    assert (ended.exit_code, ended.code) == (exit_code, code)
    assert place.instance.entries == 0
    assert tree(tmp_path) == before


@pytest.mark.parametrize("service", ["fulcio", "tsa", "log"])
def test_a_service_that_is_down_is_no_refusal(cli, place, tmp_path, service):
    place.instance.faults[service] = [status(403)]
    before = tree(tmp_path)
    ended = cli("sign", tmp_path / "file", *place.services, *place.me)
    assert (ended.exit_code, ended.code.partition("-")[2]) == (1, "refused")
    assert tree(tmp_path) == before


def test_a_key_with_a_purpose_in_a_workspace_signs_nothing_outside(alice, tmp_path):
    (tmp_path / "file").write_text("a file")
    ended = alice("sign", tmp_path / "file", "--bare", "--key", "alice")
    assert (ended.exit_code, ended.code) == (2, "key-of-workspace")
    alice.must("keys", "create", "spare")
    alice.must("sign", tmp_path / "file", "--bare", "--key", "spare")


def test_the_public_good_instance_says_that_it_is_out_of_reach(cli, tmp_path):
    with pytest.raises(PublicGoodUnavailableError) as refused:
        PublicGood.fetch(tmp_path / "tuf", url="http://127.0.0.1:1")
    assert refused.value.exit_code == 3


def test_without_the_extra_an_identity_cannot_sign(cli, place, monkeypatch):
    for name in ("sigstore", "sigstore.dsse"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "signer.keyless.sign", raising=False)
    ended = cli("sign", place.folder / "file", *place.services, *place.me)
    assert (ended.exit_code, ended.code) == (3, "keyless-missing")
    assert "pip install 'trustacks[keyless]'" in ended.err
    assert place.instance.asked == []


def test_verifying_asks_no_network_for_a_root(cli, place, key):
    file, bundle = place.folder / "file", place.folder / "file.sigstore.json"
    cli.must("sign", file, "--bare", "--key", "mine")
    about = ("verify", file, "--bundle", bundle, "--key", key)
    ended = cli(*about, "--trusted-root", "public-good")
    assert (ended.exit_code, ended.code) == (2, "usage")
    assert "trustacks sigstore trusted-root --public-good" in ended.err


UNREACHED = {
    "sign": ("sign", "{file}", "--oidc", "auto", "--trusted-root", "public-good"),
    "trusted-root": ("sigstore", "trusted-root", "--public-good"),
    "signing-config": ("sigstore", "signing-config", "--public-good"),
}


@pytest.mark.parametrize("words", UNREACHED.values(), ids=UNREACHED)
def test_without_a_network_the_public_good_instance_is_no_refusal(
    cli, place, monkeypatch, words
):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    file = place.folder / "file"
    ended = cli(*(file if word == "{file}" else word for word in words))
    assert (ended.exit_code, ended.code) == (3, "public-good-unavailable")
    assert not file.with_name("file.sigstore.json").exists()


def test_verifying_and_signing_with_a_key_load_no_sigstore(cli, place, tmp_path, key):
    program = (
        "import sys, json\n"
        "from trustacks._cli.main import run\n"
        "codes = [run(words) for words in json.loads(sys.argv[1])]\n"
        "print(json.dumps([codes, [*sys.modules]]))"
    )
    file, bundle = str(tmp_path / "file"), str(tmp_path / "file.sigstore.json")
    words = [
        ["sign", file, "--bare", "--key", "mine"],
        ["verify", file, "--bundle", bundle, "--key", str(key), "--logs", "0"],
    ]
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(words)],
        env=cli.variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    codes, found = json.loads(done.stdout.splitlines()[-1])
    assert codes == [0, 0]
    assert {"sigstore", "signer.keyless.sign"}.isdisjoint(found)
