# SPDX-License-Identifier: Apache-2.0
"""``rule lint --sarif``: the linter's findings where code scanning reads them."""

import json
import shutil

import pytest

from tests.simulators.plane import EXAMPLES, RULE

PATH = f"overlay/rules/{RULE}/{RULE}.rego"
LAYERS = ("--constitution", EXAMPLES / "constitution")


@pytest.fixture
def wrong(cli, repository):
    cli.must("rule", "new", RULE, "--from", "change-calendar", "--overlay", repository)
    path = repository / PATH
    path.write_text(path.read_text() + "\nextra if opa.runtime()\n")
    return repository


def lint(person, folder, *words):
    return person("rule", "lint", "--overlay", folder, *LAYERS, *words)


def places(log):
    return {
        result["ruleId"]: result["locations"][0]["physicalLocation"]
        for result in log["runs"][0]["results"]
    }


def test_a_file_holds_what_the_terminal_says(cli, wrong, tmp_path):
    target = tmp_path / "findings.sarif"
    refused = lint(cli, wrong, "--sarif", target)
    assert (refused.exit_code, refused.code) == (1, "rule-lint-failed")
    found = places(json.loads(target.read_text()))
    assert found["builtin-not-allowed"]["artifactLocation"]["uri"] == PATH
    for code, place in found.items():
        assert f"{place['region']['startLine']}:" in refused.out
        assert f"[{code}]" in refused.out


@pytest.mark.parametrize("named", [".", "overlay"])
def test_paths_are_from_the_top_of_the_repository(cli, wrong, named, monkeypatch):
    monkeypatch.chdir(wrong)
    log = json.loads(lint(cli, named, "--sarif", "-").out)
    assert places(log)["builtin-not-allowed"]["artifactLocation"]["uri"] == PATH


def test_outside_a_repository_they_are_from_the_overlay(cli, wrong):
    shutil.rmtree(wrong / ".git")
    log = json.loads(lint(cli, wrong, "--sarif", "-").out)
    assert places(log)["builtin-not-allowed"]["artifactLocation"]["uri"] == PATH


def test_a_file_that_is_there_stays_and_nothing_is_linted(cli, wrong, tmp_path):
    target = tmp_path / "there"
    target.write_text("kept")
    refused = lint(cli, wrong, "--sarif", target)
    assert (refused.code, refused.out, target.read_text()) == (
        "file-exists",
        "",
        "kept",
    )


def test_standard_output_has_one_result(cli, wrong):
    refused = lint(cli, wrong, "--sarif", "-", "--json")
    assert (refused.exit_code, refused.code) == (2, "usage")
