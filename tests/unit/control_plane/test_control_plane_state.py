# SPDX-License-Identifier: Apache-2.0
import stat
from datetime import timedelta

import pytest

from control_plane.keystore import LOG, ROOT, KeyStore
from control_plane.limits import BOOTSTRAP_TOKEN_SECONDS
from control_plane.services import build_services
from control_plane.settings import Settings
from control_plane.state import StateDirectory
from keys.errors import (
    BusyError,
    ConfigurationError,
    KeyAccessDeniedError,
    KeyProviderError,
)
from keys.public import ECDSA_P256, ED25519
from tests.simulators.service import ControlPlane


def _mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_start_makes_two_secrets_and_says_so(tmp_path):
    server = ControlPlane(tmp_path / "first")
    state = server.services.state
    assert _mode(state.passphrase_file) == _mode(state.admin_token) == 0o600
    assert _mode(state.root) == _mode(state.keys) == 0o700
    assert len(server.services.first_start) == 2
    for line in server.services.first_start:
        assert state.passphrase("") not in line
    assert server.http.get("/v1/whoami").json()["role"] == "admin"
    server.close()


def test_a_later_start_overwrites_nothing_and_says_nothing(server):
    state = server.services.state
    before = {p: p.read_bytes() for p in state.root.rglob("*.pem")}
    secrets = (state.passphrase_file.read_bytes(), state.admin_token.read_bytes())
    server.restart()
    assert {p: p.read_bytes() for p in state.root.rglob("*.pem")} == before
    assert (state.passphrase_file.read_bytes(), state.admin_token.read_bytes()) == (
        secrets
    )
    assert server.services.first_start == ()
    assert server.http.get("/v1/whoami").status_code == 200


def test_a_lost_admin_token_is_replaced_and_the_old_one_ends(server):
    old = server.services.state.admin_token.read_text().strip()
    server.services.state.admin_token.unlink()
    server.restart()
    assert server.http.get("/v1/whoami").status_code == 200
    refused = server.http.get("/v1/whoami", token=old)
    assert refused.json()["code"] == "not-authenticated"


def test_the_admin_token_ends_after_a_year(server):
    server.clock.at += timedelta(seconds=BOOTSTRAP_TOKEN_SECONDS - 1)
    assert server.http.get("/v1/whoami").status_code == 200
    server.clock.at += timedelta(seconds=1)
    assert server.http.get("/v1/whoami").json()["code"] == "token-expired"


def test_another_passphrase_opens_no_key(server):
    server.close()
    server.services.state.passphrase_file.write_text("another\n")
    with pytest.raises(KeyAccessDeniedError):
        build_services(server.settings)


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_passphrase_file_that_the_operator_names_must_be_there(tmp_path, content):
    chosen = tmp_path / "chosen"
    if content is not None:
        chosen.write_text(content)
    settings = Settings(tmp_path / "state", passphrase_file=chosen)
    with pytest.raises(ConfigurationError):
        build_services(settings)
    assert chosen.exists() == (content is not None)
    assert not list((tmp_path / "state" / "keys").iterdir())


def test_a_second_server_on_one_state_directory_is_refused(tmp_path):
    state = StateDirectory.prepare(Settings(tmp_path / "state"))
    with state.lock(), pytest.raises(BusyError), state.lock():
        pass
    with state.lock():
        pass


def test_each_purpose_has_a_key_of_its_own_and_of_its_kind(tmp_path):
    store = KeyStore(tmp_path / "keys", lambda _: "secret")
    log, root = store.ensure("acme", LOG), store.ensure("acme", ROOT)
    assert (log.public_key.details, root.public_key.details) == (ED25519, ECDSA_P256)
    assert store.ensure("acme", ROOT) is root
    assert store.ensure("other", ROOT).public_key != root.public_key
    again = KeyStore(tmp_path / "keys", lambda _: "secret")
    assert again.key("acme", ROOT).public_key == root.public_key
    assert _mode(tmp_path / "keys" / "acme" / "root.pem") == 0o600


def test_a_key_that_was_never_made_is_not_made_by_asking(tmp_path):
    store = KeyStore(tmp_path / "keys", lambda _: "secret")
    with pytest.raises(KeyProviderError):
        store.key("acme", ROOT)
    assert not store.has("acme", ROOT)
    assert not (tmp_path / "keys").exists()
