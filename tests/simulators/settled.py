# SPDX-License-Identifier: Apache-2.0
"""A sovereign workspace at work: three admins, an author, CI, two Runners, a release.

The admins are those of the runbook that begins it. Of the Runners, ``runner`` enforces
release 1, and ``new-runner`` was enrolled and never ran.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.simulators.desk import PAGE_URL, PAGES, Desk, desk
from tests.simulators.plane import RULE, overlay_repository

_LOGIN = f"trustacks login --url {PAGE_URL} --workspace acme --root acme.root.json"


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


def join(made: Desk, who: str, name: str, permission: str) -> None:
    """Let somebody in: a token, a key, and an identity that two admins approve."""
    token = f"trustacks workspace token create --role {permission} --days 90"
    made.must("Ann", f"{token} --subject {name} --out {name}.token")
    login = f"{_LOGIN} --token-file {name}.token".replace(PAGE_URL, made.url)
    made.must(who, login)
    made.must(who, f"trustacks keys create {name}")
    made.must(
        who,
        f"trustacks identity register {name} --principal {name}@acme.example "
        f"--permission {permission} --namespace acme --proof-out {name}.proof",
    )
    made.must("Ann", f"trustacks identity register --proof {name}.proof")
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
