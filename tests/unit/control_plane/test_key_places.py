# SPDX-License-Identifier: Apache-2.0
"""Keys of the server that lie elsewhere: named once, registered, and of their kind."""

import json

import pytest

from control_plane.key_places import KeyPlace, read_key_places
from control_plane.keystore import LOG, SNAPSHOT, TIMESTAMP, TSA, KeyStore
from control_plane.limits import MAX_KEY_PLACES, MAX_KEY_PLACES_BYTES
from control_plane.settings import Settings
from keys.errors import (
    ConfigurationError,
    KeyAccessDeniedError,
    KeyFormatError,
    KeyMismatchError,
)
from keys.providers.encfile import create_key
from keys.schemes import ECDSA_P384, ED25519

ID, OTHER = "a" * 64, "b" * 64


def entry(**changes):
    value = {
        "owner": "acme",
        "purpose": "timestamp",
        "uri": "awskms:///alias/acme-timestamp",
        "key_id": ID,
    }
    return {**value, **changes}


def write(path, *entries, **more):
    path.write_text(json.dumps({"keys": list(entries), **more}))
    return path


@pytest.mark.parametrize(
    ("owner", "purpose"),
    [
        ("_server", "tsa"),
        ("_server", "tsa-ca"),
        ("acme", "root"),
        ("acme", "targets"),
        ("acme", "log"),
        ("acme", "control-plane-admin"),
        ("a1-b", "snapshot"),
        ("acme", "snapshot-2"),
        ("acme", "release-10"),
        ("acme", "identity-lint.bot"),
    ],
)
def test_every_purpose_of_the_server_may_lie_elsewhere(tmp_path, owner, purpose):
    path = write(tmp_path / "keys.json", entry(owner=owner, purpose=purpose))

    found = read_key_places(path)

    assert found == {(owner, purpose): KeyPlace(entry()["uri"], ID)}


REFUSED = {
    "a misspelt purpose": [entry(purpose="timestmap")],
    "a purpose of the server, of a workspace": [entry(purpose="tsa")],
    "a purpose of a workspace, of the server": [entry(owner="_server")],
    "a first further key": [entry(purpose="snapshot-1")],
    "a further root": [entry(purpose="root-2")],
    "a path for an owner": [entry(owner="../acme")],
    "no key id": [{k: v for k, v in entry().items() if k != "key_id"}],
    "a short key id": [entry(key_id=ID[:-1])],
    "a key id in upper case": [entry(key_id=ID.upper())],
    "an unknown field": [entry(pin="1234")],
    "one purpose twice": [entry(), entry(key_id=OTHER)],
    "one key for two purposes": [entry(), entry(purpose="snapshot")],
    "a URI that is too long": [entry(uri="awskms:" + "a" * 3000)],
}


@pytest.mark.parametrize("entries", REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused(tmp_path, entries):
    with pytest.raises(ConfigurationError) as refused:
        read_key_places(write(tmp_path / "keys.json", *entries))
    assert "1234" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"keys": {}}', '{"keys": [], "x": 1}']
)
def test_a_file_of_another_form_is_refused(tmp_path, text):
    (tmp_path / "keys.json").write_text(text)

    with pytest.raises(ConfigurationError):
        read_key_places(tmp_path / "keys.json")


def test_the_file_is_there_and_bounded(tmp_path):
    path = tmp_path / "keys.json"
    with pytest.raises(ConfigurationError):
        read_key_places(path)
    many = [entry(owner=f"w{n}", key_id=f"{n:064x}") for n in range(MAX_KEY_PLACES + 1)]
    assert len(read_key_places(write(path, *many[:-1]))) == MAX_KEY_PLACES
    with pytest.raises(ConfigurationError):
        read_key_places(write(path, *many))
    text = json.dumps({"keys": []})
    path.write_text(text + " " * (MAX_KEY_PLACES_BYTES - len(text)))
    assert read_key_places(path) == {}
    path.write_text(text + " " * (MAX_KEY_PLACES_BYTES - len(text) + 1))
    with pytest.raises(ConfigurationError):
        read_key_places(path)


