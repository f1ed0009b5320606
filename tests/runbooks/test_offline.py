# SPDX-License-Identifier: Apache-2.0
"""docs/runbooks/offline.md: two admins on machines that cannot open a connection."""

import shutil

from tests.simulators.desk import PAGES


def test_two_admins_sign_without_a_network(settled):
    def move_keys():
        """Ben's keys are on a machine without a login, and without a network."""
        settled.person("Ben").copy(settled.folder / "people" / "ben-offline")
        home = settled.person("Ben, offline").home
        (home / "config.yaml").unlink()
        shutil.rmtree(home / "workspaces")

    settled.play(PAGES / "offline.md", before={"A change of trust": move_keys})


def test_who_is_offline_in_a_runbook_cannot_open_a_connection(settled):
    begin = f"trustacks ceremony begin x --url {settled.url} --token-file admin-token"
    for who, code in (("Cleo, offline", "unavailable"), ("Cleo", None)):
        ended = settled.say(who, f"{begin} --out x")
        assert ended.exit_code == (3 if code else 0)
        assert code is None or ended.code == code
