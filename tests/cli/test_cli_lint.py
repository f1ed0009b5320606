# SPDX-License-Identifier: Apache-2.0
"""``rule lint`` as its users see it: verdict, place, and an input that can be pasted."""

import json
import shutil

import pytest

pytest.importorskip("z3", reason="SKIPPED: the extra prove is not installed")

from pathlib import Path

from bundle.tuf.errors import TufExpiredError
from tests.simulators.plane import RULE, git, tree
from trustacks._cli import rule_attest

EXAMPLES = Path(__file__).parents[2] / "examples"
PARENTS = ("--constitution", EXAMPLES / "constitution")
PARENTS += ("--pack", EXAMPLES / "packs/change-control")
FILE = f"overlay/rules/{RULE}/{RULE}.rego"
HEAD = f'deny contains {{"rule_id": "{RULE}", "message": message}} if {{'
PROD = 'target_tier == "prod"'


@pytest.fixture
def here(cli, repository, monkeypatch):
    """A committed rule in the working directory."""
    cli.must("rule", "new", RULE, "--from", "change-calendar", "--overlay", repository)
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "One rule")
    monkeypatch.chdir(repository)
    return repository


def rewrite(here, old, new):
    path = here / FILE
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def lint(cli, *words):
    return cli("rule", "lint", RULE, *PARENTS, *words)


def lint_all(cli):
    return cli.must("rule", "lint", *PARENTS)


CHANGES = {
    "equal": ("package overlay", "# why\npackage overlay", 0, "equal to"),
    "stricter": (f"\t{PROD}\n", '\ttarget_tier in {"prod", "live"}\n', 0, "stricter than"),
    "looser": (PROD, f'{PROD}\n\tnot input.context.renderer == "helm"', 0, "looser than"),
    "incomparable": (PROD, 'target_tier == "live"', 1, "incomparable with"),
    "unknown": (
        PROD,
        f"{PROD}\n\tcount(json.marshal(input.context.target)) > 1",
        0,
        "unknown against",
    ),
}  # fmt: skip


@pytest.mark.parametrize("verdict", CHANGES)
def test_each_verdict_is_said_against_a_commit(cli, here, verdict):
    old, new, code, said = CHANGES[verdict]
    rewrite(here, old, new)
    ended = lint(cli, "--base", "HEAD")
    last = ended.out.rstrip("\n").rpartition("\n")[2]
    assert last.startswith(f"{RULE}: ")
    assert last.endswith(f", {said} the version before")
    assert ended.exit_code == code
    shown = lint(cli, "--base", "HEAD", "--json").value["rules"][0]
    assert shown["change"]["verdict"] == verdict
    assert shown["lint"]["change"]["verdict"] == verdict


def test_what_a_looser_rule_lets_through_is_a_case_to_paste(cli, here):
    before = (here / FILE).read_text()
    rewrite(here, PROD, f'{PROD}\n\tnot input.context.renderer == "helm"')
    out = lint(cli, "--base", "HEAD").out
    warning = next(line for line in out.split("\n") if "[change-looser]" in line)
    assert warning == (
        f"warning: {FILE}:22:1: expected to deny all that the version before denies, "
        "got less [change-looser]"
    )
    lines = out.split("\n")
    at = lines.index(warning)
    assert lines[at + 1] == f"  | {HEAD}"
    assert lines[at + 2] == "  | ^"
    assert "--mark looser" in lines[at + 3]
    assert lines[at + 4] == f"  input, as a case of {RULE}.cases.yaml:"
    cases = here / FILE.replace(".rego", ".cases.yaml")
    cases.write_text(f"cases:\n{lines[at + 5]}\n")
    failed = cli("rule", "test", RULE, *PARENTS)
    assert (failed.exit_code, failed.code) == (1, "rule-tests-failed")
    assert "change-looser input" in failed.out
    (here / FILE).write_text(before)
    cli.must("rule", "test", RULE, *PARENTS)


def test_a_refinement_that_does_not_hold_shows_the_input(cli, here):
    parent = "change_control.no_skipped_controls"
    scope = '"tier_scope": ["prod"],'
    rewrite(here, scope, f'{scope}\n\t"refines": "{parent}",')
    refused = lint(cli)
    assert (refused.exit_code, refused.code) == (1, "rule-lint-failed")
    assert f"{FILE}:14:2: expected to deny all that {parent} denies" in refused.out
    assert f'  | \t"refines": "{parent}",\n  | \t^\n' in refused.out
    finding = next(
        one
        for one in lint(cli, "--json").value["rules"][0]["findings"]
        if one["code"] == "refinement-looser"
    )
    labels = finding["evidence"]["input"]["context"]["pull_request"]["labels"]
    assert set(labels) & {"force-merge", "skip-ci", "skip-review"}
    assert (
        json.dumps(finding["evidence"]["input"]["context"]["target"]["tier"])
        == '"prod"'
    )


