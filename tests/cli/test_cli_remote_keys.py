# SPDX-License-Identifier: Apache-2.0
"""Keys of a KMS and an HSM wherever a key is named: shown, added, registered, signing."""

import pytest

from keys.public import PublicKey
from tests.simulators.hsm import PINS
from tests.simulators.kms import Fault
from tests.simulators.plane import EXAMPLES, Person

LAYERS = (
    *("--constitution", EXAMPLES / "constitution"),
    *("--pack", EXAMPLES / "packs" / "change-control"),
    *("--publisher", EXAMPLES / "publisher.pub"),
)
SPECS = {"P-256": "ECC_NIST_P256", "P-384": "ECC_NIST_P384", "RSA-3072": "RSA_3072"}


class Places:
    """Makes keys in a KMS and an HSM, as their administrators do."""

    def __init__(self, kms, hsm, folder) -> None:
        self.kms, self.hsm, self._folder = kms, hsm, folder
        self._made = 0

    def uri(self, where: str, kind: str = "P-256") -> str:
        if where == "kms":
            return self.kms.uri(self.kms.create(SPECS[kind]))
        self._made += 1
        label = f"{self._folder.name}-{self._made}"
        self.hsm.order("make", kind=kind, label=label, key_id=f"c11{self._made:05x}")
        return f"pkcs11:token=acme-root;object={label}"


@pytest.fixture
def places(kms, hsm, tmp_path, monkeypatch):
    pin = tmp_path / "pin"
    pin.write_text(f"{PINS['acme-root']}\n")
    monkeypatch.setenv("TRUSTACKS_PIN_FILE", str(pin))
    monkeypatch.setenv("TRUSTACKS_PKCS11_MODULE", str(hsm.module))
    return Places(kms, hsm, tmp_path)


@pytest.mark.parametrize("where", ["kms", "hsm"])
def test_a_uri_is_shown_by_its_public_half(cli, home, places, tmp_path, where):
    uri, out = places.uri(where), tmp_path / "half.pub"

    shown = cli("keys", "show", uri, "--json", "--out", out)

    assert shown.exit_code == 0, shown
    assert (shown.value["name"], shown.value["uri"]) == (None, uri)
    public = PublicKey.from_pem(out.read_text())
    assert shown.value["key_id"] == public.key_id
    assert "control-plane custody" in cli("keys", "show", uri).err
    assert not home.exists()


@pytest.mark.parametrize("where", ["kms", "hsm"])
def test_a_name_is_added_for_a_key_that_lies_elsewhere(cli, home, places, where):
    uri = places.uri(where)

    added = cli("keys", "add", "author", uri, "--json")

    assert added.exit_code == 0, added
    folder = home / "keys"
    assert sorted(p.name for p in folder.iterdir()) == ["author.pub", "author.uri"]
    assert (folder / "author.uri").read_text() == f"{uri}\n"
    places.kms.door.begin()
    assert cli("keys", "show", "author", "--json").value == added.value
    assert cli("keys", "show", "--json").value == added.value
    assert places.kms.door.asked == []


def test_a_name_is_taken_once(cli, home, places):
    uri = places.uri("kms")
    cli.must("keys", "add", "author", uri)
    cli.must("keys", "create", "other")
    before = {p: p.read_bytes() for p in (home / "keys").iterdir()}

    for words in (
        ("create", "author"),
        ("add", "author", places.uri("kms")),
        ("add", "other", uri),
    ):
        refused = cli("keys", *words)
        assert (refused.exit_code, refused.code) == (1, "key-exists")

    assert {p: p.read_bytes() for p in (home / "keys").iterdir()} == before


@pytest.mark.parametrize(
    ("uri", "ended"),
    [
        ("awskms:nothing", (2, "key-uri")),
        ("file:/etc/passwd", (2, "key-uri")),
        ("pkcs11:token=acme-root;object=o?pin-value=8642", (2, "key-uri")),
        ("pkcs11:token=acme-root;object=nothing", (3, "key-not-found")),
        ("awskms://{kms}/alias/nothing?region=us-east-1", (3, "key-not-found")),
        ("encfile:/nothing", (3, "key-not-found")),
    ],
)
def test_what_cannot_be_opened_is_not_added(cli, home, places, uri, ended):
    uri = uri.replace("{kms}", places.kms.host)

    for words in (("add", "x", uri), ("show", uri)):
        refused = cli("keys", *words)
        assert (refused.exit_code, refused.code) == ended
        assert "8642" not in refused.err

    assert not (home / "keys" / "x.uri").exists()


def test_an_alias_that_was_moved_signs_nothing_more(places, alice, admin, tmp_path):
    first, second = (places.kms.create() for _ in range(2))
    places.kms.client.create_alias(AliasName="alias/author", TargetKeyId=first)
    alice.must("keys", "add", "moving", places.kms.uri("alias/author"))
    admin.must("identity", "register", "--proof", register(alice, "moving", "moving"))
    places.kms.client.update_alias(AliasName="alias/author", TargetKeyId=second)
    places.kms.door.begin()

    refused = sign(alice, "moving", tmp_path)

    assert (refused.exit_code, refused.code) == (3, "key-mismatch")
    assert places.kms.door.signed == 0
    assert not (tmp_path / "file.sigstore.json").exists()


