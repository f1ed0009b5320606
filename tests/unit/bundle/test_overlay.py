# SPDX-License-Identifier: Apache-2.0
"""An overlay folder holds rules and what belongs to them, and nothing else."""

import os

import pytest

from bundle.beside import MAX_APPROVALS, approval_path, lint_path
from bundle.errors import OverlayFormatError
from bundle.overlay import MAX_ATTESTATION_BYTES, PROFILE, find_rule, read_overlay
from bundle.rego.limits import MAX_MODULE_BYTES
from keys.errors import LimitExceededError, NotFoundError, StorageError
from tests.simulators.rego import RULE, RULE_ID, TEST, write_rule

WORKSHOP = "require-change-ticket"


@pytest.fixture
def overlay(tmp_path):
    root = tmp_path / "overlay"
    write_rule(root, RULE_ID)
    return root


@pytest.fixture
def workshop(tmp_path, monkeypatch):
    root = tmp_path / "overlay"
    root.mkdir()
    (root / f"{WORKSHOP}.rego").write_text(RULE)
    (root / f"{WORKSHOP}_test.rego").write_text(TEST)
    monkeypatch.chdir(tmp_path)
    return root


def test_a_rule_in_its_folder_is_read(overlay):
    (rule,) = read_overlay(overlay).rules
    assert rule.rule_id == RULE_ID
    assert rule.rule_path.name == f"{RULE_ID}.rego"
    assert rule.rule == rule.rule_path.read_bytes()
    assert rule.test == rule.test_path.read_bytes()
    assert rule.attestation is None
    assert rule.cases is None


def test_the_repository_may_be_named_instead(overlay):
    assert read_overlay(overlay.parent) == read_overlay(overlay)


def test_the_rule_of_the_workshop_is_found_by_its_path(workshop):
    rule = find_rule(workshop.parent, f"./overlay/{WORKSHOP}.rego")
    assert rule.rule_id == RULE_ID
    assert rule.test == TEST.encode()
    assert rule.attestation_path.name == f"{WORKSHOP}.sigstore.json"
    assert str(rule.rule_path) == f"overlay/{WORKSHOP}.rego"


def test_the_rule_of_the_workshop_is_found_by_its_id(workshop):
    assert find_rule(workshop, RULE_ID).rule_path.name == f"{WORKSHOP}.rego"
    assert [rule.rule_id for rule in read_overlay(workshop).rules] == [RULE_ID]


def test_a_rule_in_its_folder_is_found_by_its_id_and_by_its_path(overlay):
    by_id = find_rule(overlay, RULE_ID)
    assert find_rule(overlay, str(by_id.rule_path)) == by_id
    assert find_rule(overlay, f"{by_id.rule_path.parent}/") == by_id


def test_attestation_cases_and_profile_are_read(overlay):
    folder = overlay / "rules" / RULE_ID
    (folder / f"{RULE_ID}.sigstore.json").write_bytes(b"{}")
    (folder / f"{RULE_ID}.cases.yaml").write_bytes(b"cases: []")
    (overlay / PROFILE).write_bytes(b"name: default")
    read = read_overlay(overlay)
    (rule,) = read.rules
    assert (rule.attestation, rule.cases, read.profile) == (
        b"{}",
        b"cases: []",
        b"name: default",
    )
    assert rule.cases_path == folder / f"{RULE_ID}.cases.yaml"


def test_a_file_that_does_not_say_its_id_has_none(workshop):
    (workshop / f"{WORKSHOP}.rego").write_text("package overlay.x")
    assert find_rule(workshop, f"overlay/{WORKSHOP}.rego").rule_id == ""


def test_a_retired_rule_leaves_its_retirement(overlay):
    write_rule(overlay, "acme.other")
    folder = overlay / "rules" / RULE_ID
    for path in folder.iterdir():
        path.unlink()
    (folder / f"{RULE_ID}.retired.sigstore.json").write_bytes(b"{}")
    assert [rule.rule_id for rule in read_overlay(overlay).rules] == ["acme.other"]


EMPTY = {
    "nothing": [],
    "a folder of rules without rules": ["rules"],
}


