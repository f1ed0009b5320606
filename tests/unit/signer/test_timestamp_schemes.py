# SPDX-License-Identifier: Apache-2.0
"""Tokens as public authorities write them: RSA, larger curves, older attributes.

Most are made by OpenSSL, which is what several public authorities run.
"""

import hashlib
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from signer.timestamp import asn1 as der
from signer.timestamp.errors import (
    TimestampAlgorithmError,
    TimestampFormatError,
    TimestampSignatureError,
    WrongAuthorityError,
)
from signer.timestamp.token import verify_token
from tests.unit.signer.test_timestamp_token import (
    CA,
    LEAF,
    MESSAGE,
    ROOT,
    Trusted,
    algorithm,
    attribute,
    certificate,
    scheme,
    stamped,
    verified,
)

WIDE = {
    "begin": datetime(2020, 1, 1, tzinfo=UTC),
    "end": datetime(2049, 1, 1, tzinfo=UTC),
}
OPENSSL = shutil.which("openssl")
SHA256, SHA384, SHA512 = hashes.SHA256(), hashes.SHA384(), hashes.SHA512()
SHA_OIDS = {
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
}
PKCS1 = {
    "sha256": "1.2.840.113549.1.1.11",
    "sha384": "1.2.840.113549.1.1.12",
    "sha512": "1.2.840.113549.1.1.13",
}
RSA_ENCRYPTION, PSS = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"
MGF1 = "1.2.840.113549.1.1.8"
CONFIG = """
[ tsa ]
default_tsa = one
[ one ]
serial = serial
crypto_device = builtin
signer_cert = leaf.pem
certs = chain.pem
signer_key = key.pem
signer_digest = {digest}
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500, microsecs:100
clock_precision_digits = {digits}
ordering = yes
tsa_name = yes
ess_cert_id_chain = {chain}
ess_cert_id_alg = {ess}
"""


@cache
def private(kind: str):
    if kind.startswith("RSA"):
        return rsa.generate_private_key(65537, int(kind.removeprefix("RSA ")))
    curve = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}
    return ec.generate_private_key((curve | {"K": ec.SECP256K1})[kind]())


class Key:
    """Any key, where the helper that makes certificates wants one."""

    def __init__(self, key):
        self.private = key


def authority(kind: str):
    root = certificate("root", "root", key=CA, ca=True, usage=(), **WIDE)
    leaf = certificate(key=Key(private(kind)), **WIDE)
    return Trusted((leaf, root), **WIDE)


def openssl(folder, *words):
    if OPENSSL is None:
        pytest.skip("SKIPPED: openssl absent")
    done = subprocess.run(
        [OPENSSL, *words], cwd=folder, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def by_openssl(
    folder, kind, *, digest="sha256", ess="sha256", embedded=True, chain=False, digits=0
):
    """Return an authority, and a token that OpenSSL made as it."""
    trusted = authority(kind)
    leaf, root = (c.public_bytes(Encoding.PEM) for c in trusted.certificates)
    key = private(kind).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    said = "yes" if chain else "no"
    config = CONFIG.format(digest=digest, ess=ess, chain=said, digits=digits)
    files = {"leaf.pem": leaf, "chain.pem": leaf + root, "key.pem": key}
    files |= {"serial": b"01", "tsa.cnf": config.encode(), "message": MESSAGE}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    wants = ["-cert"] if embedded else []
    query = ["-data", "message", f"-{digest}", *wants, "-out", "query"]
    openssl(folder, "ts", "-query", *query)
    reply = ["-config", "tsa.cnf", "-queryfile", "query", "-out", "reply"]
    openssl(folder, "ts", "-reply", *reply)
    return trusted, (folder / "reply").read_bytes()


STYLES = {
    "RSA 2048, the older attribute": ("RSA 2048", {"ess": "sha1"}),
    "RSA 3072, SHA-384": ("RSA 3072", {"digest": "sha384", "ess": "sha384"}),
    "RSA 4096, SHA-512, the chain within": (
        "RSA 4096",
        {"digest": "sha512", "ess": "sha512", "chain": True},
    ),
    "P-384, no certificate within": ("P-384", {"digest": "sha384", "embedded": False}),
    "P-521, milliseconds": ("P-521", {"digest": "sha512", "digits": 3}),
    "P-256, microseconds, the older attribute": ("P-256", {"ess": "sha1", "digits": 6}),
}


@pytest.mark.parametrize(("kind", "how"), STYLES.values(), ids=STYLES)
def test_a_token_of_openssl_is_verified(tmp_path, kind, how):
    trusted, token = by_openssl(tmp_path, kind, **how)

    at = verify_token(token, message=MESSAGE, authority=trusted)

    # openssl is another process, and cuts the fraction
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=2)
    assert bool(at.microsecond % 1000) <= (how.get("digits", 0) == 6)


