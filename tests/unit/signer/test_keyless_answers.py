# SPDX-License-Identifier: Apache-2.0
"""Whatever a service answers is read, or refused by the class of that service."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keys.clock import utc_now
from keys.digest import Digest
from keys.errors import TrustacksError
from keys.strict import dumps_json, loads_json
from signer.keyless.fulcio import certify
from signer.keyless.http import Answer
from signer.keyless.rekor import Proposal, log_signature
from signer.keyless.signing_config import Selection, Service
from signer.keyless.witnesses import stamp_with
from signer.signed import Signed, Verifier
from signer.tlog.entry import LogEntry
from signer.trusted_parts import Window
from tests.simulators.memory_key import MemoryKey
from tests.simulators.sigstore import SimulatedSigstore
from tests.simulators.sigstore_http import SigstoreHttp

KEY = MemoryKey.ecdsa()
URL = "https://example.com"
INSTANCE = SigstoreHttp(parts=SimulatedSigstore(), url=URL)
REQUEST = (
    x509.CertificateSigningRequestBuilder()
    .subject_name(x509.Name([]))
    .sign(KEY.private, hashes.SHA256())
)
DATA = b"a file"
PROPOSAL = Proposal(Signed(KEY.sign(DATA), Digest.of(DATA)), Verifier(KEY.public_key))


class Saying:
    """A service that says what it is told to."""

    def __init__(self, body: bytes, headers=None, status: int = 200) -> None:
        self.answer = Answer(status, body, headers or {})
        self.asked = []

    def post(self, url: str, body: bytes, **_) -> Answer:
        self.asked.append(body)
        return self.answer

    def get(self, url: str, **_) -> Answer:
        self.asked.append(url)
        return self.answer


def service(version: int) -> Service:
    return Service(URL, version, Window(utc_now()), "example")


def certified(body: bytes):
    return certify(Saying(body), URL, request=REQUEST, token="a.b.c")


def logged(version: int):
    return lambda body: log_signature(Saying(body), service(version), PROPOSAL)


def stamped(body: bytes):
    return stamp_with(Saying(body), Selection((service(1),), 1), b"a signature")


def good() -> dict[str, bytes]:
    sent = Saying(b"{}")
    made = {"fulcio": INSTANCE.certificates(_issued())}
    for version, answer in ((1, INSTANCE.log_v1), (2, INSTANCE.log_v2)):
        with pytest.raises(TrustacksError):
            log_signature(sent, service(version), PROPOSAL)
        made[f"log v{version}"] = answer(sent.asked[-1])[1]
    with pytest.raises(TrustacksError):
        stamp_with(sent, Selection((service(1),), 1), b"a signature")
    made["stamp"] = INSTANCE.stamp(sent.asked[-1])[1]
    return made


def _issued() -> bytes:
    return INSTANCE.issue(KEY.public_key, "alice@example.com", f"{URL}/issuer")


GOOD = good()
READ = {
    "fulcio": (certified, {"fulcio-answer", "certificate-not-ours"}),
    "log v1": (logged(1), {"logging-answer"}),
    "log v2": (logged(2), {"logging-answer"}),
    "stamp": (stamped, {"stamping-answer"}),
}


def judged(name: str, body: bytes) -> None:
    read, codes = READ[name]
    try:
        read(body)
    except TrustacksError as error:
        if error.code not in codes:
            raise


@pytest.mark.parametrize("name", ["fulcio", "log v1", "log v2"])
def test_what_is_good_is_read(name):
    assert READ[name][0](GOOD[name])


@pytest.mark.parametrize("name", READ)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_a_mutated_answer_is_read_or_refused_by_its_own_class(name, data):
    body = bytearray(GOOD[name])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body) - 1))
        match data.draw(st.sampled_from(["flip", "drop", "double", "cut"])):
            case "flip":
                body[place] ^= 1 << data.draw(st.integers(0, 7))
            case "drop":
                del body[place]
            case "double":
                body[place:place] = body[place : place + 40]
            case _:
                del body[place:]
        if not body:
            break
    judged(name, bytes(body))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=5,
)


@pytest.mark.parametrize("name", ["fulcio", "log v1", "log v2"])
@settings(deadline=None)
@given(data=st.data())
def test_any_field_may_hold_anything(name, data):
    document = loads_json(GOOD[name], max_bytes=1 << 20)
    place = document
    while isinstance(place, dict) and place:
        field = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[field], dict) or data.draw(st.booleans()):
            place[field] = data.draw(JSON)
            break
        place = place[field]
    judged(name, dumps_json(document))


CONFLICTS = {
    "no place": {},
    "another address": {"location": "https://evil.example.com/?x"},
    "a path": {"location": "/api/v1/log/entries/../../x"},
    "too long": {"location": "a" * 200},
}


@pytest.mark.parametrize("headers", CONFLICTS.values(), ids=CONFLICTS)
def test_an_entry_that_is_there_is_asked_for_at_its_log_alone(headers):
    saying = Saying(b"{}", headers, 409)
    with pytest.raises(TrustacksError) as refused:
        log_signature(saying, service(1), PROPOSAL)
    assert refused.value.code == "logging-answer"
    assert len(saying.asked) == 1


def test_an_entry_that_is_there_is_taken():
    saying = Saying(GOOD["log v1"], {"location": "/api/v1/log/entries/24ab"}, 409)
    assert isinstance(log_signature(saying, service(1), PROPOSAL), LogEntry)
    assert saying.asked[-1] == f"{URL}/api/v1/log/entries/24ab"
