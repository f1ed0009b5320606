# SPDX-License-Identifier: Apache-2.0
"""``--engine``: who evaluates, who agreed, and what is said where there is no opa."""

import json
import os
from pathlib import Path

import pytest

from tests.simulators.opa import installed_opa, stand_in
from tests.simulators.rego import write_rule

RULE = "acme.change"
EXAMPLES = Path(__file__).parents[2] / "examples"
PARENTS = ("--constitution", EXAMPLES / "constitution")


@pytest.fixture
def overlay(tmp_path):
    write_rule(tmp_path / "overlay", RULE)
    return tmp_path


@pytest.fixture
def path(monkeypatch):
    """Put the folder of an opa on PATH, and nothing else."""

    def put(opa):
        monkeypatch.setenv("PATH", str(Path(opa).parent) if opa else "/nonexistent")

    return put


def run(cli, overlay, command, *words):
    return cli("rule", command, RULE, "--overlay", overlay, *PARENTS, *words, "--json")


def said(found, command):
    (one,) = json.loads(found.out)["rules"]
    report = one[command]
    return report["engine"], report["second_opinion"]


@pytest.mark.parametrize("command", ["test", "lint"])
def test_each_engine_is_named_in_the_report(cli, overlay, path, command):
    path(installed_opa())
    both = said(run(cli, overlay, command, "--engine", "both"), command)
    assert both[0] == "regorus"
    assert both[1]["engine"] == "opa"
    assert said(run(cli, overlay, command), command) == ("regorus", None)
    assert said(run(cli, overlay, command, "--engine", "opa"), command) == ("opa", None)


@pytest.mark.parametrize("engine", ["both", "opa"])
@pytest.mark.parametrize("command", ["test", "lint"])
def test_without_opa_who_asks_for_it_is_refused(cli, overlay, path, engine, command):
    path(None)
    found = run(cli, overlay, command, "--engine", engine)
    assert (found.exit_code, found.code) == (3, "opa-unsuitable")
    assert run(cli, overlay, command).exit_code == 0


def test_an_old_opa_is_refused_where_it_is_asked_for(cli, overlay, path, tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    path(stand_in(folder, "exit 1", version="Version: 1.20.0"))
    found = run(cli, overlay, "test", "--engine", "both")
    assert (found.exit_code, found.code) == (3, "opa-unsuitable")
    assert "1.21.3" in found.err


def test_a_rule_that_opa_reads_otherwise_is_refused(cli, overlay, path):
    path(installed_opa())
    file = overlay / "overlay/rules" / RULE / f"{RULE}.rego"
    file.write_text(
        file.read_text() + f'\ndeny contains {{"rule_id": "{RULE}", "message": "x"}} '
        'if not startswith(input.context.renderer, "x")\n'
    )
    found = run(cli, overlay, "test", "--engine", "both")
    assert found.exit_code == 1
    (report,) = json.loads(found.out)["rules"]
    assert "engines-disagree" in {f["code"] for f in report["findings"]}
    assert report["test"]["second_opinion"] is None


def test_version_says_who_would_be_asked(cli, path, tmp_path):
    path(installed_opa())
    assert json.loads(cli("version", "--json").out)["second_opinion"].startswith(
        "opa 1."
    )
    path(None)
    assert (
        json.loads(cli("version", "--json").out)["second_opinion"]
        == "none: no opa on PATH"
    )
    path(stand_in(tmp_path, "exit 1", version="Version: 1.0.0"))
    assert json.loads(cli("version", "--json").out)["second_opinion"].startswith(
        "none: expected"
    )


def test_a_signature_says_who_agreed(alice, drafted, monkeypatch):
    """Signing asks both by default; PATH keeps git."""
    folder = Path(installed_opa()).parent
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    signed = alice.must("rule", "sign", "--overlay", drafted, "--json").value["signed"]
    for part in ("test", "lint"):
        said = signed[0]["predicate"][part]
        assert said["engine"] == "regorus"
        assert said["second_opinion"]["engine"] == "opa"


def test_a_signature_with_one_engine_names_nobody_else(alice, drafted):
    words = ("rule", "sign", "--overlay", drafted, "--engine", "regorus", "--json")
    signed = alice.must(*words).value["signed"]
    assert signed[0]["predicate"]["test"]["second_opinion"] is None
