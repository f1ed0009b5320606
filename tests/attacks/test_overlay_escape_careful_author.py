# SPDX-License-Identifier: Apache-2.0
"""What a careful author writes is accepted: a gate that refuses it would be switched off."""

import pytest

from bundle.confine import check_confined
from tests.simulators.rego import (
    BUNDLE_PATH,
    DENY,
    RULE,
    RULE_ID,
    rule_with,
    shared_engine,
)

RULES = {
    "a message bound in the body": RULE.replace(
        f'deny contains {{"rule_id": "{RULE_ID}", "message": "no ticket"}} if {{',
        f'deny contains msg if {{\n\tmsg := {{"rule_id": "{RULE_ID}", "message": "x"}}',
    ),
    "an import of the input": rule_with("x if input.a").replace(
        "import rego.v1", "import rego.v1\nimport input.proposal.files"
    ),
    "a loop with an index": rule_with(
        "x if { some i, f in input.proposal.files; i > 0; f.path == input.proposal.files[i].path }"
    ),
    "a wildcard": rule_with('x if input.proposal.files[_].path == "a"'),
    "a comprehension": rule_with(
        'names := {f.path | some f in input.proposal.files; endswith(f.path, ".yaml")}\nx if count(names) > 0'
    ),
    "every": rule_with(
        'x if every f in input.proposal.files { startswith(f.path, "a") }'
    ),
    "a function by cases": rule_with('f("a") := 1\nf("b") := 2\nx if f(input.a) == 1'),
    "a field with a fallback": rule_with(
        'x if object.get(input, ["context", "service"], "") == "a"'
    ),
    "the platform's library by its path": rule_with(
        'x if data.overlay_lib.target_kind == "ecs-fargate"'
    ),
    "a negated membership of locals": rule_with(
        'x if { some f in input.fs; p := f.path; allowed := {"a"}; not p in allowed }'
    ),
    "a negated function of a local": rule_with(
        'ok(p) if startswith(p, "a")\nx if { some f in input.fs; path := f.path; not ok(path) }'
    ),
    "set operators": rule_with(
        'x if count({a | some a in input.xs} - {"b"}) > 0\ny if count({"a"} | {"b"}) == 2'
    ),
    "a maximum": rule_with("x if max([n | some n in input.ns]) > 3"),
    "JSON in a file": rule_with(
        'x if { some f in input.fs; json.is_valid(f.content); doc := json.unmarshal(f.content); doc.kind == "Deployment" }'
    ),
    "YAML in a file": rule_with(
        'x if { some f in input.fs; doc := yaml.unmarshal(f.content); doc.kind == "Deployment" }'
    ),
    "parts of a path": rule_with(
        'x if { parts := split(input.p, "/"); parts[0] == "a"; parts[count(parts) - 1] == "b" }'
    ),
    "a set of its own": rule_with(
        'bad contains f if { some f in input.fs; f == "x" }\nx if count(bad) > 0'
    ),
    "a declared variable": rule_with('x if { some i; input.fs[i] == "a" }'),
    "an array taken apart": rule_with('x if { [a, b] := split(input.x, "-"); a == b }'),
    "a local named after what it is": rule_with(
        "x if { total := count(input.xs); total > 2 }"
    ),
    "a local with the name of a builtin that is not called": rule_with(
        "x if { time := input.t; time == 3 }"
    ),
    "a table": rule_with('m := {"a": 1}\nx if m[input.k] == 1'),
    "an object of files": rule_with(
        'by := {f.path: f.content | some f in input.fs}\nx if by["a"] == "b"'
    ),
    "a negated comparison with a constant": rule_with(
        'x if not input.context.renderer == "helm"'
    ),
    "an inequality": rule_with('x if input.a != "b"'),
    "constants": rule_with("x := true\ny := false if input.a\nz := null"),
    "a named limit": rule_with("limit := 3\nx if count(input.fs) > limit"),
    "no import of rego.v1": RULE.replace("import rego.v1\n", ""),
    "a remainder": rule_with("x if input.n % 2 == 0"),
    "a glob": rule_with('x if glob.match("a/*", ["/"], input.p)'),
    "a joined text": rule_with('x := concat(", ", [f.path | some f in input.fs])'),
    "a day of the week": rule_with(
        'x if time.weekday(time.parse_rfc3339_ns(input.context.evaluated_at)) in {"Saturday", "Sunday"}'
    ),
    "a value by conditions": rule_with(
        'level := "high" if input.a\nlevel := "low" if not input.a'
    ),
    "two denies": rule_with(
        DENY.split("has_ticket if")[0].replace("no ticket", "other")
    ),
    "a format": rule_with('x := sprintf("%s %d", [input.a, 3])'),
    "helpers of helpers": rule_with("a if b\nb if c\nc if input.c"),
    "joined arrays": rule_with("x := array.concat([1], input.xs)"),
    "an ignored argument": rule_with("f(_, b) := b\nx if f(1, input.b)"),
    "a trimmed text": rule_with('x if trim_space(input.a) == ""'),
    "a negative number": rule_with("x if input.n > -1"),
}


def test_there_are_forty_of_them():
    assert len(RULES) >= 40


@pytest.mark.parametrize("source", RULES.values(), ids=RULES.keys())
def test_an_idiomatic_rule_is_accepted(source):
    files = {BUNDLE_PATH: source.encode()}
    (rule,) = check_confined(files, parse=shared_engine().parse)
    assert rule.rule_id == RULE_ID
