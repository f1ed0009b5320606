# SPDX-License-Identifier: Apache-2.0
"""A timestamp counts if one trusted authority stamped these bytes while it was valid."""

import base64
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.errors import FormatError, LimitExceededError, TrustacksError
from keys.strict import b64decode
from signer.timestamp import asn1 as der
from signer.timestamp.algorithms import ECDSA_SHA256, SHA256
from signer.timestamp.errors import (
    AuthorityCertificateError,
    TimestampAlgorithmError,
    TimestampContentError,
    TimestampFormatError,
    TimestampMismatchError,
    TimestampNonceError,
    TimestampRejectedError,
    TimestampSignatureError,
    TimestampWindowError,
    WrongAuthorityError,
)
from signer.timestamp.issue import issue_token, reject
from signer.timestamp.limits import MAX_CHAIN, MAX_RESPONSE_BYTES
from signer.timestamp.request import build_request, parse_response
from signer.timestamp.token import verify_token
from tests.simulators.memory_key import MemoryKey

AT = datetime(2026, 1, 31, 9, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MESSAGE = b"a signature"
NONCE = 0xFEDCBA9876543210
POLICY = "2.25.1"
KEY, CA = MemoryKey.ecdsa(), MemoryKey.ecdsa()


def certificate(
    subject="tsa",
    issuer="root",
    *,
    key=KEY,
    ca_key=CA,
    ca=False,
    usage=(ExtendedKeyUsageOID.TIME_STAMPING,),
    critical=True,
    sign=True,
    begin=AT - DAY,
    end=AT + DAY,
    serial=None,
) -> x509.Certificate:
    def name(text):
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.private.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=sign,
                content_commitment=not sign,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=ca,
                crl_sign=ca,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=critical)
    return builder.sign(ca_key.private, hashes.SHA256())


ROOT = certificate("root", "root", key=CA, ca=True, usage=())
LEAF = certificate()


@dataclass(frozen=True)
class Trusted:
    """What of a trusted root's authority is asked for."""

    certificates: tuple[x509.Certificate, ...] = (LEAF, ROOT)
    begin: datetime = AT - DAY
    end: datetime = AT + DAY

    @property
    def chain(self):
        return tuple(c.public_bytes(Encoding.DER) for c in self.certificates)

    def covers(self, at):
        return self.begin <= at <= self.end


def issue(message=MESSAGE, *, at=AT, key=KEY, leaf=LEAF, request=None) -> bytes:
    return issue_token(
        request or build_request(message, nonce=NONCE),
        key=key,
        certificate=leaf.public_bytes(Encoding.DER),
        at=at,
        serial=77,
        policy=POLICY,
    )


RESPONSE = issue()


def verified(token=RESPONSE, message=MESSAGE, authority=None):
    return verify_token(token, message=message, authority=authority or Trusted())


def test_a_token_says_when():
    assert verified() == AT
    assert verified().tzinfo is UTC


def test_the_answer_to_our_question_is_taken_whole():
    assert parse_response(RESPONSE, nonce=NONCE) == RESPONSE


def test_the_answer_to_another_question_is_refused():
    with pytest.raises(TimestampNonceError) as refused:
        parse_response(RESPONSE, nonce=NONCE + 1)
    assert refused.value.code == "timestamp-nonce"


# ------------------------------------------------------------------ time, both ends in


@pytest.mark.parametrize(
    ("offset", "accepted"),
    [
        (timedelta(0), True),
        (timedelta(seconds=-1), False),
        (2 * DAY, True),
        (2 * DAY + timedelta(seconds=1), False),
    ],
    ids=["at the begin", "before it", "at the end", "after it"],
)
@pytest.mark.parametrize("bound_by", ["authority", "leaf", "root"])
def test_windows_include_both_ends(bound_by, offset, accepted):
    wide = {"begin": AT - 9 * DAY, "end": AT + 9 * DAY}
    root = (
        ROOT
        if bound_by == "root"
        else certificate("root", "root", key=CA, ca=True, usage=(), **wide)
    )
    leaf = LEAF if bound_by == "leaf" else certificate(**wide)
    authority = Trusted((leaf, root), **({} if bound_by == "authority" else wide))
    # The authority itself would not stamp outside its certificate; a thief's would.
    token = stamped(at=AT - DAY + offset, leaf=leaf)
    if accepted:
        assert verified(token, authority=authority) == AT - DAY + offset
        return
    with pytest.raises(TimestampWindowError) as refused:
        verified(token, authority=authority)
    assert refused.value.code == "timestamp-window"


