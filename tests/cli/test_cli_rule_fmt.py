# SPDX-License-Identifier: Apache-2.0
"""``rule fmt`` and the empty template of ``rule new``, as an author meets them."""

import pytest

from tests.simulators.plane import RULE, tree

EXAMPLES = ("--constitution", "examples/constitution")
UGLY = ("\ttarget_tier", "  target_tier ")


@pytest.fixture
def rule(cli, repository):
    cli.must("rule", "new", RULE, "--overlay", repository)
    return repository / "overlay" / "rules" / RULE / f"{RULE}.rego"


def test_the_empty_rule_passes_as_it_is_and_says_what_comes_next(cli, repository):
    made = cli.must("rule", "new", RULE, "--overlay", repository)
    assert f"trustacks rule test {RULE}" in made.err
    cli.must("rule", "test", RULE, "--overlay", repository)
    linted = cli.must(
        "rule", "lint", RULE, "--overlay", repository, *EXAMPLES, "--json"
    )
    assert linted.value["rules"][0]["passed"]
    cli.must("rule", "fmt", "--check", "--overlay", repository)


def test_a_file_is_formatted_in_place_with_its_mode(cli, repository, rule):
    good = rule.read_bytes()
    rule.write_text(rule.read_text().replace(*UGLY))
    rule.chmod(0o600)
    done = cli.must("rule", "fmt", RULE, "--overlay", repository)
    assert f"formatted: {rule}" in done.out
    assert "1 of 2 files formatted" in done.out
    assert rule.read_bytes() == good
    assert rule.stat().st_mode & 0o777 == 0o600


def test_check_and_diff_write_nothing(cli, repository, rule):
    rule.write_text(rule.read_text().replace(*UGLY))
    before = tree(repository)
    checked = cli("rule", "fmt", "--check", "--overlay", repository, "--json")
    assert (checked.exit_code, checked.code) == (1, "rule-not-formatted")
    files = {one["path"]: one["changed"] for one in checked.value["files"]}
    assert files[str(rule)] is True
    assert sorted(files.values()) == [False, True]
    shown = cli.must("rule", "fmt", "--diff", "--overlay", repository)
    assert "-  target_tier " in shown.out
    assert "+\ttarget_tier" in shown.out
    assert cli("rule", "fmt", "--diff", "--check", "--overlay", repository).exit_code
    assert tree(repository) == before


def test_what_is_no_rego_is_said_with_its_place_and_stays(cli, repository, rule):
    test = rule.with_name(f"{RULE}_test.rego")
    rule.write_text("package overlay.x\n\ndeny contains {{{\n")
    test.write_text(test.read_text().replace("\tcount(", "  count("))
    before = rule.read_bytes()
    done = cli("rule", "fmt", "--overlay", repository)
    assert (done.exit_code, done.code) == (1, "rule-format-failed")
    assert f"error: {rule}:" in done.out
    assert "[rego-parse]" in done.out
    assert f"formatted: {test}" in done.out
    assert rule.read_bytes() == before


def test_a_path_is_a_file_or_a_folder(cli, repository, rule):
    by_file = cli.must("rule", "fmt", rule, rule, "--json").value["files"]
    assert [one["path"] for one in by_file] == [str(rule)]
    by_folder = cli.must("rule", "fmt", f"{rule.parent}/", "--json").value["files"]
    assert len(by_folder) == 2
    missing = cli("rule", "fmt", rule.with_name("none.rego"))
    assert (missing.exit_code, missing.code) == (2, "file-missing")


def test_a_link_is_not_followed(cli, repository, rule, tmp_path):
    outside = tmp_path / "outside.rego"
    outside.write_text(rule.read_text().replace(*UGLY))
    before = outside.read_bytes()
    rule.unlink()
    rule.symlink_to(outside)
    for words in ((rule,), (f"{rule.parent}/",), (RULE, "--overlay", repository)):
        refused = cli("rule", "fmt", *words)
        assert (refused.exit_code, refused.code) == (1, "overlay-format"), words
    assert outside.read_bytes() == before
    assert rule.is_symlink()


def test_a_full_disk_leaves_the_file_as_it_was(cli, repository, rule):
    rule.write_text(rule.read_text().replace(*UGLY))
    before = tree(repository)
    failed = cli.child("rule", "fmt", RULE, cwd=repository, limit_bytes=64)
    assert (failed.exit_code, failed.code) == (3, "storage-unavailable")
    assert tree(repository) == before


def test_a_signed_rule_that_changes_is_said_to_need_a_signature(cli, repository, rule):
    rule.with_name(f"{RULE}.sigstore.json").write_text("{}")
    assert "sign" not in cli.must("rule", "fmt", "--overlay", repository).err
    rule.write_text(rule.read_text().replace(*UGLY))
    done = cli.must("rule", "fmt", "--overlay", repository)
    assert f"trustacks rule sign {RULE}" in done.err
