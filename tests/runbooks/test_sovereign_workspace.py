# SPDX-License-Identifier: Apache-2.0
"""docs/runbooks/sovereign-workspace.md, command by command."""

from tests.simulators.desk import PAGES
from tests.simulators.plane import tree


def test_three_admins_begin_and_two_sign(empty):
    empty.play(PAGES / "sovereign-workspace.md")
    held = {p.stem for p in (empty.state / "keys" / "acme").glob("*.pem")}
    assert held == {"snapshot", "timestamp", "release", "log"}


def test_a_third_signature_comes_too_late_once_the_trust_names_the_root(empty):
    empty.play(PAGES / "sovereign-workspace.md", until="4. The workspace")
    before = tree(empty.table / "ceremony")
    refused = empty.say(
        "Cleo, offline", "trustacks ceremony sign ceremony --key cleo-root"
    )
    assert (refused.exit_code, refused.code) == (1, "tuf-key")
    assert tree(empty.table / "ceremony") == before