def register(person, identity: str, key: str):
    asks = ("--principal", f"{identity}@example.com", "--permission", "author")
    proof = person.folder / f"{identity}.proof"
    person.must(
        *("identity", "register", identity, *asks, "--namespace", "acme"),
        *("--key", key, "--proof-out", proof),
    )
    return proof


def sign(person, key: str, folder):
    (folder / "file").write_text("content")
    return person("sign", folder / "file", "--key", key)


@pytest.mark.parametrize("identity", ["kms-name", "kms-uri", "hsm-name", "hsm-uri"])
def test_an_identity_signs_with_it(places, alice, admin, tmp_path, identity):
    where, _, named = identity.partition("-")
    key = places.uri(where)
    if named == "name":
        alice.must("keys", "add", "remote", key)
        key = "remote"
    admin.must("identity", "register", "--proof", register(alice, identity, key))

    signed = sign(alice, key, tmp_path)

    assert signed.exit_code == 0, signed
    verified = alice("verify", tmp_path / "file")
    assert verified.exit_code == 0, verified


@pytest.mark.parametrize(("where", "kind"), [("kms", "P-384"), ("hsm", "RSA-3072")])
def test_an_identity_needs_p256(places, alice, where, kind):
    proof = alice.folder / "proof"
    refused = alice(
        *("identity", "register", "x", "--principal", "p", "--permission", "author"),
        *("--namespace", "acme", "--key", places.uri(where, kind)),
        *("--proof-out", proof),
    )

    assert (refused.exit_code, refused.code) == (1, "unsafe-trust-policy")
    assert not proof.exists()


def test_a_passphrase_is_never_tried_as_a_pin(cli, hsm, places, monkeypatch):
    monkeypatch.delenv("TRUSTACKS_PIN_FILE")
    before = hsm.count("logins")

    refused = cli("keys", "show", "pkcs11:token=acme-spare;object=x")

    assert (refused.exit_code, refused.code) == (3, "passphrase-missing")
    assert "TRUSTACKS_PIN_FILE" in refused.err
    assert hsm.count("logins") == before


def test_a_kms_that_is_down_is_the_environments_fault(cli, places):
    uri = places.uri("kms")
    places.kms.door.fail(Fault.DOWN)

    refused = cli("keys", "show", uri)

    assert (refused.exit_code, refused.code) == (3, "key-unavailable")


def test_a_name_without_its_registered_key_is_refused(cli, home, places):
    cli.must("keys", "add", "author", places.uri("kms"))
    (home / "keys" / "author.pub").unlink()

    refused = cli("keys", "show", "author")

    assert (refused.exit_code, refused.code) == (3, "key-not-found")


def test_status_asks_neither_a_kms_nor_for_a_pin(plane, places, alice):
    config = (alice.home / "config.yaml").read_text()
    assert "key: " in config
    lines = [
        f"    key: {places.uri('kms')!r}" if line.strip().startswith("key: ") else line
        for line in config.splitlines()
    ]
    (alice.home / "config.yaml").write_text("\n".join(lines))
    places.kms.door.begin()

    shown = alice.must("status", "--json").value["key"]

    assert shown["form"] == "key of AWS KMS"
    assert (shown["key_id"], shown["identity"]) == (None, None)
    assert places.kms.door.asked == []


# Who holds which kind of key where.
ADMINS = {
    "ann": {
        "root": ("hsm", "P-384"),
        "targets": ("kms", "RSA-3072"),
        "admin": ("kms", "P-256"),
    },
    "ben": {
        "root": ("kms", "P-384"),
        "targets": ("hsm", "Ed25519"),
        "admin": ("hsm", "P-256"),
    },
}


def test_admins_hold_root_and_targets_keys_of_every_kind(plane, places, tmp_path):
    people = {name: Person.make(tmp_path / name) for name in ADMINS}
    for name, keys in ADMINS.items():
        for purpose, (where, kind) in keys.items():
            people[name].must("keys", "add", purpose, places.uri(where, kind))

    def pub(name, purpose):
        return people[name].home / "keys" / f"{purpose}.pub"

    ann, folder = people["ann"], tmp_path / "ceremony"
    token = ("--token-file", plane.admin_token)
    at = ("--url", plane.url, *token)
    ann.must("ceremony", "begin", "remote", *at, "--out", folder)
    root = [
        w
        for p in ("root", "targets")
        for n in people
        for w in (f"--{p}-key", pub(n, p))
    ]
    ann.must("ceremony", "root", folder, *root)
    for one in people.values():
        one.must("ceremony", "sign", folder, "--key", "root")
    admins = [w for n in people for w in ("--admin", f"{n}={pub(n, 'admin')}")]
    ann.must("ceremony", "trust", folder, *LAYERS, *admins)
    for one in people.values():
        one.must("ceremony", "sign", folder, "--key", "targets")
    pin = tmp_path / "root.json"

    people["ben"].must(
        *("ceremony", "finish", folder, *token, "--key", "admin", "--root-out", pin)
    )

    ann.must("login", *at, "--workspace", "remote", "--root", pin)
    doctor = ann.must("trust", "doctor", "--json").value
    assert (doctor["holds"], doctor["form"]) == (True, "sovereign")
    states = {one["sentence"]: one["state"] for one in doctor["sentences"]}
    assert states["T1"] == "holds"