# ------------------------------------------------------------------ hostile tokens


def algorithm(oid=SHA256, parameters=None):
    return der.AlgorithmIdentifier(algorithm=oid, parameters=parameters)


def scheme(oid=ECDSA_SHA256, parameters=None):
    return der.SignatureAlgorithm(algorithm=oid, parameters=parameters)


def der_name(name: x509.Name) -> asn1.TLV:
    return asn1.decode_der(asn1.TLV, name.public_bytes())


def tlv(value) -> asn1.TLV:
    return asn1.decode_der(asn1.TLV, asn1.encode_der(value))


def attribute(oid, *values):
    return der.Attribute(type=oid, values=asn1.SetOf([tlv(v) for v in values]))


def stamped(
    *,
    at=AT,
    leaf=LEAF,
    key=KEY,
    message=MESSAGE,
    status=0,
    content_type=der.SIGNED_DATA,
    info=None,
    edit_attributes=None,
    edit_signer=None,
    edit_signed=None,
    edit_content=None,
) -> bytes:
    """Build a token by hand, with real signatures, and one thing wrong."""
    fields = {
        "version": 1,
        "policy": der.Oid(POLICY),
        "message_imprint": der.MessageImprint(
            hash_algorithm=algorithm(), hashed_message=hashlib.sha256(message).digest()
        ),
        "serial_number": 5,
        "gen_time": asn1.GeneralizedTime(at),
        "accuracy": None,
        "ordering": False,
        "nonce": NONCE,
        "tsa": None,
        "extensions": None,
    }
    content = asn1.encode_der(der.TSTInfo(**{**fields, **(info or {})}))
    named = der.ESSCertIDv2(
        hash_algorithm=None,
        cert_hash=leaf.fingerprint(hashes.SHA256()),
        issuer_serial=None,
    )
    attributes = {
        der.CONTENT_TYPE: [der.TST_INFO],
        der.MESSAGE_DIGEST: [hashlib.sha256(content).digest()],
        der.SIGNING_CERTIFICATE_V2: [
            der.SigningCertificateV2(certs=[named], policies=None)
        ],
    }
    listed = [attribute(oid, *values) for oid, values in attributes.items()]
    listed = edit_attributes(listed) if edit_attributes else listed
    encoded = asn1.encode_der(asn1.SetOf(listed))
    signer = {
        "version": 1,
        "sid": der.IssuerAndSerialNumber(
            issuer=der_name(leaf.issuer), serial_number=leaf.serial_number
        ),
        "digest_algorithm": algorithm(),
        "signed_attributes": asn1.decode_der(asn1.TLV, b"\xa0" + encoded[1:]),
        "signature_algorithm": scheme(ECDSA_SHA256),
        "signature": key.sign(encoded),
        "unsigned_attributes": None,
    }
    signers = [der.SignerInfo(**{**signer, **(edit_signer or {})})]
    signed = {
        "version": 3,
        "digest_algorithms": asn1.SetOf([algorithm()]),
        "content_info": der.EncapsulatedContentInfo(
            content_type=der.TST_INFO, content=edit_content or content
        ),
        "certificates": None,
        "crls": None,
        "signer_infos": asn1.SetOf(signers),
    }
    signed = {**signed, **(edit_signed(signed) if edit_signed else {})}
    token = der.ContentInfo(
        content_type=content_type, content=tlv(der.SignedData(**signed))
    )
    return asn1.encode_der(
        der.TimeStampResp(
            status=der.PKIStatusInfo(status=status, status_string=None, fail_info=None),
            token=token,
        )
    )


def without(oid):
    return {"edit_attributes": lambda listed: [a for a in listed if a.type != oid]}


def changed(oid, *values):
    def edit(listed):
        return [attribute(oid, *values) if a.type == oid else a for a in listed]

    return {"edit_attributes": edit}


