# SPDX-License-Identifier: Apache-2.0
"""The Environment Profile: read strictly, and compared with what rules need."""

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest

from bundle.errors import ProfileFormatError
from bundle.lint import lint_rule
from bundle.lint.linter import Against
from bundle.lint.profile import open_profile
from bundle.profile import Profile, read_profile
from bundle.rego.yaml import load_yaml
from bundle.rule_metadata import PRACTICES, TOOLING_CATEGORIES
from tests.simulators.rego import rule_files, shared_engine

FORMATS = Path(__file__).parents[3] / "docs/formats"
SCHEMA = jsonschema.Draft202012Validator(
    json.loads((FORMATS / "environment-profile-v1.schema.json").read_text())
)
PAGE = (FORMATS / "environment-profile.md").read_text()
EXAMPLE = PAGE.partition("```yaml\n")[2].partition("```")[0]
PATH = "overlay/environment-profile.yaml"


def test_the_example_of_the_page_is_read():
    assert read_profile(EXAMPLE.encode()) == Profile(
        "acme-production",
        {"ci_cd_platform": ("github-actions",), "ticketing_change_mgmt": ("jira",)},
        ("tests_in_ci", "manual_promotion_to_prod"),
    )
    SCHEMA.validate(load_yaml(EXAMPLE.encode(), what="x"))


def test_the_least_profile_is_the_default_one_and_has_nothing():
    assert read_profile(b'schema_version: "1"\n') == Profile("default", {}, ())


def test_page_and_schema_name_every_category_and_practice():
    properties = SCHEMA.schema["properties"]
    fields = {"schema_version", "name", "practices", *TOOLING_CATEGORIES}
    assert set(properties) == fields
    assert set(properties["practices"]["properties"]) == set(PRACTICES)
    for name in (*TOOLING_CATEGORIES, *PRACTICES):
        assert f"`{name}`" in PAGE


HEAD = 'schema_version: "1"\n'
TOOLS = "observability:\n  - provider: x\n"
# What is wrong, where, and whether the schema can say it too (YAML it cannot).
BROKEN = {
    "empty": (b"", 1, True),
    "a list": (b"- a\n", 1, True),
    "a text": (b"hello", 1, True),
    "no version": (b"name: x\n", 1, True),
    "another version": (b'schema_version: "2"\n', 1, True),
    "a number as version": (b"schema_version: 1\n", 1, True),
    "an unknown category": (f"{HEAD}telemetry: []\n".encode(), 2, True),
    "an empty name": (f'{HEAD}name: ""\n'.encode(), 2, True),
    "a tool that is a text": (f"{HEAD}observability: [x]\n".encode(), 2, True),
    "tools that are none": (f"{HEAD}observability: x\n".encode(), 2, True),
    "a tool without a name": (f"{HEAD}{TOOLS}  - primary: true\n".encode(), 4, True),
    "an unknown field": (f"{HEAD}{TOOLS}    colour: red\n".encode(), 3, True),
    "a primary that is a text": (f"{HEAD}{TOOLS}    primary: x\n".encode(), 3, True),
    "a config that is a list": (f"{HEAD}{TOOLS}    config: []\n".encode(), 3, True),
    "too many tools": (
        (HEAD + "observability:\n" + "  - provider: x\n" * 51).encode(),
        2,
        True,
    ),
    "an unknown practice": (f"{HEAD}practices:\n  naps: true\n".encode(), 3, True),
    "a practice that is a text": (
        f"{HEAD}practices:\n  tests_in_ci: maybe\n".encode(),
        3,
        True,
    ),
    "practices that are a list": (f"{HEAD}practices: []\n".encode(), 2, True),
    "a key twice": (f"{HEAD}{TOOLS}{TOOLS}".encode(), 4, False),
    "an alias": (f"{HEAD}name: &a x\nobservability: *a\n".encode(), 1, False),
    "a tag": (f"{HEAD}name: !!python/name:os.system x\n".encode(), 2, False),
    "a date": (f"{HEAD}name: 2026-01-01\n".encode(), 2, False),
    "a fraction": (f"{HEAD}{TOOLS}    config: {{a: 1.5}}\n".encode(), 4, False),
    "two documents": (f"{HEAD}---\n{HEAD}".encode(), 2, False),
    "not YAML": (f"{HEAD}name: [x\n".encode(), 3, False),
    "a tab": (f"{HEAD}\tname: x\n".encode(), 2, False),
    "UTF-16": (HEAD.encode("utf-16"), 1, False),
    "Latin-1": (f"{HEAD}name: M\xfcnchen\n".encode("latin-1"), 2, False),
    "NUL": (f"{HEAD}name: a\0b\n".encode(), 1, False),
    "nested without end": (f"{HEAD}name: {'[' * 20_000}\n".encode(), 1, False),
}


@pytest.mark.parametrize(("data", "line", "_said"), BROKEN.values(), ids=BROKEN)
def test_what_is_not_a_profile_is_refused_with_its_line(data, line, _said):
    with pytest.raises(ProfileFormatError) as caught:
        read_profile(data)
    assert (caught.value.code, caught.value.line) == ("profile-invalid", line)
    assert "\n" not in caught.value.message


SAID = {name: row[0] for name, row in BROKEN.items() if row[2]}


@pytest.mark.parametrize("data", SAID.values(), ids=SAID)
def test_the_schema_refuses_the_same(data):
    assert not SCHEMA.is_valid(load_yaml(data, what="x"))


def lint(profile):
    against = Against(profile=profile)
    report = lint_rule(rule_files(), engine=shared_engine(), against=against)
    found = [f for f in report.findings if f.code.startswith("profile-")]
    return report, [(f.code, f.severity, f.path, f.line) for f in found]


RULE_PATH = str(rule_files().rule_path)


def test_without_an_overlay_nothing_is_said():
    report, found = lint(None)
    assert found == []
    assert "profile" not in report.checks


def test_a_rule_that_needs_tooling_hints_at_a_missing_profile():
    report, found = lint(open_profile(PATH, None))
    assert found == [("profile-missing", "hint", RULE_PATH, 9)]
    assert report.passed
    assert "profile" not in report.checks


def test_a_category_that_the_profile_lacks_is_a_gap():
    report, found = lint(open_profile(PATH, HEAD.encode()))
    assert found == [("profile-gap", "warning", RULE_PATH, 9)]
    assert report.passed
    assert "profile" in report.checks


def test_a_category_that_the_profile_has_is_none():
    report, found = lint(open_profile(PATH, EXAMPLE.encode()))
    assert found == []
    assert "profile" in report.checks


def test_a_profile_that_cannot_be_read_refuses_the_rule():
    report, found = lint(open_profile(PATH, f"{HEAD}telemetry: []\n".encode()))
    assert found == [("profile-invalid", "error", PATH, 2)]
    assert not report.passed
    assert "profile" not in report.checks


def test_a_rule_that_needs_nothing_has_no_hint():
    files = rule_files()
    source = files.rule.replace(b'["ticketing_change_mgmt"]', b"[]")
    against = Against(profile=open_profile(PATH, None))

    files = dataclasses.replace(files, rule=source)
    report = lint_rule(files, engine=shared_engine(), against=against)
    assert [f for f in report.findings if f.code.startswith("profile-")] == []
