# SPDX-License-Identifier: Apache-2.0
"""The pages of the Runner's formats say what the code writes and reads."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from bundle.decision import DecisionRecord
from bundle.limits import CLOCK_SKEW_S, DECISION_LIFE_S
from bundle.runner.state import State
from keys.errors import FormatError
from keys.strict import dumps_json

FORMATS = Path(__file__).parents[3] / "docs" / "formats"
PAGES = {"runner-state": State, "decision-record": DecisionRecord}


def example(page):
    text = (FORMATS / f"{page}.md").read_text()
    return json.loads(
        re.search(r"^```json\n(.*?)^```", text, re.DOTALL | re.MULTILINE)[1]
    )


def validator(page):
    schema = json.loads((FORMATS / f"{page}-v1.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def places(value, path=()):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*path, name)
            yield from places(inner, (*path, name))


def changed(value, path, change):
    name, *rest = path
    if rest:
        return {**value, name: changed(value[name], rest, change)}
    return change(value, name)


@pytest.mark.parametrize("page", PAGES)
def test_the_example_is_what_the_code_reads_and_writes(page):
    value = example(page)
    validator(page).validate(value)
    parsed = PAGES[page].parse(dumps_json(value))
    assert json.loads(parsed.to_bytes()) == value


FREE = ("sources", "engine", "packs", "citation")  # maps: their keys are data
CASES = [(page, path) for page in PAGES for path in places(example(page))]


@pytest.mark.parametrize(
    ("page", "path"), CASES, ids=[f"{p}: {'.'.join(path)}" for p, path in CASES]
)
def test_schema_and_parser_refuse_the_same_missing_and_foreign_fields(page, path):
    def without(value, name):
        return {k: v for k, v in value.items() if k != name}

    def retyped(value, name):
        return {**value, name: [7]}

    for change in (without, retyped):
        if change is without and len(path) > 1 and path[-2] in FREE:
            continue
        value = changed(example(page), path, change)
        assert not validator(page).is_valid(value)
        with pytest.raises(FormatError):
            PAGES[page].parse(dumps_json(value))
    foreign = {**example(page), "more": 1}
    assert not validator(page).is_valid(foreign)
    with pytest.raises(FormatError):
        PAGES[page].parse(dumps_json(foreign))


def test_the_numbers_on_the_pages_are_the_code_s():
    assert f"less {CLOCK_SKEW_S} seconds" in (FORMATS / "runner-state.md").read_text()
    assert DECISION_LIFE_S == 3600  # "an hour"