def named_certificate(digest, hash_algorithm=None):
    cert = der.ESSCertIDv2(
        hash_algorithm=hash_algorithm, cert_hash=digest, issuer_serial=None
    )
    return changed(
        der.SIGNING_CERTIFICATE_V2,
        der.SigningCertificateV2(certs=[cert], policies=None),
    )


def sid(issuer=LEAF.issuer, serial=LEAF.serial_number):
    return {
        "edit_signer": {
            "sid": der.IssuerAndSerialNumber(
                issuer=der_name(issuer), serial_number=serial
            )
        }
    }


def imprint(digest, hash_algorithm):
    return {
        "info": {
            "message_imprint": der.MessageImprint(
                hash_algorithm=hash_algorithm, hashed_message=digest
            )
        }
    }


OTHER_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "other")])
SHA1 = der.Oid("1.3.14.3.2.26")
SHA384 = der.Oid("2.16.840.1.101.3.4.2.2")
OTHER_INFO = asn1.encode_der(tlv(der.Held(element=tlv(5))))

HOSTILE = {
    "not granted": ({"status": 2}, TimestampRejectedError),
    "granted with modifications": ({"status": 1}, TimestampRejectedError),
    "another content type": ({"content_type": der.TST_INFO}, TimestampFormatError),
    "two signers": (
        {
            "edit_signed": lambda s: {
                "signer_infos": asn1.SetOf(
                    [
                        *s["signer_infos"].as_list(),
                        der.SignerInfo(
                            **{
                                name: getattr(s["signer_infos"].as_list()[0], name)
                                for name in der.SignerInfo.__dataclass_fields__
                                if name != "signature"
                            },
                            signature=b"x",
                        ),
                    ]
                )
            }
        },
        TimestampFormatError,
    ),
    "no signed attributes": (
        {"edit_signer": {"signed_attributes": tlv(der.Held(element=tlv(5)))}},
        TimestampFormatError,
    ),
    "no signer": (
        {"edit_signed": lambda _: {"signer_infos": asn1.SetOf([])}},
        TimestampFormatError,
    ),
    "another signer version": ({"edit_signer": {"version": 3}}, TimestampFormatError),
    "another SignedData version": (
        {"edit_signed": lambda _: {"version": 1}},
        TimestampFormatError,
    ),
    "another TSTInfo version": ({"info": {"version": 2}}, TimestampFormatError),
    "another content type outside": (
        {
            "edit_signed": lambda s: {
                "content_info": der.EncapsulatedContentInfo(
                    content_type=der.SIGNED_DATA, content=s["content_info"].content
                )
            }
        },
        TimestampFormatError,
    ),
    "another issuer": (sid(issuer=OTHER_NAME), WrongAuthorityError),
    "another serial number": (sid(serial=4), WrongAuthorityError),
    "no content type": (without(der.CONTENT_TYPE), TimestampFormatError),
    "no message digest": (without(der.MESSAGE_DIGEST), TimestampFormatError),
    "no signing certificate": (
        without(der.SIGNING_CERTIFICATE_V2),
        TimestampFormatError,
    ),
    "another signed content type": (
        changed(der.CONTENT_TYPE, der.SIGNED_DATA),
        TimestampContentError,
    ),
    "another message digest": (
        changed(der.MESSAGE_DIGEST, bytes(32)),
        TimestampContentError,
    ),
    "a message digest of another type": (
        changed(der.MESSAGE_DIGEST, 5),
        TimestampFormatError,
    ),
    "two values of one attribute": (
        changed(der.MESSAGE_DIGEST, bytes(32), bytes(31)),
        TimestampFormatError,
    ),
    "one attribute twice": (
        {
            "edit_attributes": lambda a: [
                *a,
                attribute(der.CONTENT_TYPE, der.SIGNED_DATA),
            ]
        },
        TimestampFormatError,
    ),
    "the hash of another certificate": (
        named_certificate(ROOT.fingerprint(hashes.SHA256())),
        WrongAuthorityError,
    ),
    "a SHA-1 certificate hash": (
        named_certificate(LEAF.fingerprint(hashes.SHA1()), algorithm(SHA1)),
        TimestampAlgorithmError,
    ),
    "no certificate named": (
        changed(
            der.SIGNING_CERTIFICATE_V2,
            der.SigningCertificateV2(certs=[], policies=None),
        ),
        TimestampFormatError,
    ),
    "another key": ({"key": MemoryKey.ecdsa()}, TimestampSignatureError),
    "no signature": ({"edit_signer": {"signature": b""}}, TimestampSignatureError),
    "another content than was signed": (
        {"edit_content": None, "message": b"other"},
        TimestampMismatchError,
    ),
    "an imprint of other bytes": (
        imprint(bytes(32), algorithm()),
        TimestampMismatchError,
    ),
    "a SHA-1 imprint": (
        imprint(hashlib.sha1(MESSAGE).digest(), algorithm(SHA1)),
        TimestampAlgorithmError,
    ),
    "an imprint of another algorithm": (
        imprint(hashlib.sha256(MESSAGE).digest(), algorithm(SHA384)),
        TimestampMismatchError,
    ),
    "an RSA signature": (
        {
            "edit_signer": {
                "signature_algorithm": scheme(der.Oid("1.2.840.113549.1.1.11"))
            }
        },
        TimestampAlgorithmError,
    ),
    "signature parameters": (
        {"edit_signer": {"signature_algorithm": scheme(ECDSA_SHA256, asn1.Null())}},
        TimestampAlgorithmError,
    ),
    "another signature hash": (
        {
            "edit_signer": {
                "signature_algorithm": scheme(der.Oid("1.2.840.10045.4.3.3"))
            }
        },
        TimestampSignatureError,
    ),
    "a critical extension": (
        {
            "info": {
                "extensions": [
                    der.Extension(oid=der.Oid("1.2.3"), critical=True, value=b"x")
                ]
            }
        },
        TimestampFormatError,
    ),
    "a content that is no TSTInfo": (
        {"edit_content": OTHER_INFO},
        TimestampFormatError,
    ),
}


