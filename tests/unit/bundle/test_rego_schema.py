# SPDX-License-Identifier: Apache-2.0
"""The input document has one published shape."""

import copy

import pytest
from jsonschema import Draft202012Validator

from bundle.errors import InputFormatError
from bundle.rego.schema import check_input, input_schema

FULL = {
    "proposal": {
        "files": [{"path": "gitops/a", "content": ""}],
        "explanation": {"why": "because"},
    },
    "context": {
        "platform_repo_url": "https://example.com/platform",
        "renderer": "helm",
        "target": {"name": "eu-1", "tier": "prod", "kind": "kubernetes"},
        "pull_request": {
            "title": "t",
            "body": "b",
            "branch": "x",
            "labels": ["l"],
            "author": "ada",
            "approvals": [{"user": "grace", "groups": ["security"]}],
        },
        "service": "billing-rollup",
        "change_kind": "hotfix",
        "evaluated_at": "2026-01-31T09:00:00Z",
    },
}


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(input_schema())


def test_a_full_document_is_accepted():
    check_input(FULL)


def test_the_least_document_is_accepted():
    context = {
        "target": {"name": "eu-1", "tier": "dev"},
        "evaluated_at": "2026-01-31T09:00:00Z",
    }
    check_input({"proposal": {"files": []}, "context": context})


def put(path, value):
    document = copy.deepcopy(FULL)
    place = document
    for step in path[:-1]:
        place = place[step]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return document


REFUSED = {
    "no proposal": (("proposal",), ...),
    "no context": (("context",), ...),
    "no files": (("proposal", "files"), ...),
    "no target": (("context", "target"), ...),
    "no tier": (("context", "target", "tier"), ...),
    "no instant": (("context", "evaluated_at"), ...),
    "an unknown field at the top": (("data",), {}),
    "an unknown field of the context": (("context", "pull_requests"), {}),
    "an unknown field of a file": (("proposal", "files", 0, "mode"), 420),
    "a path that is empty": (("proposal", "files", 0, "path"), ""),
    "a content that is no text": (("proposal", "files", 0, "content"), 1),
    "another renderer": (("context", "renderer"), "jsonnet"),
    "another kind of target": (("context", "target", "kind"), "vm"),
    "another kind of change": (("context", "change_kind"), "urgent"),
    "an instant with an offset": (
        ("context", "evaluated_at"),
        "2026-01-31T09:00:00+01:00",
    ),
    "an instant with a line end": (
        ("context", "evaluated_at"),
        "2026-01-31T09:00:0Z\n",
    ),
    "a body that is no text": (("context", "pull_request", "body"), 5),
    "approvals that are names": (("context", "pull_request", "approvals"), ["grace"]),
    "an approval without groups": (
        ("context", "pull_request", "approvals"),
        [{"user": "x"}],
    ),
    "a service that is empty": (("context", "service"), ""),
}


@pytest.mark.parametrize(("path", "value"), REFUSED.values(), ids=REFUSED.keys())
def test_a_document_of_another_shape_is_refused(path, value):
    with pytest.raises(InputFormatError) as caught:
        check_input(put(path, value))
    assert caught.value.code == "input-format"
    assert caught.value.message.startswith("input")


@pytest.mark.parametrize("document", [None, [], "x", 1])
def test_what_is_no_object_is_refused(document):
    with pytest.raises(InputFormatError):
        check_input(document)


def test_a_refusal_does_not_repeat_a_large_document():
    document = put(("context", "renderer"), "x" * 100_000)
    with pytest.raises(InputFormatError) as caught:
        check_input(document)
    assert len(caught.value.message) < 300
