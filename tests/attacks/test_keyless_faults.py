# SPDX-License-Identifier: Apache-2.0
"""Services that are down, slow, or lie, at each step of a keyless signature.

Whatever happens: an error with the code of that step, nothing released, and no log
entry before the signature was stamped.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from keys.clock import utc_now
from keys.digest import Digest
from keys.errors import TrustacksError
from keys.strict import dumps_json, loads_json
from signer.dsse import IN_TOTO, pae
from signer.keyless.http import Http
from signer.keyless.keyed import KeyedSigner
from signer.keyless.sign import KeylessSigner
from signer.keyless.signing_config import SigningConfig
from signer.keyless.token import parse_token
from signer.keyless.witnesses import InstanceWitnesses
from signer.trusted_root import TrustedRoot
from tests.simulators.memory_key import MemoryKey
from tests.simulators.sigstore import SimulatedSigstore, statement
from tests.simulators.sigstore_http import (
    SigstoreHttp,
    drip,
    hang_up,
    silent,
    status,
)

FILE = b"a file"
SAID = statement(FILE, predicate={"ok": True})


@pytest.fixture
def instance():
    with SigstoreHttp().serving() as running:
        yield running


class Client:
    """Signs at an instance, without patience."""

    def __init__(
        self, instance: SigstoreHttp, *, service_s: float = 0.6, **config
    ) -> None:
        self.instance = instance
        self.http = Http(request_s=0.3, service_s=service_s, wait=lambda _: None)
        self.config = SigningConfig.parse(instance.signing_config(**config))
        self.tokens = [instance.token]
        self.now = utc_now
        self.signer = KeylessSigner(
            token=lambda: parse_token(self.tokens[-1]()),
            authority=self.config.certificate_authority(utc_now()).url,
            trusted_root=instance.trusted_root(),
            http=self.http,
            clock=lambda: self.now(),  # noqa: PLW0108 - tests set it
        )

    @property
    def witnesses(self):
        at = utc_now()
        stamps = self.config.timestamp_authorities(at)
        return InstanceWitnesses(self.http, stamps, self.config.log(at))

    def file(self) -> bytes:
        return self.signer.sign_file(FILE, Digest.of(FILE), self.witnesses)

    def statement(self, said: bytes = SAID) -> bytes:
        return self.signer.sign_statement(said, self.witnesses)


def refusal(work) -> TrustacksError:
    with pytest.raises(TrustacksError) as refused:
        work()
    return refused.value


# ---------------------------------------------------------------------- faults


def other_certificate(handler):
    """A good certificate, for a key of the authority's choice."""
    key = MemoryKey.ecdsa().public_key
    instance = handler.instance
    der = instance.issue(key, "alice@example.com", instance.issuer)
    handler.send(200, instance.certificates(der))


def of_a_stranger(handler):
    """A certificate for the right key, by a CA that nobody trusts."""
    instance = handler.instance
    stranger = SigstoreHttp(parts=SimulatedSigstore(), url=instance.url)
    stranger.oidc = instance.oidc
    handler.send(*stranger.certify(handler.body, handler.headers["authorization"]))


def stamp_of_another(handler):
    other = SimulatedSigstore()
    at = utc_now().replace(microsecond=0)
    handler.send(200, other.authority.answer(handler.body, at=at))


def stamp_of_yesterday(handler):
    at = utc_now().replace(microsecond=0) - timedelta(days=1)
    handler.send(200, handler.instance.parts.authority.answer(handler.body, at=at))


def replayed_stamp(handler):
    at = utc_now().replace(microsecond=0)
    handler.send(200, handler.instance.parts.authority.stamp(b"another", at=at))


def entry_of_another(handler):
    """The entry of somebody else's signature, with a proof that holds."""
    parts = handler.instance.parts
    by = parts.keyless()
    signature = by.key.sign(b"other")
    entry = parts.log(
        ("hashedrekord", "0.0.2"), by, b"other", signature, None, at=utc_now()
    )
    handler.send(201, dumps_json(entry.to_json()))


def forged_proof(handler):
    _, answer = handler.instance.log_v2(handler.body)
    entry = loads_json(answer, max_bytes=1 << 20)
    entry["inclusionProof"]["rootHash"] = "A" * 43 + "="
    handler.send(201, dumps_json(entry))


RUBBISH = [status(200, b"rubbish"), status(200, b""), status(200, b"[]")]
DOWN = {
    "hangs up": ([hang_up] * 9, "unavailable"),
    "is silent": ([silent] * 9, "slow"),
    "drips": ([drip] * 9, "slow"),
    "is overloaded": ([status(503)] * 9, "unavailable"),
    "refuses": ([status(403)], "refused"),
    "answers rubbish": ([RUBBISH[0]], "answer"),
    "answers nothing": ([RUBBISH[1]], "answer"),
    "answers a list": ([RUBBISH[2]], "answer"),
    "answers without an end": ([status(200, b" " * (600 * 1024))], "answer"),
}
NAMES = {"fulcio": "fulcio", "tsa": "stamping", "log": "logging"}


@pytest.mark.parametrize("service", NAMES)
@pytest.mark.parametrize(("faults", "code"), DOWN.values(), ids=DOWN)
def test_a_service_that_fails_is_named_and_nothing_is_released(
    instance, service, faults, code
):
    client = Client(instance)
    instance.faults[service] = list(faults)
    for work in (client.file, client.statement):
        instance.faults[service] = list(faults)
        assert refusal(work).code == f"{NAMES[service]}-{code}"
    assert instance.entries == 0