@pytest.mark.parametrize(("wrong", "error"), HOSTILE.values(), ids=HOSTILE)
def test_a_token_with_one_thing_wrong_is_refused(wrong, error):
    with pytest.raises(error) as refused:
        verified(stamped(**wrong))
    assert refused.value.code == error.code


def test_the_same_token_with_nothing_wrong_is_accepted():
    assert verified(stamped()) == AT


def test_a_time_with_a_fraction_is_kept():
    at = AT + timedelta(milliseconds=500)
    assert verified(stamped(at=at)) == at


def test_attributes_that_nobody_asked_for_are_tolerated():
    more = {"edit_attributes": lambda a: [*a, attribute(der.Oid("1.2.3.4"), 5)]}
    assert verified(stamped(**more)) == AT


def test_the_signed_content_cannot_be_swapped():
    """The attributes are signed, and they name the content by its digest."""
    other = asn1.encode_der(
        asn1.decode_der(
            der.TimeStampResp, stamped(message=b"other")
        ).token.content.parse(der.SignedData)
    )
    content = asn1.decode_der(der.SignedData, other).content_info.content
    with pytest.raises(TimestampContentError) as refused:
        verified(stamped(edit_content=content), message=b"other")
    assert refused.value.code == "timestamp-content"


def test_certificates_inside_a_token_are_never_trusted():
    thief = MemoryKey.ecdsa()
    leaf = certificate(key=thief, ca_key=MemoryKey.ecdsa(), serial=LEAF.serial_number)
    token = issue(key=thief, leaf=leaf)
    with pytest.raises(WrongAuthorityError):
        verified(token)


# ------------------------------------------------------------------ the authority


class RsaKey:
    private = rsa.generate_private_key(65537, 2048)


OTHER_CA = MemoryKey.ecdsa()
CHAINS = {
    "no certificate": (),
    "usage not critical": (certificate(critical=False), ROOT),
    "no usage": (certificate(usage=()), ROOT),
    "another usage": (certificate(usage=(ExtendedKeyUsageOID.CODE_SIGNING,)), ROOT),
    "a usage more": (
        certificate(
            usage=(ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)
        ),
        ROOT,
    ),
    "a leaf that is a CA": (certificate(ca=True), ROOT),
    "a leaf that may not sign": (certificate(sign=False), ROOT),
    "a leaf of another CA": (certificate(ca_key=OTHER_CA), ROOT),
    "an issuer of another name": (certificate(issuer="other"), ROOT),
    "an issuer that is no CA": (
        LEAF,
        certificate("root", "root", key=CA, usage=()),
    ),
    "too many": (LEAF, *[ROOT] * MAX_CHAIN),
}


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_a_chain_that_must_not_stamp_is_refused(chain):
    token = stamped(leaf=chain[0]) if chain else RESPONSE
    with pytest.raises(AuthorityCertificateError) as refused:
        verified(token, authority=Trusted(chain))
    assert refused.value.code == "timestamp-certificate"


