# SPDX-License-Identifier: Apache-2.0
"""The published formats: page, example, schema and parser say the same."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from keys.errors import TrustacksError
from keys.strict import dumps_json
from signer.attestation import parse_attestation
from signer.predicates.approval import ApprovalPredicate
from signer.predicates.artifact import ArtifactPredicate
from signer.predicates.identity_proof import IdentityProofPredicate
from signer.predicates.layer import LayerPredicate
from signer.predicates.lint import LintPredicate
from signer.predicates.release import ReleasePredicate
from signer.predicates.root_change import RootChangePredicate
from signer.predicates.rule import RulePredicate
from signer.predicates.runner_report import RunnerReportPredicate
from signer.predicates.trust_change import TrustChangePredicate
from signer.result import VerificationResult
from signer.statement import parse_statement
from signer.trust_policy import TrustPolicy
from signer.verify import STEPS

FORMATS = Path(__file__).parents[3] / "docs" / "formats"
PREDICATES = (
    ApprovalPredicate,
    ArtifactPredicate,
    IdentityProofPredicate,
    LayerPredicate,
    LintPredicate,
    ReleasePredicate,
    RootChangePredicate,
    RulePredicate,
    RunnerReportPredicate,
    TrustChangePredicate,
)
Parser = Callable[[Any], Any]


def predicate_row(kind) -> tuple[str, str, int, Parser]:
    name = kind.type.rsplit("/", 2)[1]
    return f"predicate-{name}", f"predicate-{name}-v1", 0, kind.parse


def from_bytes(parse: Callable[[bytes], Any]) -> Parser:
    return lambda document: parse(dumps_json(document))


# page, schema, which of the page's examples, parser
ROWS = [
    *(predicate_row(kind) for kind in PREDICATES),
    ("attestation", "attestation-v1", 0, from_bytes(parse_attestation)),
    ("attestation", "statement-v1", 1, from_bytes(parse_statement)),
    ("trust-policy", "trust-policy-v1", 0, from_bytes(TrustPolicy.parse)),
    (
        "verification-result",
        "verification-result-v1",
        0,
        from_bytes(VerificationResult.parse),
    ),
]
EACH = pytest.mark.parametrize(
    ("page", "schema", "number", "parse"),
    [pytest.param(*row, id=row[1]) for row in ROWS],
)


def examples(page: str) -> list[Any]:
    text = (FORMATS / f"{page}.md").read_text()
    return [
        json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    ]


def validator(schema: str) -> jsonschema.Draft202012Validator:
    document = json.loads((FORMATS / f"{schema}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document)


def neighbours(document: Any) -> Iterator[tuple[str, Any]]:
    """Yield documents that lack one field, or have one too many."""
    for path in objects(document):
        names = list(at(document, path))
        for name in names:
            copy = json.loads(json.dumps(document))
            del at(copy, path)[name]
            yield f"{path} without {name}", copy
        copy = json.loads(json.dumps(document))
        at(copy, path)["unknown-field"] = 1
        yield f"{path} with an unknown field", copy


def objects(value: Any, path: tuple = ()) -> Iterator[tuple]:
    if isinstance(value, dict):
        yield path
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for name, inner in items:
        yield from objects(inner, (*path, name))


def at(document: Any, path: tuple) -> Any:
    for name in path:
        document = document[name]
    return document


def accepted(parse: Parser, document: Any) -> bool:
    try:
        parse(document)
    except TrustacksError:
        return False
    return True


@EACH
def test_the_example_on_the_page_is_valid_and_is_read(page, schema, number, parse):
    example = examples(page)[number]

    validator(schema).validate(example)
    parse(example)


@EACH
def test_schema_and_parser_agree_one_field_away_from_the_example(
    page, schema, number, parse
):
    check = validator(schema)
    disagree = [
        what
        for what, document in neighbours(examples(page)[number])
        if check.is_valid(document) != accepted(parse, document)
    ]

    assert disagree == []


@EACH
def test_the_page_names_its_schema_and_says_in_which_order_to_verify(
    page, schema, number, parse
):
    text = (FORMATS / f"{page}.md").read_text()

    assert f"({schema}.schema.json)" in text
    assert "## Verification order" in text
    assert ", version 1\n" in text.splitlines(keepends=True)[0]


def test_the_payload_on_the_attestations_page_is_the_one_in_its_envelope():
    attestation, statement = examples("attestation")

    parsed = parse_attestation(dumps_json(attestation))

    assert parsed.envelope.payload == dumps_json(statement)


def test_the_attestations_page_lists_the_steps_of_the_code():
    text = (FORMATS / "attestation.md").read_text()
    rows = re.findall(r"^\| (\d+) \| `([a-z-]+)` \| (.+?) \|", text, re.MULTILINE)

    assert [(step, title) for _, step, title in rows] == list(STEPS)
    assert [int(number) for number, _, _ in rows] == list(range(1, len(STEPS) + 1))


def test_every_schema_of_the_signing_room_is_tested_and_its_name_is_its_type():
    for kind in PREDICATES:
        row = predicate_row(kind)
        document = json.loads((FORMATS / f"{row[1]}.schema.json").read_text())
        assert document["$id"] == kind.type


def test_the_index_lists_every_page():
    index = (FORMATS / "index.md").read_text()
    pages = {path.name for path in FORMATS.glob("*.md")} - {"index.md"}

    assert {name for name in pages if f"({name})" not in index} == set()
