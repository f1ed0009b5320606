# SPDX-License-Identifier: Apache-2.0
"""A workspace at work: an author, CI, two Runners, a release.

A sovereign one has the admins of the runbook that begins it. Of its Runners, ``runner``
enforces release 1, and ``new-runner`` was enrolled and never ran. In an embedded one
both enforce release 1, one rule is of somebody who left since, and the Control Plane
made an author of its own.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from keys.clock import format_instant
from tests.simulators.desk import PAGE_URL, PAGES, Desk, desk
from tests.simulators.plane import RULE, overlay_repository
from trustacks.client import Client

LOGIN = f"trustacks login --url {PAGE_URL} --workspace acme --root acme.root.json"
LEFT = "acme.freeze_window"


def settle(made: Desk) -> None:
    """Begin the workspace by its runbook, and let everybody in."""
    made.play(PAGES / "sovereign-workspace.md")
    for who, name, permission in (("Jane", "jane", "author"), ("CI", "ci", "release")):
        join(made, who, name, permission)
    for state in ("runner", "new-runner"):
        enroll = f"trustacks runner enroll --state {state} --id {state}"
        made.must("Ann", enroll)
        approve(made)
        made.must("Ann", enroll)
    overlay_repository(made.table / "policy")
    made.must(
        "Jane", f"trustacks rule new {RULE} --from change-calendar --overlay policy"
    )
    made.must("Jane", f"trustacks rule sign {RULE} --overlay policy")
    release = made.must("CI", "trustacks bundle release --overlay policy --json").value
    floor = f"{release['revision']}:{release['release']}"
    made.must("A Runner", f"trustacks runner step --state runner --floor {floor}")


def settle_embedded(made: Desk) -> None:
    """Have the Control Plane make a workspace, and let everybody in."""
    token = f"--url {made.url} --token-file admin-token"
    layers = (
        "--constitution constitution --pack packs/change-control "
        "--publisher publisher.pub"
    )
    made.must(
        "Ann",
        f"trustacks workspace create acme {token} --root-out acme.root.json {layers}",
    )
    login = LOGIN.replace(PAGE_URL, made.url)
    made.must("Ann", f"{login} --token-file admin-token")
    people = (("Jane", "jane", "author"), ("Dan", "dan", "author"))
    for who, name, permission in (*people, ("CI", "ci", "release")):
        join(made, who, name, permission, approved=False)
    _custodial(made, "bot")
    for number, state in enumerate(("runner", "old-runner"), start=1):
        made.must(
            "Ann", f"trustacks runner enroll --state {state} --id runner-{number}"
        )
    overlay_repository(made.table / "policy")
    for who, rule in (("Jane", RULE), ("Dan", LEFT)):
        new = f"trustacks rule new {rule} --from change-calendar --overlay policy"
        made.must(who, new)
        made.must(who, f"trustacks rule sign {rule} --overlay policy")
    made.must("CI", "trustacks bundle release --overlay policy")
    for state in ("runner", "old-runner"):
        made.must("A Runner", f"trustacks runner step --state {state}")


def _custodial(made: Desk, name: str) -> None:
    at = made.clock()
    terms = {
        "id": name,
        "principal": name,
        "custody": "control-plane",
        "permissions": ["author"],
        "namespaces": ["acme"],
        "not_before": format_instant(at),
        "not_after": format_instant(at + timedelta(days=90)),
    }
    token = (made.table / "admin-token").read_text().strip()
    with Client(made.url, token=token) as api:
        asked = {"custodial": True, "identity": terms}
        api.workspace("acme").post("/identities", asked)


def join(
    made: Desk, who: str, name: str, permission: str, *, approved: bool = True
) -> None:
    """Let somebody in: a token, a key, and an identity that two admins approve."""
    token = f"trustacks workspace token create --role {permission} --days 90"
    made.must("Ann", f"{token} --subject {name} --out {name}.token")
    login = f"{LOGIN} --token-file {name}.token".replace(PAGE_URL, made.url)
    made.must(who, login)
    made.must(who, f"trustacks keys create {name}")
    made.must(
        who,
        f"trustacks identity register {name} --principal {name}@acme.example "
        f"--permission {permission} --namespace acme --proof-out {name}.proof",
    )
    made.must("Ann", f"trustacks identity register --proof {name}.proof")
    if approved:
        approve(made)
    made.must(who, f"{login} --key {name}")


def approve(made: Desk) -> None:
    """Let two admins approve the only open proposal."""
    made.must("Ann", "trustacks trust approve --key ann-targets")
    made.must("Ben", "trustacks trust approve --key ben-targets --admin-key ben-admin")


@contextmanager
def copied(template: Path, folder: Path) -> Iterator[Desk]:
    """Go on at a copy of a desk whose server has stopped."""
    shutil.copytree(template, folder, symlinks=True, dirs_exist_ok=True)
    with desk(folder) as made:
        yield made