def test_a_chain_up_to_the_limit_is_taken():
    assert verified(authority=Trusted((LEAF, *[ROOT] * (MAX_CHAIN - 1)))) == AT


def test_bytes_that_are_no_certificate_are_refused():
    class Broken(Trusted):
        chain = (b"x",)

    with pytest.raises(AuthorityCertificateError):
        verified(authority=Broken())


def test_an_authority_of_another_kind_than_the_token_says_is_refused():
    leaf = certificate(key=RsaKey)
    with pytest.raises(TimestampAlgorithmError):
        verified(stamped(leaf=leaf), authority=Trusted((leaf, ROOT)))


def test_a_p384_authority_is_accepted():
    key = MemoryKey.__new__(MemoryKey)
    object.__setattr__(key, "private", ec.generate_private_key(ec.SECP384R1()))
    leaf = certificate(key=key)

    class Signing:
        def sign(self, message):
            return key.private.sign(message, ec.ECDSA(hashes.SHA384()))

    token = stamped(
        leaf=leaf,
        key=Signing(),
        edit_signer={"signature_algorithm": scheme(der.Oid("1.2.840.10045.4.3.3"))},
    )
    assert verified(token, authority=Trusted((leaf, ROOT))) == AT


# ------------------------------------------------------------------ bytes


def test_a_rejection_is_no_token():
    with pytest.raises(TimestampRejectedError) as refused:
        verified(reject(2, "not today"))
    assert "not today" in refused.value.message
    assert refused.value.evidence == {"status": 2}


def test_a_granted_status_without_a_token_is_refused():
    status = der.PKIStatusInfo(status=0, status_string=None, fail_info=None)
    with pytest.raises(TimestampRejectedError):
        verified(asn1.encode_der(der.TimeStampResp(status=status, token=None)))


MANGLED = {
    "empty": b"",
    "cut": RESPONSE[:-1],
    "longer": RESPONSE + b"\0",
    "not DER": b"0\x80\x00\x00",
    "text": b"timestamp",
}


@pytest.mark.parametrize("token", MANGLED.values(), ids=MANGLED)
def test_what_is_no_response_is_refused(token):
    with pytest.raises(TimestampFormatError) as refused:
        verified(token)
    assert refused.value.code == "timestamp-format"


def test_no_more_bytes_than_the_limit_are_parsed():
    with pytest.raises(TimestampFormatError):
        verified(bytes(MAX_RESPONSE_BYTES))
    with pytest.raises(LimitExceededError):
        verified(bytes(MAX_RESPONSE_BYTES + 1))


HUGE = 1 << 40_000  # Python refuses to write it in decimal
LARGE = {
    "status": {"status": HUGE},
    "negative status": {"status": -HUGE},
    "SignedData version": {"edit_signed": lambda _: {"version": HUGE}},
    "signer version": {"edit_signer": {"version": HUGE}},
    "TSTInfo version": {"info": {"version": HUGE}},
    "serial number of the signer": sid(serial=HUGE),
}


@pytest.mark.parametrize("wrong", LARGE.values(), ids=LARGE)
def test_an_endless_integer_is_refused_with_a_code(wrong):
    with pytest.raises((TimestampFormatError, WrongAuthorityError)):
        verified(stamped(**wrong))


def test_an_endless_nonce_is_another_nonce():
    with pytest.raises(TimestampNonceError):
        parse_response(stamped(info={"nonce": HUGE}), nonce=NONCE)
    with pytest.raises(TimestampNonceError):
        parse_response(stamped(info={"nonce": None}), nonce=NONCE)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(RESPONSE) - 1), st.integers(1, 255))