def test_the_parents_stand_in_the_report_by_digest(cli, here):
    parents = lint(cli, "--json").value["parents"]
    assert [one["kind"] for one in parents] == ["constitution", "pack"]
    assert all(one["archive"].startswith("sha256:") for one in parents)


def test_a_rule_that_is_new_since_the_base_has_no_change(cli, here):
    shown = lint(cli, "--base", "HEAD~1", "--json").value["rules"][0]
    assert shown["change"] is None


def test_all_rules_are_compared_at_once(cli, here):
    second = "acme.deploy_window"
    cli.must("rule", "new", second, "--from", "deploy-window")
    rewrite(here, "package overlay", "# why\npackage overlay")
    shown = cli.must("rule", "lint", *PARENTS, "--base", "HEAD", "--json").value
    changes = {one["rule_id"]: one["change"] for one in shown["rules"]}
    assert changes[RULE]["verdict"] == "equal"
    assert changes[second] is None
    said = lint_all(cli).out.rstrip("\n").rpartition("\n")[2]
    assert said == "2 rules: 2 passed, 0 failed"


def test_a_base_that_is_no_commit_is_misuse(cli, here):
    refused = lint(cli, "--base", "no-such-branch")
    assert (refused.exit_code, refused.code) == (2, "base-ref")


def test_attest_without_a_version_before_says_what_to_name(cli, here):
    before = tree(here)
    refused = lint(cli, "--attest")
    assert (refused.exit_code, refused.code) == (1, "nothing-to-approve")
    assert "--base REF" in refused.err
    assert tree(here) == before


def test_attest_refuses_what_may_have_loosened(cli, here):
    rewrite(here, PROD, f'{PROD}\n\tnot input.context.renderer == "helm"')
    before = tree(here)
    refused = lint(cli, "--base", "HEAD", "--attest")
    assert (refused.exit_code, refused.code) == (1, "change-not-proved")
    assert f"got looser {RULE}" in refused.err
    assert "rule approve" in refused.err
    assert tree(here) == before


def test_a_signed_rule_is_verified_and_a_forged_one_refused(alice, drafted):
    where = ("--overlay", drafted)
    alice.must("rule", "sign", RULE, *where)
    shown = alice.must("rule", "lint", RULE, *where, "--json").value["rules"][0]
    assert "signature" in shown["lint"]["checks"]
    path = drafted / FILE.replace(".rego", ".sigstore.json")
    good = path.read_bytes()
    path.write_bytes(good.replace(b'"payload":"ey', b'"payload":"eY', 1))
    refused = alice("rule", "lint", RULE, *where)
    assert (refused.exit_code, refused.code) == (1, "rule-lint-failed")
    assert "[signature-invalid]" in refused.out
    path.write_bytes(good)
    rule = drafted / FILE
    rule.write_text(f"{rule.read_text()}\n# seen\n")
    changed = alice.must("rule", "lint", RULE, *where)
    assert "got subject-mismatch" in changed.out


def test_attest_refuses_a_proof_about_other_parents(alice, drafted, tmp_path):
    git(drafted, "add", ".")
    git(drafted, "commit", "-q", "-m", "One rule")
    rewrite(drafted, "package overlay", "# why\npackage overlay")
    other = tmp_path / "constitution"
    shutil.copytree(EXAMPLES / "constitution", other)
    (other / "aggregate.rego").write_text("package proposal\n")
    before = tree(drafted)
    words = ("--overlay", drafted, "--base", "HEAD", "--attest")
    refused = alice("rule", "lint", RULE, *words, "--constitution", other)
    assert (refused.exit_code, refused.code) == (1, "parents-not-current")
    assert tree(drafted) == before


def test_an_expired_pin_is_said_and_lints_all_the_same(alice, drafted, monkeypatch):
    def expired(*_store, **_options):
        raise TufExpiredError("expected metadata that is in force, got expired")

    alice.must("rule", "sign", RULE, "--overlay", drafted)
    monkeypatch.setattr(rule_attest, "read_pinned", expired)
    ended = alice.must("rule", "lint", RULE, "--overlay", drafted, "--json")
    assert "signature" not in ended.value["rules"][0]["lint"]["checks"]
    assert "signatures not verified" in ended.err
