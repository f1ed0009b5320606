# SPDX-License-Identifier: Apache-2.0
"""A Control Plane that gives back something else than a keyless signer sent it."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from keys.clock import utc_now
from keys.errors import TrustacksError
from signer.attestation import Attestation, build_attestation, parse_attestation
from signer.keyless.http import Http
from signer.keyless.rekor import Proposal
from signer.keyless.sign import KeylessSigner
from signer.keyless.signing_config import SigningConfig
from signer.keyless.token import parse_token
from signer.keyless.witnesses import NotaryWitnesses
from signer.signed import Signed, Verifier
from signer.tlog.entry import hashedrekord_body
from tests.simulators.memory_key import MemoryKey
from tests.simulators.sigstore import statement
from tests.simulators.sigstore_http import SigstoreHttp, status

SAID, OTHER = statement(b"a file"), statement(b"another")


@pytest.fixture
def instance():
    with SigstoreHttp().serving() as running:
        yield running


@dataclass
class Notary:
    """The workspace's authority and log; ``lie`` is done to what was completed."""

    instance: SigstoreHttp
    lie: object = staticmethod(lambda _notary, completed: completed)

    def timestamp(self, signature: bytes) -> bytes:
        at = utc_now().replace(microsecond=0)
        return self.instance.parts.authority.stamp(signature, at=at)

    def log(self, raw: bytes) -> bytes:
        return self.lie(self, self.complete(parse_attestation(raw)))

    def complete(self, sent: Attestation) -> bytes:
        body = hashedrekord_body(
            digest=sent.digest,
            signature=sent.envelope.signature,
            key=sent.leaf.key,
            certificate=sent.leaf.der,
        )
        entry = self.instance.parts.rekor.append(body)
        return rebuilt(sent, entries=[entry])


def rebuilt(sent: Attestation, **changes) -> bytes:
    given = {
        "envelope": sent.envelope,
        "key": sent.leaf.key,
        "timestamps": sent.timestamps,
        "certificate": sent.leaf.der,
    }
    return build_attestation(**given | changes)


def signed(instance, lie=Notary.lie, *, stamps=None):
    config, http = (
        SigningConfig.parse(instance.signing_config()),
        Http(wait=lambda _: None),
    )
    signer = KeylessSigner(
        token=lambda: parse_token(instance.token()),
        authority=config.certificate_authority(utc_now()).url,
        trusted_root=instance.trusted_root(),
        http=http,
        clock=utc_now,
    )
    asked = config.timestamp_authorities(utc_now()) if stamps else None
    witnesses = NotaryWitnesses(Notary(instance, lie), http, asked)
    return parse_attestation(signer.sign_statement(SAID, witnesses))


def test_an_honest_one_gives_back_what_everybody_gets(instance):
    made = signed(instance)
    assert made.envelope.payload == SAID
    assert (len(made.timestamps), len(made.entries)) == (1, 1)
    assert instance.count("log") == instance.count("tsa") == 0


def test_an_authority_of_the_instance_is_asked_before_the_log(instance):
    assert len(signed(instance, stamps=True).timestamps) == 2
    before = instance.entries
    instance.faults["tsa"] = [status(403)]
    with pytest.raises(TrustacksError) as refused:
        signed(instance, stamps=True)
    assert refused.value.code == "stamping-refused"
    assert instance.entries == before


def another_statement(notary, completed):
    sent = parse_attestation(completed)
    return rebuilt(sent, envelope=replace(sent.envelope, payload=OTHER))


def another_certificate(notary, completed):
    sent = parse_attestation(completed)
    key = MemoryKey.ecdsa().public_key
    der = notary.instance.issue(key, "mallory@example.com", notary.instance.issuer)
    return rebuilt(sent, certificate=der)


def a_key_for_the_certificate(notary, completed):
    return rebuilt(parse_attestation(completed), certificate=None)


def another_signature(notary, completed):
    sent = parse_attestation(completed)
    forged = MemoryKey.ecdsa().sign(sent.envelope.pae)
    return rebuilt(sent, envelope=replace(sent.envelope, signature=forged))


def no_entry(notary, completed):
    return rebuilt(parse_attestation(completed))


def the_entry_of_another(notary, completed):
    sent = parse_attestation(completed)
    first = notary.instance.parts.rekor.entry(0)
    return rebuilt(sent, entries=[first])


def no_timestamp(notary, completed):
    sent = parse_attestation(completed)
    return rebuilt(sent, timestamps=(), entries=sent.entries)


def yesterday(notary, completed):
    sent = parse_attestation(completed)
    at = utc_now().replace(microsecond=0) - timedelta(days=1)
    token = notary.instance.parts.authority.stamp(sent.envelope.signature, at=at)
    return rebuilt(sent, timestamps=[token], entries=sent.entries)


LIES = {
    "another statement": (another_statement, "not-logged"),
    "another certificate": (another_certificate, "not-logged"),
    "a key instead": (a_key_for_the_certificate, "not-logged"),
    "another signature": (another_signature, "signature-invalid"),
    "no entry": (no_entry, "not-logged"),
    "the entry of another": (the_entry_of_another, "log-entry-mismatch"),
    "no timestamp": (no_timestamp, "too-few-authorities"),
    "a timestamp of yesterday": (yesterday, "certificate-window"),
    "rubbish": (lambda *_: b"{}", "field-format"),
}


@pytest.mark.parametrize(("lie", "code"), LIES.values(), ids=LIES)
def test_what_comes_back_otherwise_is_not_released(instance, lie, code):
    instance.parts.rekor.append(b"the entry of somebody else")
    with pytest.raises(TrustacksError) as refused:
        signed(instance, lie)
    assert refused.value.code == code


def test_a_workspace_logs_statements_and_no_files(instance):
    key = MemoryKey.ecdsa()
    proposal = Proposal(Signed(key.sign(b"x"), None), Verifier(key.public_key))
    witnesses = NotaryWitnesses(Notary(instance), Http(), None)
    with pytest.raises(TrustacksError) as refused:
        witnesses.log(proposal, ())
    assert refused.value.code == "not-logged"
