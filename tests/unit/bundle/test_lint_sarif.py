# SPDX-License-Identifier: Apache-2.0
"""Findings as SARIF 2.1.0: what the standard demands, and what code scanning uses."""

import json
from dataclasses import replace

import jsonschema
import pytest

from bundle.finding import Finding
from bundle.lint.pages import read_pages
from bundle.lint.sarif import MAX_RESULTS, to_sarif
from keys import __version__

MESSAGE = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "minLength": 1},
        "markdown": {"type": "string"},
    },
    "required": ["text"],
    "additionalProperties": False,
}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
# The constraints of the published schema on the parts that we write; closed, so that a
# part that we do not know of here is noticed.
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "minItems": 1, "maxItems": 1, "items": {"$ref": "#/$defs/run"}},
    },
    "$defs": {
        "run": {
            "type": "object",
            "required": ["tool", "results"],
            "additionalProperties": False,
            "properties": {
                "tool": {
                    "type": "object",
                    "required": ["driver"],
                    "additionalProperties": False,
                    "properties": {"driver": {"$ref": "#/$defs/driver"}},
                },
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                "originalUriBaseIds": {
                    "type": "object",
                    "additionalProperties": {
                        "type": "object",
                        "properties": {"description": MESSAGE},
                        "additionalProperties": False,
                    },
                },
                "invocations": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["executionSuccessful"],
                        "additionalProperties": False,
                        "properties": {
                            "executionSuccessful": {"type": "boolean"},
                            "toolExecutionNotifications": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "required": ["message"],
                                    "properties": {"level": LEVEL, "message": MESSAGE},
                                    "additionalProperties": False,
                                },
                            },
                        },
                    },
                },
                "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
            },
        },
        "driver": {
            "type": "object",
            "required": ["name"],
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string", "minLength": 1},
                "version": {"type": "string"},
                "semanticVersion": {"type": "string"},
                "informationUri": {"type": "string", "format": "uri"},
                "properties": {"type": "object"},
                "rules": {
                    "type": "array",
                    "uniqueItems": True,
                    "items": {
                        "type": "object",
                        "required": ["id"],
                        "additionalProperties": False,
                        "properties": {
                            "id": {"type": "string"},
                            "helpUri": {"type": "string", "pattern": "^https://"},
                            "help": MESSAGE,
                            "shortDescription": MESSAGE,
                            "defaultConfiguration": {
                                "type": "object",
                                "properties": {"level": LEVEL},
                                "additionalProperties": False,
                            },
                        },
                    },
                },
            },
        },
        "result": {
            "type": "object",
            "required": ["ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"],
            "additionalProperties": False,
            "properties": {
                "ruleId": {"type": "string"},
                "ruleIndex": {"type": "integer", "minimum": 0},
                "level": LEVEL,
                "message": MESSAGE,
                "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
                "locations": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {
                            "physicalLocation": {
                                "type": "object",
                                "required": ["artifactLocation"],
                                "additionalProperties": False,
                                "properties": {
                                    "artifactLocation": {
                                        "type": "object",
                                        "additionalProperties": False,
                                        "properties": {
                                            # A URI reference: nothing to be quoted is left in it.
                                            "uri": {"type": "string", "pattern": r"^[A-Za-z0-9._~:/%@!$&'()*+,;=-]+$"},
                                            "uriBaseId": {"type": "string"},
                                        },
                                    },
                                    "region": {
                                        "type": "object",
                                        "additionalProperties": False,
                                        "properties": {
                                            "startLine": {"type": "integer", "minimum": 1},
                                            "startColumn": {"type": "integer", "minimum": 1},
                                        },
                                    },
                                },
                            }
                        },
                    },
                },
            },
        },
    },
}  # fmt: skip


def found(**changes):
    plain = Finding(
        "data-reference", "overlay/a.rego", 3, 4, "expected a, got b", "do a"
    )
    return replace(plain, **changes)


