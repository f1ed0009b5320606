# SPDX-License-Identifier: Apache-2.0
"""An overlay tries to loosen what its parents deny; every file is refused, with its code.

Each row is one trick: what is added to an ordinary rule (or replaced in it), and the
code that must be among the findings. The rule as it stands is accepted, so each row is
refused for its trick.
"""

import pytest

from bundle.confine import check_confined
from bundle.finding import ConfinementError
from tests.simulators.rego import (
    BUNDLE_PATH,
    DENY,
    LEAF,
    METADATA,
    RULE,
    RULE_ID,
    rule_with,
    shared_engine,
)


def package(name):
    return RULE.replace(f"package overlay.{LEAF}", f"package {name}")


def imports(line):
    return RULE.replace(
        "import data.overlay_lib.target_tier",
        f"import data.overlay_lib.target_tier\nimport {line}",
    )


def denies(text):
    return RULE.replace(DENY, text)


PACKAGES = {
    "the constitution's package": package("proposal"),
    "the library's package": package("overlay_lib"),
    "a pack's package": package("pack.change_control"),
    "the root of all overlays": package("overlay"),
    "a nested package": package(f"overlay.{LEAF}.deep"),
    "a package that only looks alike": package(f"overlays.{LEAF}"),
    "a package in brackets": package(f'overlay["{LEAF}"].x'),
    "a package that ends like a test": package(f"overlay.{LEAF}_test"),
    "a package of data's system": package("system.authz"),
}

DATA = {
    "the constitution's denies": rule_with("helper if count(data.proposal.deny) == 0"),
    "a helper of the constitution": rule_with(
        'helper if data.proposal.is_allowed_path("x")'
    ),
    "another overlay": rule_with("helper if data.overlay.acme_other.deny"),
    "all overlays": rule_with("helper if data.overlay[_].deny"),
    "the own package by a computed step": rule_with(
        f'helper if data.overlay[name].x\nname := "{LEAF}"'
    ),
    "the root of the own package": rule_with("helper if data.overlay"),
    "all of data": rule_with("helper := data"),
    "data by a computed step": rule_with("helper := data[input.x]"),
    "data by a wildcard": rule_with("helper := data[_]"),
    "data through a local": rule_with("helper if {\n\td := data\n\td.proposal.deny\n}"),
    "data through a unification": rule_with(
        "helper if {\n\td = data\n\td.proposal.deny\n}"
    ),
    "data through a function": rule_with("f(d) := d.proposal\nhelper := f(data)"),
    "data through object.get": rule_with('helper := object.get(data, ["proposal"], 1)'),
    "data in a set": rule_with("helper := {data}"),
    "data in a comprehension": rule_with("helper := [d | some d in data]"),
    "data in brackets of the input": rule_with("helper := input[data.proposal.x]"),
    "data in a head": rule_with("helper contains data.proposal.x if true"),
    "the whole library": rule_with("helper := data.overlay_lib"),
    "a part of the library that is not offered": rule_with(
        "helper := data.overlay_lib.secret"
    ),
    "the library by a computed step": rule_with("helper := data.overlay_lib[input.x]"),
    "the profile": rule_with("helper := data.env.tooling_categories"),
    "the system document": rule_with("helper := data.system"),
}

IMPORTS = {
    "an import of the constitution": imports("data.proposal"),
    "an import of another overlay": imports("data.overlay.acme_other"),
    "an import of all data under another name": imports("data.overlay as everything"),
    "an import that takes the name of the input": imports(
        "data.overlay_lib.target_name as input"
    ),
    "an import that takes the name of data": imports("input.x as data"),
    "an import of the input that is called data": imports("input.data"),
    "an import that takes the name of a builtin": imports("input.x as count"),
    "an import that takes a rule's name": imports("input.x as has_ticket"),
    "an import twice under one name": imports("input.x as target_tier"),
    "an import that changes what not means": imports("future.keywords.not"),
    "an import of the library under another root": imports(
        "data.overlay_lib.secret as target"
    ),
    "another version of Rego": imports("rego.v2"),
}

