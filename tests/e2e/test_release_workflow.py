# SPDX-License-Identifier: Apache-2.0
"""The workflow that releases from a CI: what it may do, and that its scripts do it.

The scripts are run word for word as the runner does, with a job's own token from a
simulated GitHub, at an instance outside the Control Plane.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.simulators.oidc import GITHUB, REQUEST_TOKEN
from tests.simulators.plane import ROOT, RULE, git, overlay_repository, planted
from tests.simulators.sigstore_http import SigstoreHttp

FILE = ROOT / "deploy/github/overlay-release.yml"
TEXT = FILE.read_text()
WORKFLOW = yaml.safe_load(TEXT)
# YAML 1.1 reads the key `on` as true.
ON = WORKFLOW[True]
(JOB,) = WORKFLOW["jobs"].values()
STEPS = JOB["steps"]
RUNS = {step["name"]: step for step in STEPS if "run" in step}
SUBJECT = (
    "https://github.com/acme/overlay/.github/workflows/overlay-release.yml"
    "@refs/heads/main"
)


def test_it_runs_after_a_merge_and_on_a_schedule_and_never_for_a_pull_request():
    assert set(ON) == {"push", "schedule"}
    assert ON["push"]["branches"] == ["main"]
    days = ON["schedule"][0]["cron"].split()[-1].split(",")
    assert len(days) >= 2  # a release is vouched for seven days


def test_it_may_read_and_say_who_it_is_and_nothing_else():
    assert WORKFLOW["permissions"] == {}
    assert JOB["permissions"] == {"contents": "read", "id-token": "write"}


def test_releases_follow_each_other():
    assert WORKFLOW["concurrency"]["cancel-in-progress"] is False


def test_every_action_is_pinned_by_its_commit_and_names_its_version():
    lines = [line.strip() for line in TEXT.splitlines() if "uses:" in line]
    assert len(lines) == sum("uses" in step for step in STEPS)
    for line in lines:
        pinned = r"(- )?uses: [\w.-]+(/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+"
        assert re.fullmatch(pinned, line), line


def test_no_checkout_leaves_a_token_behind():
    (checkout,) = [s for s in STEPS if "actions/checkout" in s.get("uses", "")]
    assert checkout["with"]["persist-credentials"] is False


def test_no_expression_becomes_part_of_a_script_and_no_secret_an_argument():
    assert not any("${{" in step["run"] for step in RUNS.values())
    secret = {n for n, s in RUNS.items() if "secrets." in str(s.get("env", {}))}
    assert secret == {"Pin the workspace by the root in this repository"}


def test_the_tool_is_installed_by_hash():
    install = RUNS["Install the tool, every file by its hash"]["run"]
    for word in ("--require-hashes", "--only-binary=:all:", "-r ci/requirements.txt"):
        assert word in install


@pytest.fixture(scope="module")
def outside():
    with SigstoreHttp().serving() as running:
        running.people.job = SUBJECT
        yield running


@pytest.fixture(scope="module")
def plane(tmp_path_factory, outside):
    with planted(tmp_path_factory.mktemp("plane")) as running:
        folder = tmp_path_factory.mktemp("outside")
        (folder / "root.json").write_bytes(outside.trusted_root())
        running.admin.must(
            *("trust", "instance", "add", "outside", "--custody", "external"),
            *("--trusted-root", folder / "root.json", "--oidc-issuer", outside.issuer),
            *("--tsa-custody", "external"),
        )
        running.admin.must(
            *("identity", "register", "ci.release", "--principal", "overlay-ci"),
            *("--permission", "release", "--namespace", "*", "--instance", "outside"),
            *("--oidc-issuer", outside.issuer, "--oidc-subject", SUBJECT),
        )
        yield running


@pytest.fixture
def checkout(plane, outside, tmp_path):
    """What the runner has after the checkout: the overlay as it was merged."""
    folder = overlay_repository(tmp_path / "overlay")
    here = ("--overlay", folder)
    plane.alice.must("rule", "new", RULE, "--from", "change-calendar", *here)
    plane.alice.must("rule", "sign", *here)
    (folder / "ci").mkdir()
    shutil.copy(plane.root, folder / "ci/root.json")
    (folder / "ci/signing-config.json").write_bytes(outside.signing_config())
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Merge")
    return folder


def job(plane, outside, checkout, event: str, *, changes=()):
    """Run the job's scripts as the runner does; return the last one's end."""
    temp = checkout.parent / "temp"
    temp.mkdir(exist_ok=True)
    values = {
        "${{ secrets.TRUSTACKS_TOKEN }}": plane.root.with_name("ci.token").read_text(),
        "${{ vars.TRUSTACKS_URL }}": plane.url,
        "${{ vars.TRUSTACKS_WORKSPACE }}": "acme",
        "${{ github.event_name }}": event,
        "${{ vars.TRUSTACKS_SIGNING_CONFIG || 'public-good' }}": (
            "ci/signing-config.json"
        ),
    }
    given = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(checkout.parent / "home"),
        "RUNNER_TEMP": str(temp),
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{outside.url}{GITHUB}",
        **dict(changes),
    }
    done = None
    for name, step in RUNS.items():
        if name.startswith("Install"):
            continue
        variables = {k: values[v].strip() for k, v in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=checkout,
            env={**given, **variables},
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "Traceback" not in done.stderr
        if done.returncode:
            break
    return done


def test_its_scripts_release_and_renew(plane, outside, checkout):
    released = job(plane, outside, checkout, "push")
    assert released.returncode == 0, released.stderr
    assert re.search(r"by: +ci\.release", released.stdout)
    assert f"as ci.release, overlay-ci: {SUBJECT} by outside" in released.stderr
    renewed = job(plane, outside, checkout, "schedule")
    assert renewed.returncode == 0, renewed.stderr
    revisions = [
        re.search(r"revision (\d+)", done.stdout)[1] for done in (released, renewed)
    ]
    assert int(revisions[1]) == int(revisions[0]) + 1


def test_another_workflow_of_the_repository_releases_nothing(plane, outside, checkout):
    outside.people.job = SUBJECT.replace("overlay-release", "other")
    try:
        done = job(plane, outside, checkout, "push")
    finally:
        outside.people.job = SUBJECT
    assert done.returncode == 1
    assert "[unknown-signer]" in done.stderr


def test_a_job_without_the_permission_is_told_so(plane, outside, checkout):
    without = {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": ""}
    done = job(plane, outside, checkout, "push", changes=without)
    assert done.returncode == 3
    assert "[ambient-token]" in done.stderr
    assert "id-token: write" in done.stderr