def checked(findings, root):
    log = to_sarif(findings, root=root)
    jsonschema.Draft202012Validator(SARIF).validate(log)
    run = log["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
    return run


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_no_finding_is_a_run_without_results(root):
    run = checked([], root)
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


def test_every_code_has_its_page_as_help(root):
    run = checked([found(code=code) for code in read_pages()], root)
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    for code, page in read_pages().items():
        assert rules[code]["shortDescription"]["text"] == f"{page.title}."
        assert rules[code]["help"]["markdown"] == page.prose
        assert "](" not in page.prose
        assert rules[code]["helpUri"] == page.address


def test_a_code_without_a_page_is_still_a_rule(root):
    run = checked([found(code="engines-disagree")], root)
    assert run["tool"]["driver"]["rules"][0]["id"] == "engines-disagree"


def test_the_tool_says_its_version(root):
    assert checked([], root)["tool"]["driver"]["semanticVersion"] == __version__


def test_severities_become_levels(root):
    words = ("error", "warning", "hint")
    run = checked([found(severity=word, line=n) for n, word in enumerate(words)], root)
    assert [r["level"] for r in run["results"]] == ["error", "warning", "note"]


def test_a_place_is_relative_to_the_repository_however_it_was_named(root):
    paths = ("overlay/a.rego", "./overlay/a.rego", str(root / "overlay/a.rego"))
    for path in paths:
        result = checked([found(path=path)], root)["results"][0]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"] == {"uri": "overlay/a.rego", "uriBaseId": "%SRCROOT%"}  # fmt: skip
        assert place["region"] == {"startLine": 3, "startColumn": 4}
    assert str(root) not in json.dumps(to_sarif([found()], root=root))


@pytest.mark.parametrize(
    ("path", "uri"),
    [("a b#c?.rego", "a%20b%23c%3F.rego"), ("ü.rego", "%C3%BC.rego"), ("\udcff.rego", "%FF.rego")],
)  # fmt: skip
def test_a_name_is_quoted(root, path, uri):
    result = checked([found(path=path)], root)["results"][0]
    location = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location["uri"] == uri


def test_a_file_outside_the_repository_is_named_in_full(root):
    result = checked([found(path="/elsewhere/a.rego")], root)["results"][0]
    location = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location == {"uri": "file:///elsewhere/a.rego"}


def test_a_place_without_a_line_is_the_first(root):
    result = checked([found(line=0, column=0)], root)["results"][0]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 1, "startColumn": 1}


def marks(run):
    return [r["partialFingerprints"]["primaryLocationLineHash"] for r in run["results"]]


def test_a_fingerprint_outlives_a_change_of_line(root):
    before = marks(checked([found(), found(path="b.rego")], root))
    after = marks(checked([found(line=9), found(path="b.rego", line=12)], root))
    assert before == after
    assert len(set(before)) == 2


def test_the_same_finding_twice_in_a_file_has_two_fingerprints(root):
    twice = marks(checked([found(), found(line=9)], root))
    assert len(set(twice)) == 2


def test_equal_findings_in_any_order_are_one_file(root):
    some = [found(line=n, code=c) for n in (3, 1) for c in ("recursion", "deny-form")]
    assert to_sarif(some, root=root) == to_sarif([*some[::-1], *some], root=root)


def test_a_message_becomes_no_link_and_moves_no_cursor(root):
    hostile = found(message="[click](https://example.com)\x1b[2J\u202e", fix="[a](b)")
    text = checked([hostile], root)["results"][0]["message"]["text"]
    assert "](" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_errors_are_kept_where_there_are_too_many(root):
    many = [found(line=n, severity="hint") for n in range(1, MAX_RESULTS + 1)]
    run = checked([*many, found(line=MAX_RESULTS + 9)], root)
    levels = [result["level"] for result in run["results"]]
    assert (len(levels), levels.count("error")) == (MAX_RESULTS, 1)
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert notes[0]["message"]["text"] == "1 findings more"
    assert checked(many, root)["invocations"][0]["toolExecutionNotifications"] == []