LIES = {
    "a certificate for another key": (
        "fulcio",
        other_certificate,
        "certificate-not-ours",
    ),
    "a certificate of a stranger": ("fulcio", of_a_stranger, "keyless-library"),
    "a stamp of a stranger": ("tsa", stamp_of_another, "too-few-authorities"),
    "a stamp of yesterday": ("tsa", stamp_of_yesterday, "certificate-window"),
    "a stamp of something else": ("tsa", replayed_stamp, "stamping-answer"),
    "the entry of another signature": ("log", entry_of_another, "log-entry-mismatch"),
    "an entry that was never included": ("log", forged_proof, "not-included"),
}


@pytest.mark.parametrize(("service", "lie", "code"), LIES.values(), ids=LIES)
def test_a_service_that_lies_is_found_out_before_anything_is_released(
    instance, service, lie, code
):
    client = Client(instance)
    instance.faults[service] = [lie]
    assert refusal(client.file).code == code


def test_nothing_is_logged_that_could_not_be_stamped(instance):
    client = Client(instance)
    client.file()
    entries, asked = instance.entries, list(instance.asked)
    instance.faults["tsa"] = [status(403)]
    refusal(client.statement)
    assert instance.entries == entries
    assert instance.asked[len(asked) :] == [asked[-2]]


@pytest.mark.parametrize("rekor", [1, 2])
def test_a_passing_fault_is_got_over(instance, rekor):
    client = Client(instance, rekor=rekor, service_s=20)
    log = "log" if rekor == 2 else "log-v1"
    for service in ("fulcio", "tsa", log):
        instance.faults[service] = [status(503), hang_up]
    assert client.statement()


def test_one_certificate_signs_a_batch(instance):
    client = Client(instance)
    for _ in range(5):
        client.file()
        client.statement()
    assert instance.count("fulcio") == 1
    assert instance.entries == 10


def test_a_certificate_that_is_about_to_end_is_renewed(instance):
    client = Client(instance)
    first = client.signer.leaf
    client.now = lambda: first.not_after - timedelta(seconds=29)
    client.tokens.append(lambda: instance.token(life=3600))
    assert client.signer.leaf != first
    assert instance.count("fulcio") == 2


def test_the_second_half_of_a_batch_is_not_somebody_elses(instance):
    client = Client(instance)
    first = client.signer.leaf
    client.now = lambda: first.not_after
    client.tokens.append(lambda: instance.token("mallory@example.com", life=3600))
    assert refusal(client.file).code == "certificate-not-ours"
    assert instance.entries == 0


def test_a_token_that_ended_is_not_sent(instance):
    client = Client(instance)
    client.tokens.append(lambda: instance.token(life=20))
    assert refusal(client.file).code == "oidc-token-expired"
    assert instance.asked == []


def test_a_token_that_somebody_else_signed_is_refused_by_the_authority(instance):
    client = Client(instance)
    instance.oidc = MemoryKey.ecdsa()
    forged = instance.token()
    instance.oidc = MemoryKey.ecdsa()
    client.tokens.append(lambda: forged)
    assert refusal(client.file).code == "fulcio-refused"


def test_a_file_that_is_the_encoding_of_a_statement_is_not_signed_as_a_file(instance):
    """Its entry in the log, and its signature, would be those of the statement."""
    client = Client(instance)
    data = pae(IN_TOTO, SAID)
    work = lambda: client.signer.sign_file(data[:64], Digest.of(data), client.witnesses)  # noqa: E731
    assert refusal(work).code == "file-ambiguous"
    assert instance.asked == []


AMBIGUOUS = {
    "a statement": pae(IN_TOTO, SAID),
    "metadata of TUF": b'{"_type":"targets","delegations":{}}',
    "a layout of in-toto": b'{"_type":"layout"}',
    "a token": b"eyJhbGciOiJFUzI1NiJ9.e30",
}


@pytest.mark.parametrize("data", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_a_key_signs_no_file_that_would_be_something_else(data):
    signer = KeyedSigner(MemoryKey.ecdsa())
    assert refusal(lambda: signer.sign_file(data)).code == "file-ambiguous"


def test_a_keyed_signature_that_cannot_be_stamped_is_not_logged(instance):
    client = Client(instance)
    root = TrustedRoot.parse(instance.trusted_root())
    signer = KeyedSigner(MemoryKey.ecdsa(), client.witnesses, root)
    assert signer.sign_file(FILE)
    instance.faults["tsa"] = [status(403)]
    assert refusal(lambda: signer.sign_statement(SAID)).code == "stamping-refused"
    assert instance.entries == 1


def test_of_any_authorities_one_that_is_down_is_passed_over(instance):
    down = instance.service("/down", operator="another")
    services = [
        down | {"url": "http://127.0.0.1:1/tsa"},
        instance.service("/sigstore/tsa"),
    ]
    assert Client(instance, tsaUrls=services).file()
    wanted = {"selector": "ALL"}
    client = Client(instance, tsaUrls=services, tsaConfig=wanted)
    assert refusal(client.file).code == "stamping-unavailable"


def test_without_a_log_of_certificates_nothing_is_signed(instance):
    root = loads_json(instance.trusted_root(), max_bytes=1 << 20)
    root["ctlogs"] = []
    client = Client(instance)
    client.signer = replace(client.signer, trusted_root=dumps_json(root))
    assert refusal(client.file).code == "keyless-library"
    assert instance.entries == 0
