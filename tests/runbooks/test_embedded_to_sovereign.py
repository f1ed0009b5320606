# SPDX-License-Identifier: Apache-2.0
"""docs/runbooks/embedded-to-sovereign.md, from a workspace at work to its last relic."""

from datetime import timedelta

from tests.simulators.desk import PAGES
from tests.simulators.plane import tree

PAGE = PAGES / "embedded-to-sovereign.md"


def test_an_embedded_workspace_becomes_sovereign(embedded):
    embedded.play(PAGE)
    status = embedded.must("A Runner", "trustacks runner status --state runner --json")
    assert status.value["form"] == "sovereign"
    embedded.must("The Runner", "trustacks runner step --state old-runner")
    status = embedded.must("A", "trustacks runner status --state old-runner --json")
    assert status.value["form"] == "embedded"


def test_a_release_that_came_between_is_seen(embedded):
    """Nobody releases between steps 1 and 4: the newest release becomes the floor."""
    embedded.play(PAGE, until="4. The workspace is sovereign")
    embedded.must("CI", "trustacks bundle release --overlay policy")
    before = tree(embedded.state / "workspaces")
    finish = "trustacks ceremony finish ceremony --token-file admin-token"
    refused = embedded.say("Ben", f"{finish} --key ben-admin")
    assert (refused.exit_code, refused.code) == (1, "trust-proposal-mismatch")
    assert "begin again" in refused.terminal
    assert tree(embedded.state / "workspaces") == before


def test_what_ran_out_is_moved_on_request(embedded):
    embedded.clock.ahead += timedelta(days=400)
    refused = embedded.say("Ann", "trustacks ceremony move --out ceremony")
    assert (refused.exit_code, refused.code) == (1, "tuf-expired")
    moving = "trustacks ceremony move --expired"
    for step in steps(PAGE, until="5. New pins"):
        command = step.replace("trustacks ceremony move", moving)
        who, _, words = command.partition(": ")
        embedded.must(who, words)
    login = f"trustacks login --url {embedded.url} --workspace acme"
    rest = "--root acme.2.root.json --token-file admin-token"
    told = embedded.must("Ann", f"{login} {rest}")
    assert "sovereign" in told.out


def steps(page, *, until):
    from tests.simulators.runbook import read_runbook  # noqa: PLC0415

    for step in read_runbook(page):
        if step.section == until:
            return
        if "workspace show" not in step.command:
            yield f"{step.who}: {step.command}"