HEADS = {
    "default": rule_with("default helper := true"),
    "a default function": rule_with("default f(_) := true"),
    "a default for the denies": rule_with("default deny := set()"),
    "else": rule_with("helper := 1 if input.x else := 2"),
    "a ref head": rule_with("helper.part := 1"),
    "a ref head with brackets": rule_with('helper["part"] := 1'),
    "a head that reaches upwards": rule_with("data.proposal.deny := 1"),
    "another rule's metadata": rule_with(
        'rule_metadata["acme.other"] := {"description": "x"}'
    ),
    "metadata of the constitution": rule_with(
        'rule_metadata["proposal.allowed_paths"] := {}'
    ),
    "metadata as a whole": denies(f"rule_metadata := {{}}\n{DENY}"),
    "metadata under a condition": RULE.replace(
        METADATA, METADATA.rstrip() + " if input.x\n"
    ),
    "metadata by a computed id": rule_with("rule_metadata[input.x] := {}"),
    "a second body behind the first": rule_with("helper if { input.x } { input.y }"),
    "allow": rule_with("allow if true"),
    "verdict": rule_with('verdict := "allow"'),
    "exempt": rule_with("exempt if true"),
    "waive": rule_with("waive contains 1 if true"),
    "gap": rule_with("gap contains 1 if true"),
    "a rule called input": rule_with("input := {}"),
    "a rule called data": rule_with("data := {}"),
    "a function that takes a builtin's name": rule_with("startswith(a, b) := true"),
    "a function that takes a family of builtins": rule_with("time(x) := x"),
    "a rule that takes a builtin's name": rule_with("count := 0"),
}

DENIES = {
    "no deny": denies("helper if true"),
    "a boolean deny": denies("deny if input.x"),
    "a deny function": denies("deny(x) := x"),
    "a complete deny": denies('deny := {"x"}'),
    "a deny of a text": denies('deny contains "no" if input.x'),
    "a deny of a number": denies("deny contains 1 if input.x"),
    "a deny that cites another rule": denies(
        'deny contains {"rule_id": "acme.other", "message": "x"} if input.x'
    ),
    "a deny that cites the constitution": denies(
        'deny contains {"rule_id": "proposal.allowed_paths", "message": "x"} if input.x'
    ),
    "a deny that computes its id": denies(
        'deny contains {"rule_id": input.id, "message": "x"} if input.x'
    ),
    "a deny without id": denies('deny contains {"message": "x"} if input.x'),
    "a deny with a field more": denies(
        f'deny contains {{"rule_id": "{RULE_ID}", "message": "x", "severity": "low"}} if input.x'
    ),
    "a deny with its id twice": denies(
        f'deny contains {{"rule_id": "{RULE_ID}", "rule_id": "acme.other", "message": "x"}} if input.x'
    ),
    "a deny without conditions": denies(
        f'deny contains {{"rule_id": "{RULE_ID}", "message": "x"}}'
    ),
    "a deny of a name that is not bound": denies(
        "deny contains entry if entry := input.x"
    ),
    "a deny of a name that is bound twice": denies(
        f'deny contains entry if {{\n\tentry := {{"rule_id": "{RULE_ID}", "message": "x"}}\n'
        '\txs := [entry | entry := {"rule_id": "acme.other", "message": "x"}]\n\tcount(xs) > 0\n}'
    ),
    "a deny of a name that is unified": denies(
        f'deny contains entry if {{\n\tentry = {{"rule_id": "{RULE_ID}", "message": "x"}}\n\tinput.x\n}}'
    ),
    "a deny of what is in the input": denies(
        "deny contains entry if some entry in input.denies"
    ),
    "a deny of its own denies": rule_with(
        "helper if count(deny) == 0\ndeny contains helper if helper"
    ),
}

MEANING = {
    "with, to change the input": rule_with("helper if has_ticket with input as {}"),
    "with, to change the constitution": rule_with(
        "helper if has_ticket with data.proposal.deny as set()"
    ),
    "the clock": rule_with("helper if time.now_ns() > 0"),
    "the network": rule_with(
        'helper := http.send({"method": "get", "url": "https://example.com"})'
    ),
    "a name server": rule_with('helper := net.lookup_ip_addr("example.com")'),
    "randomness": rule_with('helper if rand.intn("x", 2) == 1'),
    "a random identifier": rule_with('helper := uuid.rfc4122("x")'),
    "the environment": rule_with("helper := opa.runtime().env"),
    "walk over data": rule_with(
        "helper if {\n\twalk(data, [_, value])\n\tvalue == 1\n}"
    ),
    "walk over the input": rule_with("helper if walk(input, [_, 1])"),
    "print": rule_with('helper if print("x")'),
    "a builtin that does not exist": rule_with("helper if nothing.of_the_kind(1)"),
    "a builtin of a key": rule_with('helper := io.jwt.decode("x")'),
    "a call of the input": rule_with("helper if input.f(1)"),
    "a call of an import": rule_with("helper if target_tier(1)"),
    "a call of a rule that is no function": rule_with("helper if has_ticket(1)"),
    "recursion of a rule": rule_with("helper if not helper"),
    "recursion of two rules": rule_with("one if two\ntwo if one"),
    "recursion of a function": rule_with("f(x) := f(x - 1)"),
    "recursion by the full path": rule_with(f"helper if data.overlay.{LEAF}.helper"),
    "a negation that OPA reads otherwise": rule_with(
        'helper if not startswith(input.x, "CM-")'
    ),
    "a negated comparison": rule_with("helper if not input.x > 1"),
    "a negation in a comprehension": rule_with(
        "helper := [x | some x in [1]; not input.y > x]"
    ),
    "a fraction": rule_with("helper if input.x == 0.3"),
    "a division": rule_with("helper if input.x / 3 == 1"),
    "two comparisons in one": rule_with("helper if 1 < input.x < 3"),
    "a local that takes a rule's name": rule_with(
        "helper if {\n\tsome has_ticket in [1]\n\thas_ticket == 1\n}"
    ),
    "a local that takes an import's name": rule_with(
        'helper if {\n\ttarget_tier := "dev"\n\ttarget_tier == "dev"\n}'
    ),
    "an argument that takes the input's name": rule_with("f(input) := input"),
    "an argument that takes the name of data": rule_with("f(data) := data.proposal"),
    "a loop variable called data": rule_with(
        "helper if every data in [1] { data == 1 }"
    ),
    "a local that takes the name of a builtin it calls": rule_with(
        "helper if {\n\tcount := 1\n\tcount(input.x) == count\n}"
    ),
}