def test_a_server_reads_where_they_are_from_its_environment(tmp_path):
    environ = {
        "TRUSTACKS_STATE": str(tmp_path),
        "TRUSTACKS_KEYS_FILE": "/etc/trustacks/keys.json",
        "TRUSTACKS_PKCS11_MODULE": "/usr/lib/softhsm/libsofthsm2.so",
    }

    settings = Settings.read(environ)

    assert str(settings.keys_file) == environ["TRUSTACKS_KEYS_FILE"]
    assert str(settings.pkcs11_module) == environ["TRUSTACKS_PKCS11_MODULE"]


# ------------------------------------------------------------------ the store


@pytest.fixture
def store(tmp_path):
    """Return a store with keys elsewhere, made for it in other files."""

    def make(**places):
        elsewhere = {}
        for name, (owner, purpose, kind) in places.items():
            path = tmp_path / "elsewhere" / f"{name}.pem"
            path.parent.mkdir(exist_ok=True)
            made = create_key(path, "secret", details=kind)
            elsewhere[owner, purpose] = KeyPlace(
                f"encfile:{path}", made.public_key.key_id
            )
        return KeyStore(tmp_path / "keys", lambda _: "secret", elsewhere)

    return make


def test_a_key_elsewhere_is_there_is_used_and_no_file_is_made(store, tmp_path):
    keys = store(
        one=("acme", TIMESTAMP, ECDSA_P384), two=("acme", "snapshot-2", ED25519)
    )

    assert keys.has("acme", TIMESTAMP)
    made = keys.ensure("acme", TIMESTAMP)
    assert made is keys.key("acme", TIMESTAMP)
    assert made.public_key.key_id == keys.elsewhere["acme", TIMESTAMP].key_id
    assert keys.further("acme", SNAPSHOT) == [keys.key("acme", "snapshot-2")]
    assert not (tmp_path / "keys").exists()
    assert keys.ensure("acme", SNAPSHOT)
    assert [p.name for p in (tmp_path / "keys" / "acme").iterdir()] == ["snapshot.pem"]


def test_rotation_takes_the_key_that_was_named_for_it(store):
    keys = store(two=("acme", "snapshot-2", ED25519))
    keys.ensure("acme", SNAPSHOT)

    found = keys.key("acme", "snapshot-2")

    assert keys.further("acme", SNAPSHOT) == [found]
    assert keys.add("acme", SNAPSHOT).public_key != found.public_key


def test_a_key_in_two_places_is_refused_at_the_start(store, tmp_path):
    first = store()
    first.ensure("acme", TIMESTAMP)

    with pytest.raises(ConfigurationError, match="one place"):
        store(one=("acme", TIMESTAMP, ECDSA_P384))


def test_another_key_than_the_registered_one_is_refused(store):
    keys = store(one=("acme", TIMESTAMP, ECDSA_P384))
    place = keys.elsewhere["acme", TIMESTAMP]
    keys.elsewhere["acme", TIMESTAMP] = KeyPlace(place.uri, ID)

    with pytest.raises(KeyMismatchError):
        keys.key("acme", TIMESTAMP)


@pytest.mark.parametrize(
    ("owner", "purpose", "kind"),
    [
        ("acme", LOG, ECDSA_P384),
        ("_server", TSA, ED25519),
        ("acme", "control-plane-admin", ECDSA_P384),
        ("acme", "identity-release", ED25519),
    ],
)
def test_a_key_of_a_kind_that_cannot_serve_is_refused(store, owner, purpose, kind):
    keys = store(one=(owner, purpose, kind))

    with pytest.raises(KeyFormatError):
        keys.key(owner, purpose)


def test_the_passphrase_is_never_tried_as_a_pin(tmp_path):
    keys = KeyStore(tmp_path, lambda _: "secret")

    with pytest.raises(KeyAccessDeniedError) as refused:
        keys._secret("pin for acme")
    assert "pin-source" in refused.value.hint
    assert keys._secret("passphrase for x") == "secret"
