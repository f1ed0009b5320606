# SPDX-License-Identifier: Apache-2.0
"""A pull request of an overlay, judged as CI judges it."""

import json
import re
import shutil

import pytest

from bundle.overlay import read_overlay
from keys.digest import Digest
from tests.simulators.plane import EXAMPLES, RULE, git, tree
from tests.simulators.signing import Workshop, say
from trustacks.review.evidence import retirement_findings

FOLDER = f"overlay/rules/{RULE}"
PATH = f"{FOLDER}/{RULE}.rego"
TESTS = f"{FOLDER}/{RULE}_test.rego"
LAYERS = ("--constitution", EXAMPLES / "constitution")
LAYERS += ("--pack", EXAMPLES / "packs" / "change-control")
PROD = 'target_tier == "prod"\n'


@pytest.fixture(scope="module")
def merged(plane, tmp_path_factory):
    """A repository with a signed rule on main, and a person who may sign."""
    from tests.simulators.plane import overlay_repository  # noqa: PLC0415

    alice = plane.alice.copy(tmp_path_factory.mktemp("merged") / "alice")
    folder = overlay_repository(alice.folder / "policy")
    alice.must("rule", "new", RULE, "--from", "change-calendar", "--overlay", folder)
    alice.must("rule", "sign", "--overlay", folder)
    commit(folder, "One")
    git(folder, "branch", "-f", "main", "HEAD")
    return alice, folder


@pytest.fixture
def here(merged, tmp_path, monkeypatch):
    """That repository, as the working directory, on a branch of its own."""
    folder = tmp_path / "policy"
    shutil.copytree(merged[1], folder)
    git(folder, "switch", "-q", "-C", "work", "main")
    monkeypatch.chdir(folder)
    return folder


def commit(folder, message):
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)


def check(person, *words, base="main"):
    return person("rule", "check", "--base", base, *LAYERS, *words)


def judged(person):
    """Return the one rule that changed, and the codes of all errors."""
    value = check(person, "--json").value
    (rule,) = value["rules"]
    errors = (one for one in value["findings"] if one["severity"] == "error")
    return rule, {finding["code"] for finding in errors}


def edit(folder, old, new, path=PATH):
    file = folder / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_nothing_changed_passes(cli, here):
    passed = check(cli)
    assert passed.exit_code == 0
    assert passed.out.startswith("## Policy overlay: passed\n\n0 rules changed since")
    assert check(cli, "--json").value["rules"] == []


def test_a_new_signed_rule_passes_as_added(cli, here):
    git(here, "branch", "-f", "main", "main~1")
    rule, codes = judged(cli)
    assert (rule["kind"], rule["verdict"], rule["attestation"]) == (
        "added",
        "added",
        "signed",
    )
    assert (rule["passed"], rule["needs_approval"], codes) == (True, False, set())
    shown = r"\| 12 of 12 \| errors: 0, warnings: \d \| signed \| none \|"
    assert re.search(shown, check(cli).out)


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        ("# Change calendar", "# The calendar", "equal"),
        (PROD, "", "stricter"),
        (PROD, PROD + '\tinput.context.service != "x"\n', "looser"),
        (PROD, 'input.context.service == "x"\n', "incomparable"),
        ("CM-[0-9]+`", "CM-[0-9]{1,}`", "unknown"),
    ],
)
def test_a_changed_rule_is_classified(cli, here, old, new, verdict):
    edit(here, old, new)
    rule, _ = judged(cli)
    assert (rule["kind"], rule["verdict"]) == ("changed", verdict)
    assert rule["needs_approval"] is (verdict not in ("equal", "stricter"))
    assert (rule["witness_looser"] is not None) is (
        verdict in ("looser", "incomparable")
    )
    waits = "### Needs approval by a second principal" in check(cli).out
    assert waits is rule["needs_approval"]


def test_a_counterexample_is_shown_folded(cli, here):
    edit(here, PROD, PROD + '\tinput.context.service != "x"\n')
    shown = check(cli).out
    rule, _ = judged(cli)
    folded = shown.partition("<details>")[2].partition("</details>")[0]
    assert (
        json.loads(folded.partition("```json\n")[2].partition("\n```")[0])
        == (rule["witness_looser"])
    )


def test_a_rule_that_the_linter_refuses_is_not_compared(cli, here):
    edit(here, PROD, PROD + "\topa.runtime()\n")
    rule, codes = judged(cli)
    assert rule["verdict"] == "unknown"
    assert "builtin-not-allowed" in codes
    assert check(cli).code == "rule-check-failed"


