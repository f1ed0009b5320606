# SPDX-License-Identifier: Apache-2.0
"""Predicates of in-toto and SLSA: by their schemas, by in-toto's own package, by ours."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.predicates.vsa.v1 import vsa_pb2
from in_toto_attestation.v1 import statement_pb2

from keys.digest import Digest
from keys.errors import FormatError
from signer.errors import PredicateFormatError
from signer.form import Form
from signer.predicates import parse_predicate
from signer.predicates.base import PERMISSION
from signer.predicates.evidence import LintResult, SuiteResult
from signer.predicates.runner_report import ReportedCheck
from signer.predicates.standard.provenance import ProvenancePredicate
from signer.predicates.standard.said import SAID, Resource, Said
from signer.predicates.standard.summary import SummaryPredicate
from signer.predicates.standard.svr import (
    PROPERTIES,
    RATCHET_PROVEN,
    SHAPE_OK,
    SvrPredicate,
)
from signer.predicates.standard.test_result import TestResultPredicate
from signer.result import Status
from signer.statement import Subject, build_statement, parse_statement
from tests.simulators.signing import CASES, NOW

FORMATS = Path(__file__).parents[3] / "docs" / "formats"
ONE, TWO = Digest.of(b"one"), Digest.of(b"two")
SAYS = Said(workspace=ONE, identity="ci")
SUITE = SuiteResult(engine="regorus", engine_version="0.13.0", cases=CASES)
LINT = LintResult(
    engine="regorus", engine_version="0.13.0", linter_version="1.1.0", checks=("shape",)
)
RESOURCES = (
    Resource(name="rules/a.b/a.b.rego", digest=TWO),
    Resource(name="regorus 0.13.0", uri="pkg:generic/regorus@0.13.0"),
    Resource(name="overlay", commit="a" * 40),
)
CHECKS = (
    ReportedCheck(id="clock", status=Status.PASSED),
    ReportedCheck(id="metadata", status=Status.PASSED),
)
SUMMARY = SummaryPredicate(
    said=SAYS,
    verified_with="0.1.0",
    verified_at=NOW,
    revision=7,
    form=Form.SOVEREIGN,
    policy=TWO,
    inputs=RESOURCES[:1],
    code=None,
    checks=CHECKS,
)
REFUSED = replace(
    SUMMARY,
    code="revoked",
    checks=(
        *CHECKS,
        ReportedCheck(id="rules", status=Status.FAILED, code="revoked"),
        ReportedCheck(id="compile", status=Status.NOT_RUN),
    ),
)
MADE = {
    "in-toto-test-result-v0.1": TestResultPredicate(
        said=SAYS, configuration=RESOURCES[:2], suite=SUITE
    ),
    "in-toto-svr-v0.1": SvrPredicate(
        said=SAYS, created_at=NOW, properties=PROPERTIES, policies=RESOURCES, lint=LINT
    ),
    "slsa-provenance-v1": ProvenancePredicate(
        said=SAYS,
        revision=7,
        built_with="0.1.0",
        built_at=NOW,
        dependencies=RESOURCES,
        release=ONE,
    ),
    "slsa-verification-summary-v1": SUMMARY,
}
EVERY = [*MADE.items(), ("slsa-verification-summary-v1", REFUSED)]
each = pytest.mark.parametrize(("schema", "said"), EVERY)


def stated(said):
    return build_statement((Subject("bundle.tar.gz", TWO),), said)


@each
def test_it_keeps_to_the_schema(schema, said):
    rules = json.loads((FORMATS / f"{schema}.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(rules)
    jsonschema.Draft202012Validator.check_schema(rules)
    document = said.to_json()
    validator.validate(document)
    for field in rules["required"]:
        without = {k: v for k, v in document.items() if k != field}
        assert not validator.is_valid(without)


@each
def test_what_is_written_is_read(schema, said):
    assert parse_predicate(parse_statement(stated(said))) == said
    assert said.type in PERMISSION


@each
def test_nothing_may_be_missing_or_added(schema, said):
    document = said.to_json()
    changed = [{k: v for k, v in document.items() if k != name} for name in document]
    for one in [*changed, {**document, "more": 1}]:
        with pytest.raises(FormatError):
            type(said).parse(one)


@each
def test_it_is_somebody_s_word_in_one_workspace(schema, said):
    assert (said.workspace, said.signer) == (ONE, "ci")
    document = said.to_json()
    document[SAID] = {"workspace": str(TWO), "identity": "ci"}
    if schema.startswith("slsa"):  # they name it in their own fields, too
        with pytest.raises(FormatError):
            type(said).parse(document)
    else:
        assert type(said).parse(document).workspace == TWO


@each
def test_in_toto_s_own_package_reads_the_statement(schema, said):
    """It has no numbers to make fractions of but those in our extension fields."""
    read = json_format.Parse(stated(said), statement_pb2.Statement())
    assert read.predicate_type == said.type
    assert read.subject[0].digest["sha256"] == TWO.hex


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("in-toto-test-result-v0.1", test_result_pb2.TestResult),
        ("slsa-provenance-v1", provenance_pb2.Provenance),
    ],
)
def test_in_toto_s_own_package_reads_the_predicate(schema, message):
    read = json_format.ParseDict(
        MADE[schema].to_json(), message(), ignore_unknown_fields=True
    )
    assert read.ByteSize()


def test_the_package_s_summary_is_not_the_one_of_the_specification():
    """It knows ``verified_levels`` as one text; a list of them is no error of ours."""
    with pytest.raises(json_format.ParseError):
        json_format.ParseDict(
            SUMMARY.to_json(),
            vsa_pb2.VerificationSummary(),
            ignore_unknown_fields=True,
        )


def test_a_summary_says_what_was_found():
    assert SUMMARY.to_json()["verificationResult"] == "PASSED"
    assert SUMMARY.to_json()["verifiedLevels"] == [
        "TRUSTACKS_RELEASE_VERIFIED",
        "TRUSTACKS_FORM_SOVEREIGN",
    ]
    assert REFUSED.to_json()["verificationResult"] == "FAILED"
    assert REFUSED.to_json()["verifiedLevels"] == ["FAILED"]


@pytest.mark.parametrize(
    "lie",
    [
        lambda: replace(SUMMARY, code="revoked"),
        lambda: replace(REFUSED, code=None),
        lambda: replace(SUMMARY, checks=()),
        lambda: replace(
            MADE["in-toto-svr-v0.1"], properties=(SHAPE_OK, RATCHET_PROVEN)
        ),
        lambda: replace(MADE["in-toto-svr-v0.1"], properties=("TRUSTACKS_ANYTHING",)),
        lambda: Resource(name="nothing"),
        lambda: Resource(name="both", digest=ONE, commit="a" * 40),
    ],
)
def test_what_contradicts_itself_cannot_be_built(lie):
    with pytest.raises(PredicateFormatError):
        lie()


@pytest.mark.parametrize(
    ("schema", "place", "value"),
    [
        ("slsa-verification-summary-v1", ("verificationResult",), "FAILED"),
        ("slsa-verification-summary-v1", ("verifiedLevels",), ["SLSA_BUILD_LEVEL_3"]),
        ("slsa-verification-summary-v1", ("resourceUri",), "https://example.com/x"),
        ("slsa-verification-summary-v1", ("verifier", "id"), "https://example.com/x"),
        ("slsa-provenance-v1", ("runDetails", "byproducts"), []),
        (
            "slsa-provenance-v1",
            ("runDetails", "byproducts"),
            [{"name": "r", "uri": "x"}],
        ),
        (
            "slsa-provenance-v1",
            ("buildDefinition", "externalParameters"),
            {"workspace": str(ONE), "revision": "07"},
        ),
        (
            "slsa-provenance-v1",
            ("buildDefinition", "externalParameters"),
            {"workspace": str(ONE), "revision": "0"},
        ),
        ("in-toto-test-result-v0.1", ("result",), "FAILED"),
        ("in-toto-test-result-v0.1", ("passedTests",), ["another"]),
        ("in-toto-test-result-v0.1", ("failedTests",), ["one"]),
        ("in-toto-svr-v0.1", ("verifier", "id"), "https://example.com/linter"),
    ],
)
def test_what_says_another_thing_than_our_own_field_is_refused(schema, place, value):
    said = MADE[schema]
    document = json.loads(json.dumps(said.to_json()))
    inner = document
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    with pytest.raises(FormatError):
        type(said).parse(document)
