# SPDX-License-Identifier: Apache-2.0
"""in-toto statements: one reading, and the reading of others agrees."""

import pytest
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement as OtherStatement

from keys.digest import Digest
from keys.errors import FormatError, JsonFormatError
from keys.strict import dumps_json, loads_json
from signer.errors import StatementFormatError
from signer.statement import Statement, Subject, build_statement, parse_statement
from tests.simulators.signing import Workshop, say

SHOP = Workshop()
DATA = say(SHOP.artifact(), b"one", b"two")


def changed(**changes) -> bytes:
    return dumps_json(loads_json(DATA, max_bytes=len(DATA)) | changes)


def test_a_statement_is_read_as_it_was_written():
    statement = parse_statement(DATA)

    assert statement.digests == (Digest.of(b"one"), Digest.of(b"two"))
    assert statement.predicate == SHOP.artifact().to_json()
    assert statement.to_bytes() == DATA


def test_the_other_reader_accepts_what_we_write():
    message = json_format.Parse(DATA, statement_pb2.Statement())

    OtherStatement.copy_from_pb(message).validate()

    assert [one.digest["sha256"] for one in message.subject] == [
        digest.hex for digest in parse_statement(DATA).digests
    ]


DIGEST = "0" * 64
REFUSED = {
    "version 0.1": {"_type": "https://in-toto.io/Statement/v0.1"},
    "no subject": {"subject": []},
    "an unknown field": {"subjects": []},
    "a subject twice": {"subject": [{"name": "a", "digest": {"sha256": DIGEST}}] * 2},
    "a subject without a name": {"subject": [{"digest": {"sha256": DIGEST}}]},
    "a subject with a second digest": {
        "subject": [{"name": "a", "digest": {"sha256": DIGEST, "sha512": DIGEST * 2}}]
    },
    "a subject by another algorithm": {
        "subject": [{"name": "a", "digest": {"sha1": DIGEST}}]
    },
    "a digest in upper case": {
        "subject": [{"name": "a", "digest": {"sha256": "A" * 64}}]
    },
    "a digest with its algorithm": {
        "subject": [{"name": "a", "digest": {"sha256": f"sha256:{DIGEST}"}}]
    },
    "a subject with an address": {
        "subject": [{"name": "a", "uri": "x", "digest": {"sha256": DIGEST}}]
    },
    "a predicate that is a list": {"predicate": []},
    "no predicate type": {"predicateType": ""},
}


@pytest.mark.parametrize(
    "changes", [pytest.param(c, id=name) for name, c in REFUSED.items()]
)
def test_a_statement_out_of_form_is_refused(changes):
    with pytest.raises(StatementFormatError) as refused:
        parse_statement(changed(**changes))

    assert refused.value.code == "statement-format"


def test_a_statement_with_a_key_twice_is_not_json():
    with pytest.raises(JsonFormatError):
        parse_statement(DATA.replace(b'"subject"', b'"subject":[],"subject"'))


def test_what_could_not_be_read_is_not_built():
    with pytest.raises(StatementFormatError):
        build_statement([], SHOP.artifact())
    subject = Subject("a", Digest.of(b"a"))
    with pytest.raises(FormatError):
        build_statement([subject, subject], SHOP.artifact())


def test_equal_statements_are_equal_bytes():
    subjects = [Subject("a", Digest.of(b"a"))]

    first, second = (build_statement(subjects, SHOP.rule()) for _ in range(2))

    assert first == second
    assert parse_statement(first) == Statement(
        tuple(subjects), SHOP.rule().type, SHOP.rule().to_json()
    )
