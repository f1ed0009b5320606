# SPDX-License-Identifier: Apache-2.0
"""What other tools read of a rule, a release and its verification, from the command."""

import pytest

from signer.attestation import parse_attestation
from signer.statement import parse_statement
from tests.simulators.plane import RULE, joined, overlay_repository, planted


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    with planted(tmp_path_factory.mktemp("plane")) as running:
        yield running


@pytest.fixture
def here(alice, tmp_path, plane):
    repository = overlay_repository(tmp_path / "policy")
    made = ("--from", "change-calendar", "--overlay", repository)
    alice.must("rule", "new", RULE, *made)
    return repository


def said(path):
    statement = parse_statement(parse_attestation(path.read_bytes()).envelope.payload)
    return statement.predicate_type, statement


def test_test_lint_build_and_verification(alice, ci, plane, here):
    robot = joined(plane, "robot", "author", "lint")
    overlay, tmp_path = ("--overlay", here), here.parent
    alice.must("rule", "sign", RULE, *overlay)
    (told,) = robot.must("rule", "lint", RULE, *overlay, "--evidence", "--json").value[
        "evidence"
    ]
    assert told["rule_id"] == RULE
    provenance, summary = (
        tmp_path / "built.sigstore.json",
        tmp_path / "vsa.sigstore.json",
    )
    done = ci.must(
        "bundle", "release", *overlay, "--provenance", provenance, "--json"
    ).value
    kind, built = said(provenance)
    assert kind == "https://slsa.dev/provenance/v1"
    named = {
        one["digest"].get("sha256")
        for one in built.predicate["buildDefinition"]["resolvedDependencies"]
    }
    (item,) = done["statement"]["inventory"]
    for digest in (item["rule"], item["test"], item["head"]):
        assert digest.removeprefix("sha256:") in named
    again = ci("bundle", "release", *overlay, "--provenance", provenance)
    assert (again.exit_code, again.code) == (1, "file-exists")

    ci.must("bundle", "verify", "--vsa", summary)
    kind, verified = said(summary)
    assert kind == "https://slsa.dev/verification_summary/v1"
    assert verified.predicate["verificationResult"] == "PASSED"
    assert str(verified.digests[0]) == done["archive"]
    refused = alice("bundle", "verify", "--vsa", tmp_path / "none")
    assert (refused.exit_code, refused.code) == (1, "signer-not-permitted")
    assert not (tmp_path / "none").exists()