def test_a_token_of_openssl_is_of_one_message_and_one_authority(tmp_path):
    trusted, token = by_openssl(tmp_path, "RSA 2048", ess="sha1")
    leaf = certificate(
        key=Key(private("RSA 3072")), serial=trusted.certificates[0].serial_number
    )
    for other in (Trusted(), Trusted((leaf, ROOT))):
        with pytest.raises(WrongAuthorityError):
            verify_token(token, message=MESSAGE, authority=other)


# ------------------------------------------------------------------ schemes, by hand


def signing(key, *how):
    """A key whose scheme is said, where the helper wants one."""

    class Signing:
        def sign(self, message):
            return key.sign(message, *how)

    return Signing()


def by_hand(kind, padding_, hash_, named, **signer):
    leaf = certificate(key=Key(private(kind)))
    token = stamped(
        leaf=leaf,
        key=signing(private(kind), padding_, hash_),
        edit_signer={"signature_algorithm": named, **signer},
    )
    return verified(token, authority=Trusted((leaf, ROOT)))


def mask(hash_name="sha256", oid=MGF1):
    return der.MaskAlgorithm(
        algorithm=der.Oid(oid), parameters=algorithm(der.Oid(SHA_OIDS[hash_name]))
    )


def pss(hash_name="sha256", **changes):
    fields = {
        "hash_algorithm": algorithm(der.Oid(SHA_OIDS[hash_name])),
        "mask_algorithm": mask(hash_name),
        "salt_length": hashlib.new(hash_name).digest_size,
        "trailer": None,
    }
    return scheme(der.Oid(PSS), der.PssParameters(**{**fields, **changes}))


@pytest.mark.parametrize("parameters", [None, asn1.Null()], ids=["none", "null"])
@pytest.mark.parametrize("name", PKCS1)
def test_rsa_with_a_hash_of_its_own_is_accepted(name, parameters):
    hash_ = {"sha256": SHA256, "sha384": SHA384, "sha512": SHA512}[name]
    assert by_hand(
        "RSA 2048",
        padding.PKCS1v15(),
        hash_,
        scheme(der.Oid(PKCS1[name]), parameters),
    )


@pytest.mark.parametrize("name", SHA_OIDS)
def test_rsassa_pss_is_accepted(name):
    hash_ = {"sha256": SHA256, "sha384": SHA384, "sha512": SHA512}[name]
    how = padding.PSS(padding.MGF1(hash_), hash_.digest_size)

    assert by_hand("RSA 2048", how, hash_, pss(name))


PKCS1_SHA256 = scheme(der.Oid(PKCS1["sha256"]), asn1.Null())
WRONG = {
    "another hash than is named": (
        SHA512,
        PKCS1_SHA256,
        TimestampSignatureError,
    ),
    "another padding than is named": (SHA256, pss(), TimestampSignatureError),
    "ECDSA of an RSA key": (SHA256, scheme(), TimestampAlgorithmError),
    "RSA with SHA-1": (
        SHA256,
        scheme(der.Oid("1.2.840.113549.1.1.5"), asn1.Null()),
        TimestampAlgorithmError,
    ),
    "PSS without parameters": (
        SHA256,
        scheme(der.Oid(PSS)),
        TimestampAlgorithmError,
    ),
    "PSS with SHA-1": (
        SHA256,
        pss(hash_algorithm=None),
        TimestampAlgorithmError,
    ),
    "PSS with a mask of SHA-1": (
        SHA256,
        pss(mask_algorithm=None),
        TimestampAlgorithmError,
    ),
    "PSS with two hashes": (
        SHA256,
        pss(mask_algorithm=mask("sha512")),
        TimestampAlgorithmError,
    ),
    "PSS with another mask": (
        SHA256,
        pss(mask_algorithm=mask(oid=PSS)),
        TimestampAlgorithmError,
    ),
    "PSS with a short salt": (SHA256, pss(salt_length=1), TimestampAlgorithmError),
    "PSS with no salt said": (SHA256, pss(salt_length=None), TimestampAlgorithmError),
    "PSS with another trailer": (SHA256, pss(trailer=2), TimestampAlgorithmError),
    "PKCS #1 with parameters": (
        SHA256,
        scheme(der.Oid(PKCS1["sha256"]), pss().parameters),
        TimestampAlgorithmError,
    ),
}