def test_no_changed_byte_that_is_signed_passes_and_none_escapes_as_a_bug(place, mask):
    mangled = bytearray(RESPONSE)
    mangled[place] ^= mask
    with contextlib.suppress(TrustacksError):
        assert verified(bytes(mangled)) == AT  # an embedded certificate is not read


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused_with_a_code(token):
    with pytest.raises(FormatError):
        verified(token)


# ------------------------------------------------------------------ other people's


def test_the_client_of_sigstore_accepts_ours():
    client = pytest.importorskip("rfc3161_client")
    verifier = (
        client.VerifierBuilder()
        .add_root_certificate(ROOT)
        .tsa_certificate(LEAF)
        .nonce(NONCE)
        .build()
    )
    response = client.decode_timestamp_response(RESPONSE)
    assert verifier.verify(response, hashlib.sha256(MESSAGE).digest())


@pytest.mark.integration
@pytest.mark.parametrize("embedded", [True, False])
def test_openssl_accepts_ours(tmp_path, embedded):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not on PATH")
    request = build_request(MESSAGE, nonce=NONCE)
    if not embedded:
        asked = asn1.decode_der(der.TimeStampReq, request)
        asked.cert_req = False
        request = asn1.encode_der(asked)
    files = {
        "reply": issue(request=request),
        "query": request,
        "ca": ROOT.public_bytes(Encoding.PEM),
        "leaf": LEAF.public_bytes(Encoding.PEM),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    command = [openssl, "ts", "-verify", "-in", "reply", "-queryfile", "query"]
    command += ["-CAfile", "ca", "-attime", str(int(AT.timestamp()))]
    command += [] if embedded else ["-untrusted", "leaf"]
    ran = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "Verification: OK" in ran.stdout


def conformance_cases() -> Path | None:
    named = os.environ.get("SIGSTORE_CONFORMANCE_CASES")
    path = (
        Path(named)
        if named
        else Path(__file__).parents[3] / "../shared/conformance/sigstore"
    )
    return path if path.is_dir() else None


WRONG_TOKENS = (
    "timestamp-outside-tsa-cert-validity_fail",
    "timestamp-payload-mismatch_fail",
    "timestamp-untrusted-tsa-with-embedded-cert_fail",
    "timestamp-untrusted-tsa-without-embedded-cert_fail",
)


def test_tokens_of_public_authorities_are_judged_as_their_authors_say():
    cases = conformance_cases()
    if cases is None:
        pytest.skip("conformance cases absent: SIGSTORE_CONFORMANCE_CASES names them")
    judged = {}
    for case in sorted(cases.glob("*/trusted_root.json")):
        bundle = json.loads((case.parent / "bundle.sigstore.json").read_text())
        material = bundle["verificationMaterial"].get("timestampVerificationData") or {}
        content = (
            bundle.get("messageSignature") or bundle["dsseEnvelope"]["signatures"][0]
        )
        signature = b64decode(content.get("signature") or content["sig"])
        for token in material.get("rfc3161Timestamps") or []:
            response = base64.b64decode(
                token["signedTimestamp"]
            )  # some have line breaks
            judged[case.parent.name] = accepted(case, response, signature)
    # What fails for another reason than its token has a token that is good, but for
    # those whose signature was changed: the token is of the one before.
    good = {
        name: seen
        for name, seen in judged.items()
        if not name.endswith((*WRONG_TOKENS, "mismatch-sig_fail", "invalid-sig_fail"))
    }
    bad = {name: seen for name, seen in judged.items() if name.endswith(WRONG_TOKENS)}
    assert len(good) >= 5
    assert len(bad) >= 4
    assert set(good.values()) == {True}, good
    assert set(bad.values()) == {False}, bad


def accepted(trusted_root: Path, response: bytes, signature: bytes) -> bool:
    for authority in json.loads(trusted_root.read_text()).get(
        "timestampAuthorities", []
    ):
        chain = [
            b64decode(c["rawBytes"]) for c in authority["certChain"]["certificates"]
        ]
        window = authority["validFor"]

        class Published:
            pass

        published = Published()
        published.chain = chain
        begin = datetime.fromisoformat(window["start"])
        end = datetime.fromisoformat(window.get("end", "9999-12-31T00:00:00Z"))
        published.covers = lambda at, b=begin, e=end: b <= at <= e
        try:
            verify_token(response, message=signature, authority=published)
        except TrustacksError:
            continue
        return True
    return False
