# SPDX-License-Identifier: Apache-2.0
"""The workflow for GitHub: what it may do, and that its commands do it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.simulators.plane import EXAMPLES, ROOT, RULE, git, overlay_repository

FILE = ROOT / "deploy/github/overlay-check.yml"
TEXT = FILE.read_text()
# YAML 1.1 reads the key `on` as true.
WORKFLOW = yaml.safe_load(TEXT)
ON = WORKFLOW[True]
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
RUNS = [step["run"] for step in STEPS if "run" in step]


def test_it_runs_on_pull_requests_without_their_targets_rights():
    assert ON == "pull_request"
    assert "pull_request_target" not in TEXT
    assert "secrets." not in TEXT


def test_no_job_may_do_more_than_it_needs():
    assert WORKFLOW["permissions"] == {}
    granted = {name: job["permissions"] for name, job in WORKFLOW["jobs"].items()}
    assert granted == {
        "check": {"contents": "read"},
        "report": {"contents": "read", "security-events": "write"},
    }


def test_the_job_that_may_write_runs_nothing_and_reads_no_change():
    uses = [step.get("uses", "") for step in WORKFLOW["jobs"]["report"]["steps"]]
    assert not any("run" in step for step in WORKFLOW["jobs"]["report"]["steps"])
    assert not any("checkout" in one for one in uses)


def test_every_action_is_pinned_by_its_commit_and_names_its_version():
    lines = [line.strip() for line in TEXT.splitlines() if "uses:" in line]
    assert len(lines) == sum("uses" in step for step in STEPS)
    for line in lines:
        pinned = r"(- )?uses: [\w.-]+(/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+"
        assert re.fullmatch(pinned, line), line


def test_no_checkout_leaves_a_token_behind():
    for step in STEPS:
        if "actions/checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


def test_no_expression_becomes_part_of_a_script():
    assert RUNS
    assert not any("${{" in run for run in RUNS)


def test_the_tool_is_installed_from_the_base_by_hash():
    install = next(run for run in RUNS if "pip install" in run)
    for word in ("--require-hashes", "--only-binary=:all:", "-r base/ci/"):
        assert word in install
    places = [step.get("with", {}).get("path") for step in STEPS]
    assert places.index("base") < places.index("change")


@pytest.fixture
def workspace(tmp_path, plane):
    """What the runner has after both checkouts: a base, and a change of it."""
    alice = plane.alice.copy(tmp_path / "alice")
    origin = overlay_repository(tmp_path / "origin")
    alice.must("rule", "new", RULE, "--from", "change-calendar", "--overlay", origin)
    alice.must("rule", "sign", "--overlay", origin)
    shutil.copytree(EXAMPLES / "constitution", origin / "layers/constitution")
    shutil.copytree(EXAMPLES / "packs", origin / "layers/packs")
    git(origin, "add", "-A")
    git(origin, "commit", "-q", "-m", "Base")
    git(origin, "branch", "-f", "main", "HEAD")
    for name in ("base", "change"):
        git(tmp_path, "clone", "-q", str(origin), str(tmp_path / name))
        git(tmp_path / name, "switch", "-q", "main")
    return tmp_path


def check(workspace, base="main"):
    """Run the workflow's own script as the runner does."""
    step = next(step for step in STEPS if "rule check" in step.get("run", ""))
    assert step["env"] == {"BASE_REF": "${{ github.base_ref }}"}
    (workspace / "temp").mkdir(exist_ok=True)
    summary = workspace / "summary"
    summary.touch()
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=workspace / step["working-directory"],
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(workspace / "home"),
            "BASE_REF": base,
            "GITHUB_STEP_SUMMARY": str(summary),
            "RUNNER_TEMP": str(workspace / "temp"),
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    return done, summary.read_text()


def test_its_commands_pass_what_is_good(workspace):
    done, summary = check(workspace)
    assert (done.returncode, summary) == (0, done.stdout), done.stderr
    assert "0 rules changed" in summary
    log = json.loads((workspace / "temp/overlay.sarif").read_text())
    assert log["runs"][0]["results"] == []


def test_its_commands_refuse_what_is_not_and_keep_the_findings(workspace):
    path = workspace / f"change/overlay/rules/{RULE}/{RULE}.rego"
    path.write_text(path.read_text().replace("not has_ticket", "opa.runtime()"))
    done, summary = check(workspace)
    assert done.returncode == 1
    assert "builtin-not-allowed" in summary
    log = json.loads((workspace / "temp/overlay.sarif").read_text())
    places = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in log["runs"][0]["results"]
    }
    assert f"overlay/rules/{RULE}/{RULE}.rego" in places


@pytest.mark.parametrize(
    "base", ["$(touch ran)", "`touch ran`", "main; touch ran", '"']
)
def test_a_branch_with_a_command_for_a_name_runs_none(workspace, base):
    done, _ = check(workspace, base)
    assert done.returncode == 2
    assert not list(workspace.rglob("ran"))