@pytest.mark.parametrize(("hash_", "named", "refusal"), WRONG.values(), ids=WRONG)
def test_a_scheme_that_is_not_accepted_is_refused(hash_, named, refusal):
    with pytest.raises(refusal):
        by_hand("RSA 2048", padding.PKCS1v15(), hash_, named)


def test_rsa_encryption_takes_the_hash_from_the_digest():
    """So that the two cannot differ."""
    named = scheme(der.Oid(RSA_ENCRYPTION), asn1.Null())

    assert by_hand("RSA 2048", padding.PKCS1v15(), SHA256, named)
    with pytest.raises(TimestampSignatureError):
        by_hand("RSA 2048", padding.PKCS1v15(), SHA384, named)


@pytest.mark.parametrize("key", ["RSA 1024", "RSA 3", "K", "Ed25519"])
def test_a_key_of_another_kind_or_size_is_refused(key):
    if key == "RSA 1024":
        made = rsa.generate_private_key(65537, 1024)
        how, named = (padding.PKCS1v15(), SHA256), PKCS1_SHA256
    elif key == "RSA 3":
        made, how = rsa.generate_private_key(3, 2048), (padding.PKCS1v15(), SHA256)
        named = PKCS1_SHA256
    elif key == "K":
        made, how, named = private("K"), (ec.ECDSA(SHA256),), scheme()
    else:
        made, how, named = ed25519.Ed25519PrivateKey.generate(), (), scheme()
    leaf = certificate(key=Key(made))
    token = stamped(
        leaf=leaf, key=signing(made, *how), edit_signer={"signature_algorithm": named}
    )

    with pytest.raises(TimestampAlgorithmError):
        verified(token, authority=Trusted((leaf, ROOT)))


# ------------------------------------------------------- the certificate that is named


def older(*digests):
    certs = [der.ESSCertID(cert_hash=one, issuer_serial=None) for one in digests]
    value = der.SigningCertificate(certs=certs, policies=None)
    return attribute(der.SIGNING_CERTIFICATE, value)


def fingerprint(leaf=LEAF):
    return leaf.fingerprint(hashes.SHA1())


def named_by(*attributes, keep=()):
    """Name the certificate by these, and not, or also, by the newer attribute."""

    def edit(listed):
        kept = (*keep, der.CONTENT_TYPE, der.MESSAGE_DIGEST)
        return [*(a for a in listed if a.type in kept), *attributes]

    return verified(stamped(edit_attributes=edit))


def test_a_certificate_may_be_named_in_the_older_form_or_in_both():
    assert named_by(older(fingerprint()))
    assert named_by(older(fingerprint()), keep=(der.SIGNING_CERTIFICATE_V2,))
    assert named_by(older(fingerprint(), bytes(20)))


@pytest.mark.parametrize(
    ("digests", "keep", "refusal"),
    [
        ((bytes(20),), (), WrongAuthorityError),
        ((fingerprint(ROOT), fingerprint()), (), WrongAuthorityError),
        ((bytes(20),), (der.SIGNING_CERTIFICATE_V2,), WrongAuthorityError),
        ((hashlib.sha256(b"").digest(),), (), WrongAuthorityError),
        ((), (), TimestampFormatError),
    ],
    ids=["another", "not first", "beside the newer", "of another hash", "none"],
)
def test_the_older_form_is_compared_too(digests, keep, refusal):
    with pytest.raises(refusal):
        named_by(older(*digests), keep=keep)
