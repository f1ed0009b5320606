# SPDX-License-Identifier: Apache-2.0
"""config.yaml is ours alone, whole or absent, and refused when it is not ours."""

import stat

import pytest

from keys.digest import Digest
from keys.errors import ConfigurationError
from trustacks._cli.config import Config, Login, load_config, store_config
from trustacks._cli.environment import read_environment
from trustacks.errors import NotLoggedInError

LOGIN = Login("acme", "http://127.0.0.1:8080", Digest.of(b"root"), "tst_x", "author")


def test_what_is_stored_is_read_back(tmp_path):
    config = Config.empty().with_login(LOGIN)
    store_config(tmp_path, config)
    assert load_config(tmp_path) == config
    assert load_config(tmp_path).login() == LOGIN
    assert stat.S_IMODE((tmp_path / "config.yaml").stat().st_mode) == 0o600


def test_a_missing_file_is_a_person_who_never_logged_in(tmp_path):
    with pytest.raises(NotLoggedInError) as refused:
        load_config(tmp_path).login()
    assert "trustacks login" in (refused.value.hint or "")


def test_another_workspace_needs_a_login_of_its_own(tmp_path):
    with pytest.raises(NotLoggedInError):
        Config.empty().with_login(LOGIN).login("other")


def test_a_token_is_not_shown():
    assert "tst_x" not in repr(LOGIN)


GOOD = "format: https://trustacks.com/formats/client-config/v1\n"
BAD = {
    "not yaml": "a: [",
    "a list": "- a",
    "another format": "format: x\ncurrent: null\nworkspaces: {}\n",
    "an unknown field": GOOD + "current: null\nworkspaces: {}\nmore: 1\n",
    "a login without a root": GOOD + "current: a\nworkspaces: {a: {url: u}}\n",
    "a python object": "!!python/object/apply:os.system [id]",
    "a name that is a number": GOOD + "current: null\nworkspaces: {1: {}}\n",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_file_that_we_did_not_write_is_refused(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError) as refused:
        load_config(tmp_path)
    assert "config" in refused.value.message
    assert path.read_text() == text


def test_a_file_that_others_can_read_is_refused(tmp_path):
    store_config(tmp_path, Config.empty())
    (tmp_path / "config.yaml").chmod(0o640)
    with pytest.raises(ConfigurationError) as refused:
        load_config(tmp_path)
    assert refused.value.hint == f"chmod 600 {tmp_path / 'config.yaml'}"


HOMES = {
    "its own": ({"TRUSTACKS_HOME": "/t", "HOME": "/h"}, "/t"),
    "below the person's": ({"HOME": "/h"}, "/h/.trustacks"),
}


@pytest.mark.parametrize(("variables", "home"), HOMES.values(), ids=HOMES)
def test_the_home_is_chosen_or_below_the_persons(variables, home):
    assert str(read_environment(variables).home) == home


def test_no_home_is_a_configuration_error():
    with pytest.raises(ConfigurationError):
        read_environment({})