@pytest.mark.parametrize("folders", EMPTY.values(), ids=EMPTY.keys())
def test_an_overlay_without_rules_is_refused(tmp_path, folders):
    root = tmp_path / "overlay"
    root.mkdir()
    for folder in folders:
        (root / folder).mkdir()
    with pytest.raises(OverlayFormatError, match="expected a rule") as caught:
        read_overlay(root)
    assert caught.value.code == "overlay-format"
    assert "rule new" in caught.value.hint


def test_a_folder_that_is_no_overlay_is_refused(tmp_path):
    with pytest.raises(OverlayFormatError):
        read_overlay(tmp_path)
    with pytest.raises(OverlayFormatError):
        read_overlay(tmp_path / "nowhere")


FOREIGN = {
    "data": "data.json",
    "data in the rule's folder": f"rules/{RULE_ID}/data.json",
    "another rule in the rule's folder": f"rules/{RULE_ID}/acme.other.rego",
    "a file among the rules": "rules/data.yaml",
    "a manifest": ".manifest",
    "signatures": ".signatures.json",
    "a wasm": "policy.wasm",
    "a test of no rule": "other_test.rego",
    "an attestation of no rule": "other.sigstore.json",
    "cases of no rule": "other.cases.yaml",
}


@pytest.mark.parametrize("name", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_file_is_refused(overlay, name):
    (overlay / name).write_bytes(b"{}")
    with pytest.raises(OverlayFormatError) as caught:
        read_overlay(overlay)
    assert name.rsplit("/", maxsplit=1)[-1] in caught.value.message


def test_a_folder_in_a_rules_folder_is_refused(overlay):
    (overlay / "rules" / RULE_ID / "more").mkdir()
    with pytest.raises(OverlayFormatError):
        read_overlay(overlay)


def test_a_folder_without_its_rule_is_refused(overlay):
    (overlay / "rules" / "acme.other").mkdir()
    with pytest.raises(OverlayFormatError, match=r"acme\.other\.rego"):
        read_overlay(overlay)


LINKS = {
    "a rule": f"rules/{RULE_ID}/{RULE_ID}.rego",
    "a test": f"rules/{RULE_ID}/{RULE_ID}_test.rego",
    "an attestation": f"rules/{RULE_ID}/{RULE_ID}.sigstore.json",
    "a rule's folder": "rules/acme.other",
    "the profile": PROFILE,
}


@pytest.mark.parametrize("name", LINKS.values(), ids=LINKS.keys())
def test_a_link_is_refused(overlay, tmp_path, name):
    target = tmp_path / "target"
    target.mkdir() if "other" in name else target.write_text(RULE)
    path = overlay / name
    path.unlink(missing_ok=True)
    path.symlink_to(target)
    with pytest.raises(OverlayFormatError, match="link"):
        read_overlay(overlay)


@pytest.mark.parametrize(
    "name", [LINKS["a rule"], LINKS["a test"], LINKS["an attestation"]]
)
def test_a_link_is_refused_for_one_rule_too(overlay, tmp_path, name):
    (tmp_path / "target").write_text(RULE)
    path = overlay / name
    path.unlink(missing_ok=True)
    path.symlink_to(tmp_path / "target")
    with pytest.raises(OverlayFormatError, match="link"):
        find_rule(overlay, RULE_ID)


def test_a_link_to_the_overlay_itself_is_refused(overlay, tmp_path):
    other = tmp_path / "repository"
    other.mkdir()
    (other / "overlay").symlink_to(overlay)
    with pytest.raises(OverlayFormatError):
        read_overlay(other)


def test_an_id_twice_is_refused(overlay):
    rule = overlay / "rules" / RULE_ID / f"{RULE_ID}.rego"
    (overlay / "ticket.rego").write_bytes(rule.read_bytes())
    with pytest.raises(OverlayFormatError, match=RULE_ID):
        read_overlay(overlay)


@pytest.mark.parametrize(
    "rule", ["acme.other", "no id", "overlay/other.rego", "x.rego"]
)
def test_a_rule_that_is_not_there_is_not_found(workshop, rule):
    with pytest.raises((NotFoundError, StorageError)):
        find_rule(workshop, rule)


def test_a_test_is_not_a_rule(workshop):
    with pytest.raises(OverlayFormatError) as caught:
        find_rule(workshop, f"overlay/{WORKSHOP}_test.rego")
    assert caught.value.hint == "name a rule by its id, its folder or its .rego file"


def test_a_folder_in_place_of_a_file_is_refused(overlay):
    (overlay / "folder.rego").mkdir()
    with pytest.raises(OverlayFormatError):
        read_overlay(overlay)
    with pytest.raises(OverlayFormatError):
        find_rule(overlay, str(overlay / "folder.rego"))


def test_a_pipe_in_place_of_a_file_is_refused(overlay):
    os.mkfifo(overlay / PROFILE)
    with pytest.raises(OverlayFormatError):
        read_overlay(overlay)


def test_a_file_may_have_its_limit_of_bytes_and_no_more(overlay):
    folder = overlay / "rules" / RULE_ID
    for name, limit in (
        (f"{RULE_ID}.rego", MAX_MODULE_BYTES),
        (f"{RULE_ID}.sigstore.json", MAX_ATTESTATION_BYTES),
    ):
        path = folder / name
        path.write_bytes(b"#" * limit)
        read_overlay(overlay)
        path.write_bytes(b"#" * (limit + 1))
        with pytest.raises(LimitExceededError):
            read_overlay(overlay)
        path.write_bytes(b"#")


# ------------------------------------------------------------------ approvals


def approve(rule, *names):
    for name in names:
        rule.rule_path.with_name(f"{rule.rule_path.stem}{name}").write_text(name)


LINTED = ".lint.sigstore.json"
APPROVED = ".approval.jane.doe.sigstore.json"


@pytest.mark.parametrize("layout", ["overlay", "workshop"])
def test_what_others_say_of_a_change_lies_beside_the_rule(layout, request):
    root = request.getfixturevalue(layout)
    (rule,) = read_overlay(root).rules
    assert rule.approvals == ()
    approve(rule, APPROVED, LINTED)
    (rule,) = read_overlay(root).rules
    assert [data.decode() for _, data in rule.approvals] == [APPROVED, LINTED]
    assert find_rule(root, RULE_ID).approvals == rule.approvals
    assert rule.attestation is None


def test_their_files_are_named_as_they_are_found(overlay):
    (rule,) = read_overlay(overlay).rules
    lint_path(rule.rule_path).write_text("l")
    approval_path(rule.rule_path, "jane.doe").write_text("a")
    (rule,) = read_overlay(overlay).rules
    assert [data for _, data in rule.approvals] == [b"a", b"l"]


@pytest.mark.parametrize(
    "name",
    [
        ".approval.sigstore.json",
        ".approval..sigstore.json",
        ".approval.Jane.sigstore.json",
        ".approval.jane.json",
        ".lint.json",
        ".other.sigstore.json",
    ],
)
def test_an_approval_of_another_name_is_foreign(overlay, name):
    (rule,) = read_overlay(overlay).rules
    approve(rule, name)
    with pytest.raises(OverlayFormatError):
        read_overlay(overlay)


@pytest.mark.parametrize("layout", ["overlay", "workshop"])
def test_an_approval_of_another_rule_is_foreign(layout, request):
    root = request.getfixturevalue(layout)
    (rule,) = read_overlay(root).rules
    rule.rule_path.with_name(f"other{APPROVED}").write_text("x")
    with pytest.raises(OverlayFormatError):
        read_overlay(root)


def test_an_approval_that_is_a_link_is_refused(overlay, tmp_path):
    (rule,) = read_overlay(overlay).rules
    (tmp_path / "elsewhere").write_text("x")
    approval_path(rule.rule_path, "jane").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OverlayFormatError):
        find_rule(overlay, RULE_ID)


def test_approvals_have_a_bound_in_size_and_number(overlay):
    (rule,) = read_overlay(overlay).rules
    for number in range(MAX_APPROVALS):
        approval_path(rule.rule_path, f"a{number}").write_text("x")
    assert len(find_rule(overlay, RULE_ID).approvals) == MAX_APPROVALS
    lint_path(rule.rule_path).write_text("x")
    with pytest.raises(OverlayFormatError):
        find_rule(overlay, RULE_ID)
    lint_path(rule.rule_path).unlink()
    path = approval_path(rule.rule_path, "a0")
    path.write_bytes(bytes(MAX_ATTESTATION_BYTES))
    find_rule(overlay, RULE_ID)
    path.write_bytes(bytes(MAX_ATTESTATION_BYTES + 1))
    with pytest.raises(LimitExceededError):
        find_rule(overlay, RULE_ID)