UNBOUND = {
    "a name that nothing binds in a function": rule_with("f(x) if y > x"),
    "a value that nothing binds in a function": rule_with("f(x) := y if x"),
    "a declared name that nothing binds": rule_with("helper if { some x; x > 1 }"),
    "a member that nothing binds": rule_with("helper contains x if input.a"),
    "a comprehension's head that nothing binds": rule_with("helper := [x | input.a]"),
    "a name that only a negation has": rule_with(
        "helper if {\n\tnot input.xs[i] == 1\n\ti > 1\n}"
    ),
    "a name that is bound below its use": rule_with(
        "helper if {\n\tevery x in input.a { x > y }\n\ty := 1\n}"
    ),
    "a name of a comprehension outside it": rule_with(
        "helper if {\n\txs := [x | x := 1]\n\tcount(xs) == x\n}"
    ),
    "a step that only a head has": rule_with("helper contains input.a[i] if input.b"),
}

TEXT = {
    "nine brackets": rule_with("helper := " + "[" * 9 + "]" * 9),
    "a byte order mark": "\ufeff" + RULE,
    "NUL": RULE + "\x00",
    "text that runs from right to left": RULE + "# \u202e yned\n",
    "a letter of another script in a name": rule_with(
        "d\u0435ny contains 1 if input.x"
    ),
    "a line that a carriage return hides": RULE + "# x\rallow := true\n",
    "Rego of version 0": denies('deny[msg] { msg := "x" }'),
    "unary minus": rule_with("helper := -input.x"),
    "hundreds of terms": rule_with("helper := " + " + ".join(["1"] * 200)),
    "nothing": "",
    "no Rego": "hello",
    "another package below": RULE + "\npackage proposal\ndeny := set()\n",
}

