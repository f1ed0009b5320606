# SPDX-License-Identifier: Apache-2.0
"""Sigstore's trusted root: ours is read by others, and others' by us."""

import hashlib
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
from signer.tlog.note import full_key_hash
from signer.trusted_parts import TransparencyLog, host_of
from signer.trusted_root import TrustedRoot, Window, build_trusted_root
from tests.simulators.memory_key import MemoryKey
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
    "another media type": lambda d: d.update(mediaType="application/json"),
    "a window without a start": lambda d: tlog(d)["publicKey"].update(validFor={}),
    "a window of local time": lambda d: tlog(d)["publicKey"].update(
        validFor={"start": "2026-01-01T00:00:00"}
    ),
    "a window on no day": lambda d: tlog(d)["publicKey"].update(
        validFor={"start": "2026-02-30T00:00:00Z"}
    ),
    "a window before all years": lambda d: tlog(d)["publicKey"].update(
        validFor={"start": "0001-01-01T00:00:00+01:00"}
    ),
    "another key of one log": lambda d: d["tlogs"].append(
        {
            **tlog(d),
            "publicKey": {
                **tlog(d)["publicKey"],
                "rawBytes": b64encode(MemoryKey.ed25519().public_key.spki),
            },
        }
    ),
    "an authority without certificates": lambda d: authority(d).update(
        certChain={"certificates": []}
    ),
    "a certificate that is none": lambda d: authority(d).update(
        certChain={"certificates": [{"rawBytes": "AAAA"}]}
    ),
}
LEFT_OUT = {
    "an unknown field of a chain": lambda d: authority(d)["certChain"].update(x=1),
    "an unknown field of an authority": lambda d: authority(d).update(x=1),
    "an unknown field of a certificate": lambda d: authority(d)["certChain"][
        "certificates"
    ][0].update(x=1),
    "an unknown field of a log": lambda d: tlog(d).update(x=1),
    "an unknown field of a key": lambda d: tlog(d)["publicKey"].update(x=1),
    "an unknown field of a log's id": lambda d: tlog(d)["logId"].update(x=1),
    "another hash": lambda d: tlog(d).update(hashAlgorithm="SHA2_512"),
    "a hash that nobody knows": lambda d: tlog(d).update(hashAlgorithm="SHA4_256"),
    "a certificate of a key of another kind": lambda d: authority(d).update(
        certChain={"certificates": [{"rawBytes": b64encode(of_an_unknown_key())}]}
    ),
}


def of_an_unknown_key() -> bytes:
    """A certificate whose key says that it is of a kind that does not exist."""
    ecdsa, other = (
        bytes.fromhex("06072a8648ce3d0201"),
        bytes.fromhex("06072a8648ce3d027f"),
    )
    der = SHOP.authority.chain[0]
    assert ecdsa in der
    return der.replace(ecdsa, other)


@pytest.mark.parametrize(
    "edit", [pytest.param(edit, id=name) for name, edit in LEFT_OUT.items()]
)
def test_a_part_that_cannot_be_used_is_left_out(edit):
    """What is not known might say that the part is trusted for less."""
    root = TrustedRoot.parse(changed(edit))

    assert len(root.logs) + len(root.authorities) == 1


def test_lists_of_parts_of_another_kind_are_passed_over():
    assert TrustedRoot.parse(changed(lambda d: d.update(x=[{}]))).logs


def test_a_part_that_is_listed_twice_was_in_use_in_two_windows():
    def edit(document):
        for name in ("tlogs", "timestampAuthorities"):
            document[name].append(
                loads_json(dumps_json(document[name][0]), max_bytes=9999)
            )
        tlog(document)["publicKey"]["validFor"]["end"] = "2026-02-01T00:00:00Z"
        authority(document)["validFor"]["end"] = "2026-02-01T00:00:00Z"

    root = TrustedRoot.parse(changed(edit))

    assert [one.end is None for one in root.windows(SHOP.log.log_id)] == [False, True]
    assert [one.window.end is None for one in root.authorities] == [False, True]


@pytest.mark.parametrize(
    "written", ["2026-01-31T00:00:00Z", "2026-01-31T01:30:00+01:30"]
)
def test_an_instant_may_have_any_offset(written):
    def edit(document):
        tlog(document)["publicKey"]["validFor"]["start"] = written

    (log,) = TrustedRoot.parse(changed(edit)).logs
    assert log.window.start == datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize("name", ["validFor", "keyDetails"])
def test_what_is_optional_may_be_left_out(name):
    (log,) = TrustedRoot.parse(changed(lambda d: tlog(d)["publicKey"].pop(name))).logs

    assert log.covers(datetime(1970, 1, 1, tzinfo=UTC)) == (name == "validFor")


def test_the_id_of_a_log_of_certificates_is_its_keys():
    def edit(document):
        document["ctlogs"] = [
            {**tlog(document), "logId": {"keyId": b64encode(bytes(32))}}
        ]

    (log,) = TrustedRoot.parse(changed(edit)).ct_logs
    assert log.log_id == hashlib.sha256(log.key.spki).digest()


def named(url, key, log_id):
    log = TransparencyLog(url, key, log_id, Window(BEGIN))
    return log.names


def test_a_log_is_named_after_its_host_or_what_its_id_is_made_of():
    edwards, ecdsa = MemoryKey.ed25519().public_key, MemoryKey.ecdsa().public_key
    url = "https://log.example.com:3000/tree/"
    hosts = ("log.example.com", "log.example.com:3000", "log.example.com:3000/tree")

    assert named(url, ecdsa, bytes(32)) == hosts
    for name in hosts:
        assert named(url, edwards, full_key_hash(name, edwards)) == (name,)
    assert named(url, edwards, bytes(32)) == hosts[:1]
    assert named("log.example.com", ecdsa, bytes(32)) == ("log.example.com",)
    assert named("", ecdsa, bytes(32)) == ()


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
