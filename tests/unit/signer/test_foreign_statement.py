# SPDX-License-Identifier: Apache-2.0
"""Statements of other people's types: carried byte by byte, never of ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.digest import Digest
from keys.errors import TrustacksError
from signer.errors import OwnPredicateError
from signer.foreign_statement import build_foreign_statement, read_predicate_type
from signer.predicates.base import PREFIX
from signer.statement import Subject, read_digests

SUBJECTS = [Subject(name, Digest.of(name.encode())) for name in ("a", "b")]
TYPE = "https://example.com/built/v1"


def built(predicate=b"{}", kind=TYPE, subjects=SUBJECTS):
    return build_foreign_statement(subjects, predicate_type=kind, predicate=predicate)


def test_the_predicate_is_carried_as_it_was_written():
    said = b'{ "z" : 1.50, "a": [ 1e3, "\xc3\xbc" ] }'
    statement = built(said + b"\n")
    assert statement.endswith(b'"predicate":' + said + b"}")
    assert read_digests(statement) == tuple(one.digest for one in SUBJECTS)
    assert read_predicate_type(statement) == TYPE


def test_ours_are_refused_in_whatever_case():
    for kind in (f"{PREFIX}release/v1", f"{PREFIX}new/v9", PREFIX.upper() + "X"):
        with pytest.raises(OwnPredicateError):
            built(kind=kind)


BAD = {
    "a type that is no URI": {"kind": "built"},
    "a type with a blank": {"kind": "https://example.com/a b"},
    "an empty type": {"kind": ""},
    "a list": {"predicate": b"[]"},
    "a key twice": {"predicate": b'{"a":1,"a":2}'},
    "two objects": {"predicate": b'{}, "_type": {}'},
    "not JSON": {"predicate": b"{"},
    "no subject": {"subjects": []},
    "one name twice": {"subjects": [SUBJECTS[0], SUBJECTS[0]]},
    "too many": {
        "subjects": [Subject(str(i), Digest.of(b"")) for i in range(1025)],
    },
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_what_is_out_of_form_is_refused(changes):
    with pytest.raises(TrustacksError):
        built(**changes)


@given(st.binary(max_size=40))
def test_no_predicate_can_say_anything_beside_itself(predicate):
    try:
        statement = built(b"{" + predicate + b"}")
    except TrustacksError:
        return
    assert read_digests(statement) == tuple(one.digest for one in SUBJECTS)
    assert read_predicate_type(statement) == TYPE
