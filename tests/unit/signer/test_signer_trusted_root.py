# SPDX-License-Identifier: Apache-2.0
"""Sigstore's trusted root: ours is read by others, and others' by us."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sigstore_models.trustroot.v1 import TrustedRoot as OtherTrustedRoot

from keys.errors import FormatError
from keys.strict import b64encode, dumps_json, loads_json
from signer.errors import TrustedRootFormatError, UnknownLogError
from signer.trusted_parts import host_of
from signer.trusted_root import TrustedRoot, Window, build_trusted_root
from tests.simulators.signing import BEGIN, END, NOW, SimulatedAuthority, Workshop

SHOP = Workshop()
SECOND = timedelta(seconds=1)


def build(**changes) -> bytes:
    parts = {
        "logs": [(f"https://{SHOP.log.origin}", SHOP.log.key.public_key, BEGIN)],
        "authorities": [(SHOP.authority.uri, SHOP.authority.chain, BEGIN)],
    }
    return build_trusted_root(**(parts | changes))


def changed(edit, data: bytes | None = None) -> bytes:
    document = loads_json(data or build(), max_bytes=10**6)
    edit(document)
    return dumps_json(document)


def test_a_trusted_root_is_read_as_it_was_built():
    root = TrustedRoot.parse(build())

    (log,) = root.logs
    assert (log.origin, log.key, log.log_id) == (
        SHOP.log.origin, SHOP.log.key.public_key, SHOP.log.log_id,
    )  # fmt: skip
    (authority,) = root.authorities
    assert authority.chain == tuple(SHOP.authority.chain)
    assert authority.digest == SHOP.authority.digest
    assert authority.key_ids == (
        SHOP.authority.key.public_key.key_id, SHOP.authority.ca.public_key.key_id,
    )  # fmt: skip
    assert root.log(log.log_id) is log


def test_a_port_is_no_part_of_a_logs_name():
    origin, key = SHOP.log.origin, SHOP.log.key.public_key
    at_port = build(logs=[(f"https://{origin}:8443/log", key, BEGIN)])

    (log,) = TrustedRoot.parse(at_port).logs
    assert (log.origin, log.log_id) == (origin, SHOP.log.log_id)


@pytest.mark.parametrize("address", ["https://[no-address", "a path", ""])
def test_a_log_at_no_address_has_no_name(address):
    assert host_of(address) == ""


def test_sigstores_own_reader_reads_it():
    theirs = OtherTrustedRoot.from_json(build().decode())

    assert theirs.tlogs[0].base_url == f"https://{SHOP.log.origin}"
    assert len(theirs.timestamp_authorities[0].cert_chain.certificates) == 2


def test_another_log_is_unknown_and_no_key_is_tried():
    with pytest.raises(UnknownLogError):
        TrustedRoot.parse(build()).log(bytes(32))


@pytest.mark.parametrize(
    ("end", "at", "covered"),
    [
        (None, BEGIN, True),
        (None, BEGIN - SECOND, False),
        (None, END, True),
        (NOW, NOW, True),
        (NOW, NOW + SECOND, False),
    ],
)
def test_a_window_includes_both_ends(end, at, covered):
    assert Window(BEGIN, end).covers(at) is covered


def tlog(document):
    return document["tlogs"][0]


@pytest.mark.parametrize(
    ("written", "microsecond"),
    [
        ("2026-01-31T00:00:00Z", 0),
        ("2026-01-31T00:00:00.001Z", 1000),
        ("2026-01-31T00:00:00.999000Z", 999_000),
        ("2026-01-31T00:00:00.999999999Z", 999_999),
    ],
)
def test_fractions_of_a_second_are_kept_to_the_microsecond(written, microsecond):
    def edit(document):
        tlog(document)["publicKey"]["validFor"] = {"start": written, "end": written}

    (log,) = TrustedRoot.parse(changed(edit)).logs

    assert log.window.start == log.window.end
    assert log.window.start == datetime(2026, 1, 31, 0, 0, 0, microsecond, UTC)


def test_a_log_with_a_key_of_another_kind_is_left_out():
    key = ec.generate_private_key(ec.SECP256K1()).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def edit(document):
        tlog(document)["publicKey"]["rawBytes"] = b64encode(der)

    assert TrustedRoot.parse(changed(edit)).logs == ()


def test_a_log_of_others_may_have_an_rsa_key():
    key = rsa.generate_private_key(65537, 2048)
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def edit(document):
        document["ctlogs"] = [tlog(document)]
        tlog(document)["publicKey"]["rawBytes"] = b64encode(der)

    root = TrustedRoot.parse(changed(edit))

    (log,) = root.ct_logs
    assert log.key.details == "PKIX_RSA_PKCS1V15_2048_SHA256"
    signature = key.sign(b"message", padding.PKCS1v15(), hashes.SHA256())
    log.key.verify(signature, b"message")


def test_what_a_public_trusted_root_says_besides_is_read_over():
    def edit(document):
        tlog(document)["operator"] = "sigstore.dev"
        tlog(document)["checkpointKeyId"] = {"keyId": "AAAA"}
        tlog(document)["publicKey"]["validFor"]["end"] = None
        document["timestampAuthorities"][0]["operator"] = "sigstore.dev"
        del document["timestampAuthorities"][0]["uri"]
        document["certificateAuthorities"] = document["timestampAuthorities"]
        document["ctlogs"] = None
        document["mediaType"] = "application/vnd.dev.sigstore.trustedroot.v0.2+json"

    root = TrustedRoot.parse(changed(edit))

    assert len(root.logs) == len(root.certificate_authorities) == 1
    assert (root.logs[0].operator, root.authorities[0].run_by) == ("sigstore.dev",) * 2
    assert (root.logs[0].window.end, root.ct_logs) == (None, ())


def test_equal_bytes_are_parsed_once_and_refused_every_time():
    assert TrustedRoot.parse(build()) is TrustedRoot.parse(build())
    for _ in range(2):
        with pytest.raises(FormatError):
            TrustedRoot.parse(b"{}")


def test_a_root_without_parts_trusts_nobody():
    media_type = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"

    root = TrustedRoot.parse(dumps_json({"mediaType": media_type}))

    assert (root.logs, root.authorities) == ((), ())


def authority(document):
    return document["timestampAuthorities"][0]


REFUSED = {
    "an unknown field of a window": lambda d: authority(d)["validFor"].update(x=1),
    "an unknown field of a chain": lambda d: authority(d)["certChain"].update(x=1),
    "an unknown field of an authority": lambda d: authority(d).update(x=1),
    "an unknown field of a certificate": lambda d: authority(d)["certChain"][
        "certificates"
    ][0].update(x=1),
    "another media type": lambda d: d.update(mediaType="application/json"),
    "an unknown field": lambda d: d.update(x=1),
    "an unknown field of a log": lambda d: tlog(d).update(x=1),
    "another hash": lambda d: tlog(d).update(hashAlgorithm="SHA2_512"),
    "a log without a window": lambda d: tlog(d)["publicKey"].pop("validFor"),
    "a window without a start": lambda d: tlog(d)["publicKey"].update(validFor={}),
    "a window with an offset": lambda d: tlog(d)["publicKey"].update(
        validFor={"start": "2026-01-01T00:00:00+01:00"}
    ),
    "a log twice": lambda d: d["tlogs"].append(tlog(d)),
    "a log of certificates twice": lambda d: d.update(ctlogs=[tlog(d), tlog(d)]),
    "a certificate authority twice": lambda d: d.update(
        certificateAuthorities=[authority(d), authority(d)]
    ),
    "an authority twice": lambda d: d["timestampAuthorities"].append(
        d["timestampAuthorities"][0]
    ),
    "an authority without certificates": lambda d: d["timestampAuthorities"][0].update(
        certChain={"certificates": []}
    ),
    "a certificate that is none": lambda d: d["timestampAuthorities"][0].update(
        certChain={"certificates": [{"rawBytes": "AAAA"}]}
    ),
}


@pytest.mark.parametrize(
    "edit", [pytest.param(edit, id=name) for name, edit in REFUSED.items()]
)
def test_a_root_out_of_form_is_refused(edit):
    with pytest.raises(FormatError):
        TrustedRoot.parse(changed(edit))


def test_a_root_that_could_not_be_read_is_not_built():
    with pytest.raises(TrustedRootFormatError):
        build(authorities=[("https://tsa", [], BEGIN)])
    with pytest.raises(TrustedRootFormatError):
        build(authorities=[("https://tsa", [b"not a certificate"], BEGIN)])


def test_two_authorities_of_one_name_are_two():
    other = SimulatedAuthority(SHOP.authority.uri)
    both = [(one.uri, one.chain, BEGIN) for one in (SHOP.authority, other)]

    root = TrustedRoot.parse(build(authorities=both))

    assert len({one.digest for one in root.authorities}) == 2
    assert replace(root, authorities=root.authorities[:1]).authorities
