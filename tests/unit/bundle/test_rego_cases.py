# SPDX-License-Identifier: Apache-2.0
"""Case files are read strictly, in YAML as in JSON."""

from pathlib import Path

import pytest

from bundle.errors import CaseFileError
from bundle.rego.cases import MAX_CASES, MAX_CASES_BYTES, parse_cases
from keys.strict import dumps_json

YAML = Path("a.cases.yaml")
JSON = Path("a.cases.json")
CASE = {"name": "a", "polarity": "positive", "input": {"x": [1, True, None, "y"]}}


def test_both_forms_say_the_same():
    text = "cases:\n  - name: a\n    polarity: positive\n    input:\n      x: [1, true, null, 'y']\n"
    assert parse_cases(YAML, text.encode()) == parse_cases(
        JSON, dumps_json({"cases": [CASE]})
    )


def test_json_is_yaml_too():
    document = dumps_json({"cases": [CASE]})
    assert parse_cases(YAML, document) == parse_cases(JSON, document)


REFUSED = {
    "a duplicate key": "cases: []\ncases: []\n",
    "an alias": "cases:\n- &a {name: a, polarity: positive, input: {}}\n- *a\n",
    "a billion laughs": "a: &a [x,x]\nb: &b [*a,*a]\ncases: [*b]\n",
    "a tag": "cases: !!python/object/apply:os.system ['true']\n",
    "a date": "cases: [{name: a, polarity: positive, input: {at: 2026-01-01}}]\n",
    "a fraction": "cases: [{name: a, polarity: positive, input: {x: 1.5}}]\n",
    "not a number": "cases: [{name: a, polarity: positive, input: {x: .nan}}]\n",
    "a key that is no text": "cases: [{name: a, polarity: positive, input: {1: x}}]\n",
    "a merge": "cases: [{name: a, polarity: positive, input: {<<: {x: 1}}}]\n",
    "two documents": "cases: []\n---\ncases: []\n",
    "syntax": "cases: [\n",
    "bytes that are no text": "cases: \x00\n",
    "nothing": "",
    "a list": "- a\n",
    "no name": "cases: [{polarity: positive, input: {}}]\n",
    "no input": "cases: [{name: a, polarity: positive}]\n",
    "another polarity": "cases: [{name: a, polarity: allow, input: {}}]\n",
    "an unknown field": "cases: [{name: a, polarity: positive, input: {}, x: 1}]\n",
    "a name twice": "cases: [{name: a, polarity: positive, input: {}}, {name: a, polarity: negative, input: {}}]\n",
    "a name that is a yes": "cases: [{name: yes, polarity: positive, input: {}}]\n",
    "a large integer": "cases: [{name: a, polarity: positive, input: {x: 9007199254740993}}]\n",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_a_case_file_that_could_mean_something_else_is_refused(text):
    with pytest.raises(CaseFileError) as caught:
        parse_cases(YAML, text.encode())
    assert caught.value.code == "case-file-format"


def test_a_file_may_have_its_limit_of_bytes_and_no_more():
    text = b"cases: []\n"
    filled = text + b"#" * (MAX_CASES_BYTES - len(text))
    assert parse_cases(YAML, filled) == ()
    with pytest.raises(CaseFileError):
        parse_cases(YAML, filled + b"#")
    with pytest.raises(CaseFileError):
        parse_cases(JSON, dumps_json({"cases": []}) + b" " * MAX_CASES_BYTES)


def test_a_file_may_have_its_limit_of_cases_and_no_more():
    def document(count):
        return dumps_json({"cases": [CASE | {"name": str(n)} for n in range(count)]})

    assert len(parse_cases(JSON, document(MAX_CASES))) == MAX_CASES
    with pytest.raises(CaseFileError):
        parse_cases(JSON, document(MAX_CASES + 1))


PLACES = {
    "a list of blocks": (
        YAML,
        "cases:\n  # one\n  - name: a\n    polarity: positive\n    input: {}\n  - name: b\n    polarity: positive\n    input: {x: [{}]}\n",
        [3, 6],
    ),
    "one line": (
        YAML,
        "cases: [{name: a, polarity: positive, input: {}}, {name: b, polarity: positive, input: {}}]\n",
        [1, 1],
    ),
    "json": (
        JSON,
        '{"cases": [\n {"name": "a{\\"[", "polarity": "positive",\n  "input": [{"x": {}}]},\n\n {"name": "b", "polarity": "positive", "input": {}}]}',
        [2, 5],
    ),
}


@pytest.mark.parametrize(("path", "text", "lines"), PLACES.values(), ids=PLACES.keys())
def test_a_case_knows_its_line(path, text, lines):
    assert [case.line for case in parse_cases(path, text.encode())] == lines


WRONG = {
    "another polarity": (
        YAML,
        "cases:\n- {name: a, polarity: positive, input: {}}\n- name: b\n  polarity: maybe\n  input: {}\n",
        3,
    ),
    "a name twice": (
        YAML,
        "cases:\n- {name: a, polarity: positive, input: {}}\n- {name: a, polarity: positive, input: {}}\n",
        3,
    ),
    "a duplicate key": (YAML, "cases:\n- name: a\n  name: b\n", 3),
    "syntax of yaml": (YAML, "cases:\n- name: a\n  b: [\n", 4),
    "syntax of json": (JSON, '{"cases": [\n\n {"name": }]}', 3),
    "a field of json": (
        JSON,
        '{"cases": [\n {"name": "a", "polarity": "positive"}]}',
        2,
    ),
    "another document": (YAML, "x: 1\n", 1),
}


@pytest.mark.parametrize(("path", "text", "line"), WRONG.values(), ids=WRONG.keys())
def test_a_refusal_has_the_line_of_what_is_wrong(path, text, line):
    with pytest.raises(CaseFileError) as caught:
        parse_cases(path, text.encode())
    assert caught.value.line == line, caught.value.message
    assert path.name in caught.value.message
