# SPDX-License-Identifier: Apache-2.0
"""docs/runbooks/embedded-to-sovereign.md, from a workspace at work to its last relic."""

from tests.simulators.desk import PAGES
from tests.simulators.plane import tree
from tests.simulators.runbook import read_runbook

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
    embedded.wait(days=300)
    made = "trustacks workspace token create --role admin --subject late --days 90"
    embedded.must("Ann", f"{made} --out late.token")
    embedded.wait(days=80)
    login = f"trustacks login --url {embedded.url} --workspace acme"
    embedded.must("Ann", f"{login} --token-file late.token")
    refused = embedded.say("Ann", "trustacks ceremony move --out ceremony")
    assert (refused.exit_code, refused.code) == (1, "tuf-expired")
    late = {
        "ceremony move": "ceremony move --expired",
        "admin-token": "late.token",
    }
    for step in read_runbook(PAGE):
        if step.section == "5. New pins":
            break
        command = step.command
        for old, new in late.items():
            command = command.replace(old, new)
        embedded.must(step.who, command)
    told = embedded.must(
        "Ann", f"{login} --root acme.2.root.json --token-file late.token"
    )
    assert "form of trust:  sovereign" in told.out
    assert embedded.must("Ann", "trustacks trust doctor --json").value["holds"]
    embedded.must("Ann", "trustacks audit export -o acme.pack")
    embedded.must("Ann", "trustacks workspace show --log-key-out log.pub")
    for root in ("acme.root.json", "acme.2.root.json"):
        replay = f"trustacks audit replay acme.pack --root {root} --log-key log.pub"
        embedded.must("An auditor", replay)
