# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from control_plane.settings import Settings
from keys.errors import ConfigurationError


def test_arguments_win_over_the_environment_and_it_over_defaults():
    environ = {"TRUSTACKS_STATE": "/a", "TRUSTACKS_PORT": "1", "TRUSTACKS_HOST": "::1"}
    settings = Settings.read(environ, state="/b", port=None)
    assert settings.state == Path("/b")
    assert (settings.port, settings.host, settings.threads) == (1, "::1", 40)


def test_the_database_password_does_not_show_in_repr():
    url = "postgresql+psycopg://service:hunter2@db/trustacks"
    settings = Settings.read({}, state="/a", database_url=url)
    assert "hunter2" not in repr(settings)
    assert settings.registry_url == url


def test_the_default_registry_is_sqlite_in_the_state_directory():
    assert Settings.read({}, state="/a").registry_url == "sqlite:////a/registry.sqlite3"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("port", "http", id="port-not-a-number"),
        pytest.param("port", "65536", id="port-too-high"),
        pytest.param("port", "-1", id="port-negative"),
        pytest.param("public_host", "a b", id="host-with-a-blank"),
        pytest.param("public_host", "EXAMPLE.com", id="host-in-upper-case"),
        pytest.param("threads", "0", id="no-threads"),
        pytest.param("max_body_bytes", "0", id="no-body"),
        pytest.param("releases_listed", "0", id="no-releases"),
        pytest.param("database_url", "mysql://x", id="other-database"),
        pytest.param("storage", "/srv/objects", id="storage-not-a-bucket"),
        pytest.param("storage", "s3://Acme", id="storage-not-a-bucket-name"),
        pytest.param("s3_endpoint_url", "minio:9000", id="endpoint-not-a-url"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(name, value):
    with pytest.raises(ConfigurationError) as refused:
        Settings.read({f"TRUSTACKS_{name.upper()}": value}, state="/a")
    assert refused.value.message.startswith(f"{name}: expected")


def test_no_state_directory_is_refused_with_a_hint():
    with pytest.raises(ConfigurationError) as refused:
        Settings.read({})
    assert "TRUSTACKS_STATE" in (refused.value.hint or "")


def test_storage_in_a_bucket_is_chosen_by_its_url():
    settings = Settings.read({"TRUSTACKS_STORAGE": "s3://acme/trust"}, state="/a")
    assert (settings.storage, settings.s3_endpoint_url) == ("s3://acme/trust", "")


@pytest.mark.parametrize("name", ["S3_REGION", "S3_ENDPOINT_URL"])
def test_settings_of_s3_without_a_bucket_are_refused(name):
    with pytest.raises(ConfigurationError) as refused:
        Settings.read({f"TRUSTACKS_{name}": "http://x"}, state="/a")
    assert refused.value.hint == "set TRUSTACKS_STORAGE"


@pytest.mark.parametrize("port", [0, 65535])
def test_ports_at_the_limits_are_accepted(port):
    assert Settings(Path("/a"), port=port).port == port


def test_the_passphrase_file_of_a_persons_keys_is_not_the_servers():
    mine = {"TRUSTACKS_PASSPHRASE_FILE": "/mine"}
    assert Settings.read(mine, state="/a").passphrase_file is None
    servers = {**mine, "TRUSTACKS_SERVER_PASSPHRASE_FILE": "/servers"}
    assert Settings.read(servers, state="/a").passphrase_file == Path("/servers")