def test_what_is_not_rego_is_judged_too(cli, here):
    (here / PATH).write_bytes(b"\x00\xff not rego")
    rule, codes = judged(cli)
    assert (rule["verdict"], rule["needs_approval"]) == ("unknown", True)
    assert "rego-parse" in codes


def test_changed_tests_alone_are_said(cli, here):
    edit(here, "package", "# a comment\npackage", TESTS)
    rule, codes = judged(cli)
    assert (rule["kind"], rule["verdict"]) == ("tests", "equal")
    assert (rule["attestation"], codes) == ("changed", {"attestation-stale"})


@pytest.mark.parametrize(
    ("data", "code", "state"),
    [
        (None, "attestation-missing", "unsigned"),
        (b"{}", "attestation-stale", "damaged"),
    ],
)
def test_a_missing_or_damaged_attestation_is_an_error(cli, here, data, code, state):
    path = here / FOLDER / f"{RULE}.sigstore.json"
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    rule, codes = judged(cli)
    assert (rule["kind"], rule["attestation"], codes) == ("attestation", state, {code})
    assert check(cli).exit_code == 1


def second(here, rule="acme.second"):
    """Copy the rule under another id."""
    folder = here / "overlay/rules" / rule
    shutil.copytree(here / FOLDER, folder)
    for path in folder.iterdir():
        text = path.read_text().replace(RULE, rule)
        text = text.replace(RULE.replace(".", "_"), rule.replace(".", "_"))
        path.with_name(path.name.replace(RULE, rule)).write_text(text)
        path.unlink()
    return folder


def test_a_removed_rule_without_its_retirement_is_an_error(cli, here):
    second(here)
    shutil.rmtree(here / FOLDER)
    value = check(cli, "--json").value
    gone = next(one for one in value["rules"] if one["kind"] == "removed")
    assert (gone["rule_id"], gone["verdict"]) == (RULE, "removed")
    assert gone["needs_approval"]
    assert "rule-removed" in {finding["code"] for finding in gone["findings"]}
    assert check(cli).exit_code == 1


def retired(here, path=None, **changes):
    """Remove the rule, and leave a statement that retires it."""
    workshop = Workshop()
    old = Digest.of((here / PATH).read_bytes())
    said = {"rule_id": RULE, "rule": old} | changes
    statement = say(workshop.retirement(**said), old.hex.encode())
    raw = workshop.attest(statement, by=workshop.people["author"])
    second(here)
    shutil.rmtree(here / FOLDER)
    (here / FOLDER).mkdir()
    (path or here / FOLDER / f"{RULE}.retired.sigstore.json").write_bytes(raw)


def removal(person):
    """Return what is said of the rule that is gone."""
    rules = check(person, "--json").value["rules"]
    return next(one for one in rules if one["kind"] == "removed")


def test_a_retirement_of_these_bytes_lets_a_rule_go_with_approval(cli, here):
    retired(here)
    gone = removal(cli)
    assert (gone["attestation"], gone["findings"]) == ("retired", [])
    assert (gone["passed"], gone["needs_approval"]) == (True, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"rule_id": "acme.another"},
        {"rule": Digest.of(b"another version")},
    ],
)
def test_a_retirement_of_something_else_is_none(cli, here, changes):
    retired(here, **changes)
    assert removal(cli)["attestation"] == "missing"


def test_a_link_is_no_retirement(here, tmp_path):
    old = read_overlay(here).rules[0]
    retired(here, tmp_path / "said")
    beside = here / FOLDER / f"{RULE}.retired.sigstore.json"
    beside.symlink_to(tmp_path / "said")
    assert list(retirement_findings(old, here / "overlay"))
    beside.unlink()
    (tmp_path / "said").rename(beside)
    assert list(retirement_findings(old, here / "overlay")) == []


@pytest.mark.parametrize("signed", [b"{}", b"", None])
def test_a_file_that_retires_nothing_is_no_retirement(cli, here, signed):
    second(here)
    attestation = (here / FOLDER / f"{RULE}.sigstore.json").read_bytes()
    shutil.rmtree(here / FOLDER)
    (here / FOLDER).mkdir()
    beside = here / FOLDER / f"{RULE}.retired.sigstore.json"
    beside.write_bytes(attestation if signed is None else signed)
    codes = {finding["code"] for finding in check(cli, "--json").value["findings"]}
    assert "rule-removed" in codes