# The findings of each row: these codes, and no other.
FOUND = {
    ("body-chained",): [
        "a second body behind the first",
    ],
    ("builtin-not-allowed",): [
        "a helper of the constitution",
        "the clock",
        "the network",
        "a name server",
        "randomness",
        "a random identifier",
        "the environment",
        "print",
        "a builtin that does not exist",
        "a builtin of a key",
        "a call of the input",
        "a call of an import",
        "a call of a rule that is no function",
    ],
    ("builtin-not-allowed", "variable-unsafe"): [
        "walk over the input",
    ],
    ("builtin-not-allowed", "data-reference", "variable-unsafe"): [
        "walk over data",
    ],
    ("comparison-chained",): [
        "two comparisons in one",
    ],
    ("data-reference",): [
        "the constitution's denies",
        "another overlay",
        "all overlays",
        "the own package by a computed step",
        "the root of the own package",
        "all of data",
        "data by a computed step",
        "data through a local",
        "data through a unification",
        "data through a function",
        "data through object.get",
        "data in a set",
        "data in a comprehension",
        "data in brackets of the input",
        "data in a head",
        "the whole library",
        "a part of the library that is not offered",
        "the library by a computed step",
        "the profile",
        "the system document",
    ],
    ("data-reference", "variable-unsafe"): [
        "data by a wildcard",
    ],
    ("data-reference", "name-shadowed"): [
        "an argument that takes the name of data",
        "a loop variable called data",
    ],
    ("data-reference", "with-not-allowed"): [
        "with, to change the constitution",
    ],
    ("default-not-allowed",): [
        "default",
        "a default function",
    ],
    ("default-not-allowed", "deny-form"): [
        "a default for the denies",
    ],
    ("deny-form",): [
        "a boolean deny",
        "a deny function",
        "a complete deny",
        "a deny of a text",
        "a deny of a number",
        "a deny without id",
        "a deny with a field more",
        "a deny with its id twice",
        "a deny of a name that is not bound",
        "a deny of a name that is bound twice",
        "a deny of a name that is unified",
        "a deny of what is in the input",
    ],
    ("deny-form", "recursion"): [
        "a deny of its own denies",
    ],
    ("deny-missing",): [
        "no deny",
    ],
    ("deny-rule-id",): [
        "a deny that cites another rule",
        "a deny that cites the constitution",
        "a deny that computes its id",
    ],
    ("deny-unconditional",): [
        "a deny without conditions",
    ],
    ("else-not-allowed",): [
        "else",
    ],
    ("head-not-allowed",): [
        "a ref head",
        "a ref head with brackets",
        "metadata by a computed id",
    ],
    ("import-not-allowed",): [
        "an import of the constitution",
        "an import of another overlay",
        "an import of all data under another name",
        "an import that changes what not means",
        "an import of the library under another root",
        "another version of Rego",
    ],
    ("metadata-form",): [
        "metadata as a whole",
        "metadata under a condition",
    ],
    ("metadata-missing",): [
        "another rule's metadata",
        "metadata of the constitution",
    ],
    ("name-reserved",): [
        "allow",
        "verdict",
        "exempt",
        "waive",
        "gap",
        "a function that takes a builtin's name",
        "a function that takes a family of builtins",
        "a rule that takes a builtin's name",
    ],
    ("name-shadowed",): [
        "an import that takes the name of the input",
        "an import that takes the name of data",
        "an import of the input that is called data",
        "an import that takes the name of a builtin",
        "an import that takes a rule's name",
        "an import twice under one name",
        "a local that takes a rule's name",
        "a local that takes an import's name",
        "an argument that takes the input's name",
        "a local that takes the name of a builtin it calls",
    ],
    ("negation-not-portable",): [
        "a negation that OPA reads otherwise",
        "a negated comparison",
        "a negation in a comprehension",
    ],
    ("number-not-portable",): [
        "a fraction",
        "a division",
    ],
    ("package-escape",): [
        "the constitution's package",
        "the library's package",
        "a pack's package",
        "the root of all overlays",
        "a nested package",
        "a package that only looks alike",
        "a package in brackets",
        "a package that ends like a test",
        "a package of data's system",
    ],
    ("recursion",): [
        "recursion of a rule",
        "recursion of two rules",
        "recursion of a function",
        "recursion by the full path",
    ],
    ("rego-parse",): [
        "a head that reaches upwards",
        "a rule called input",
        "a rule called data",
        "nine brackets",
        "a byte order mark",
        "NUL",
        "text that runs from right to left",
        "a letter of another script in a name",
        "a line that a carriage return hides",
        "Rego of version 0",
        "nothing",
        "no Rego",
        "another package below",
    ],
    ("syntax-not-allowed",): [
        "unary minus",
        "hundreds of terms",
    ],
    ("variable-unsafe",): list(UNBOUND),
    ("with-not-allowed",): [
        "with, to change the input",
    ],
}
CODES = {trick: set(codes) for codes, tricks in FOUND.items() for trick in tricks}
CORPUS = {
    **PACKAGES,
    **DATA,
    **IMPORTS,
    **HEADS,
    **DENIES,
    **MEANING,
    **UNBOUND,
    **TEXT,
}


def check(source):
    return check_confined({BUNDLE_PATH: source.encode()}, parse=shared_engine().parse)


def test_the_rule_without_a_trick_is_accepted():
    assert [rule.rule_id for rule in check(RULE)] == [RULE_ID]


def test_the_corpus_is_as_large_as_promised():
    assert len(CORPUS) >= 60
    assert len(set(CORPUS.values())) == len(CORPUS) == len(CODES)


@pytest.mark.parametrize("trick", CORPUS)
def test_a_rule_that_tries_to_loosen_is_refused(trick):
    with pytest.raises(ConfinementError) as caught:
        check(CORPUS[trick])
    found = {finding.code for finding in caught.value.findings}
    assert found == CODES[trick], [str(f) for f in caught.value.findings]
    for finding in caught.value.findings:
        assert finding.fix
        assert finding.message.startswith("expected") or finding.code == "rego-parse"
