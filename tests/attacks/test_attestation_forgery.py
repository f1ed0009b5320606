# SPDX-License-Identifier: Apache-2.0
"""No flipped bit, cut, repetition or rubbish is believed, and none raises."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.digest import Digest
from keys.strict import dumps_json, loads_json
from signer.limits import MAX_ATTESTATION_BYTES
from signer.predicates.artifact import ArtifactPredicate
from signer.trust import Expected
from signer.verify import verify_attestation
from tests.simulators.signing import NOW, Workshop, say

DATA = b"the bytes that are attested"
SHOP = Workshop()
SHOP.attest(say(SHOP.artifact(), b"an earlier leaf"), by=SHOP.people["author"])
RAW = SHOP.attest(say(SHOP.artifact(), DATA), by=SHOP.people["author"])
TRUST = SHOP.trust()
ASKED = Expected(ArtifactPredicate.type, (Digest.of(DATA),))


def verify(raw: bytes):
    return verify_attestation(raw, trust=TRUST, expected=ASKED, at=NOW)


def test_the_attestation_itself_is_accepted():
    assert verify(RAW).result.code is None


def test_no_byte_can_be_changed_but_in_the_certificates_that_a_token_carries():
    """Nobody reads those: the chain comes from the trusted root, which admins signed."""
    first = RAW.index(b'"signedTimestamp":"')
    token = range(first, RAW.index(b'"', first + len(b'"signedTimestamp":"')))
    facts = verify(RAW).result.facts
    for place in range(len(RAW)):
        changed = bytearray(RAW)
        changed[place] ^= 1
        verified = verify(bytes(changed))
        assert not verified or (place in token and verified.result.facts == facts)


def test_no_part_can_be_cut_off():
    assert not any(verify(RAW[:end]) for end in range(0, len(RAW), 7))


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[" * 100_000, id="a deep list"),
        pytest.param(b'{"a":' * 100_000, id="a deep object"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b"\xef\xbb\xbf" + RAW, id="a byte order mark"),
        pytest.param(RAW + RAW, id="twice"),
        pytest.param(b" " * (MAX_ATTESTATION_BYTES + 1), id="one byte too many"),
        pytest.param(RAW.replace(b"DSSE", b"DSSE"), id="itself"),
        pytest.param(
            RAW.replace(b"application/vnd.in-toto+json", b"\\ud800"), id="a surrogate"
        ),
        pytest.param(b"9" * 5000, id="a long integer"),
    ],
)
def test_rubbish_gets_a_result_and_no_exception(raw):
    verified = verify(raw)

    assert bool(verified) == (raw == RAW)
    assert verified.result.code is None or verified.result.first_failure.code


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for name, inner in items:
        yield from places(inner, (*path, name))


PLACES = [path for path in places(loads_json(RAW, max_bytes=len(RAW))) if path]


@settings(max_examples=300, deadline=None)
@given(path=st.sampled_from(PLACES), value=JSON)
def test_no_field_can_hold_anything_else(path, value):
    document = loads_json(RAW, max_bytes=len(RAW))
    place = document
    for name in path[:-1]:
        place = place[name]
    same = place[path[-1]] == value or (path[-1] == "keyid" and value == "")
    place[path[-1]] = value

    try:
        raw = dumps_json(document)
    except UnicodeEncodeError:
        return  # half a surrogate pair: not JSON

    assert bool(verify(raw)) == same


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=200))
def test_no_bytes_at_all_raise(raw):
    assert not verify(raw)