def test_what_was_no_rule_is_not_missed_when_it_is_gone(cli, here):
    git(here, "switch", "-q", "main")
    for name in ("rules/acme.other/draft.rego", "old/acme.b.rego", "README.rego.txt"):
        path = here / "overlay" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("package draft\n")
    commit(here, "Not rules")
    git(here, "switch", "-q", "-C", "work")
    for name in ("rules/acme.other", "old"):
        shutil.rmtree(here / "overlay" / name)
    (here / "overlay/README.rego.txt").unlink()
    assert check(cli, "--json").value["rules"] == []


def test_a_rename_is_a_removal_and_an_addition(cli, here):
    second(here)
    shutil.rmtree(here / FOLDER)
    kinds = {one["rule_id"]: one["kind"] for one in check(cli, "--json").value["rules"]}
    assert kinds == {RULE: "removed", "acme.second": "added"}


def test_a_rule_may_move_to_the_flat_layout_and_back(cli, here):
    for path in list((here / FOLDER).iterdir()):
        path.rename(here / "overlay" / path.name.replace(RULE, "ticket"))
    shutil.rmtree(here / "overlay/rules")
    rule, codes = judged(cli)
    assert (rule["kind"], rule["verdict"], codes) == ("moved", "equal", set())


def test_a_new_rule_is_checked_against_rules_that_did_not_change(cli, here):
    folder = second(here)
    path = folder / "acme.second.rego"
    path.write_text(
        path.read_text().replace(
            "overlay.acme_second", "overlay.acme_requires_change_ticket"
        )
    )
    rule, codes = judged(cli)
    assert rule["rule_id"] == "acme.second"
    assert "package-duplicate" in codes


def test_what_others_changed_on_main_is_not_this_change(cli, here):
    git(here, "switch", "-q", "main")
    edit(here, PROD, "")
    commit(here, "Theirs")
    git(here, "switch", "-q", "work")
    assert check(cli, "--json").value["rules"] == []


def test_an_overlay_that_cannot_be_read_is_one_finding(cli, here):
    (here / "overlay" / "evil").symlink_to("/etc/passwd")
    value = check(cli, "--json").value
    assert [finding["code"] for finding in value["findings"]] == ["overlay-format"]
    assert (value["rules"], value["passed"]) == ([], False)


def test_outputs_are_written_also_where_the_change_is_refused(cli, here, tmp_path):
    (here / FOLDER / f"{RULE}.sigstore.json").unlink()
    summary, markdown, sarif = (tmp_path / name for name in ("s", "m", "x"))
    summary.write_text("before\n")
    files = ("--summary", summary, "--markdown", markdown, "--sarif", sarif)
    refused = check(cli, *files)
    assert (refused.exit_code, refused.code) == (1, "rule-check-failed")
    assert markdown.read_text() == refused.out
    assert summary.read_text() == f"before\n{refused.out}"
    result = json.loads(sarif.read_text())["runs"][0]["results"][0]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert (result["ruleId"], place["uri"]) == ("attestation-missing", PATH)


def test_an_output_that_is_there_stays(cli, here, tmp_path):
    there = tmp_path / "there"
    there.write_text("kept")
    for option in ("--markdown", "--sarif"):
        refused = check(cli, option, there)
        assert (refused.code, refused.out) == ("file-exists", "")
    assert there.read_text() == "kept"


@pytest.mark.parametrize(
    "words",
    [("--json", "--sarif", "-"), ("--json", "--markdown", "-"), ("--sarif", "-", "--markdown", "-")],
)  # fmt: skip
def test_standard_output_has_one_result(cli, here, words):
    refused = check(cli, *words)
    assert (refused.exit_code, refused.code) == (2, "usage")


def test_sarif_on_standard_output_is_all_of_it(cli, here):
    assert json.loads(check(cli, "--sarif", "-").out)["version"] == "2.1.0"


@pytest.mark.parametrize(
    ("base", "exit_code", "code"), [("nothing", 2, "base-ref"), ("--x", 2, "base-ref")]
)
def test_a_base_that_is_no_commit_is_misuse(cli, here, base, exit_code, code):
    refused = cli("rule", "check", f"--base={base}", *LAYERS)
    assert (refused.exit_code, refused.code, refused.out) == (exit_code, code, "")


def test_outside_a_repository_nothing_is_judged(cli, tmp_path, here):
    shutil.rmtree(here / ".git")
    assert check(cli).exit_code == 3


def test_checking_changes_no_file(cli, here):
    edit(here, PROD, "")
    before = tree(here)
    check(cli, "--json")
    assert tree(here) == before
    assert git(here, "status", "--porcelain").split() == ["M", PATH]
