# SPDX-License-Identifier: Apache-2.0
"""The log of certificates: durable before its timestamp leaves, at every crash."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.x509.certificate_transparency import LogEntryType

from control_plane.sigstore.authority import create_chain
from control_plane.sigstore.ct_log import CtLog
from control_plane.sigstore.fulcio import Fulcio
from control_plane.sigstore.tokens import IdentityTokens
from keys.digest import Digest
from keys.errors import StorageError, UnsafeConfigurationError
from keys.strict import dumps_json
from signer.certificate.leaf import parse_leaf
from signer.certificate.sct_form import merkle_tree_leaf
from tests.simulators.embedded_client import csr_request
from tests.simulators.memory_key import MemoryKey
from tests.simulators.service import Disk, FailingStorage

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
KEY = MemoryKey.ecdsa()
ROOT_KEY, CA_KEY, OIDC_KEY = (MemoryKey.ecdsa() for _ in range(3))
CHAIN = create_chain(ROOT_KEY, CA_KEY, at=AT)
ISSUER = "http://127.0.0.1:8080"


class Instance:
    """A CA over a disk that can fail; ``restart`` opens it anew."""

    def __init__(self, folder) -> None:
        self.folder, self.disk = folder, Disk()
        self.restart()

    def restart(self) -> None:
        self.disk.heal()
        storage = FailingStorage(self.folder, self.disk)
        self.ct_log = CtLog(storage, origin="ct.localhost", key=KEY)
        self.tokens = IdentityTokens(ISSUER, OIDC_KEY)
        chain = [x509.load_der_x509_certificate(der) for der in CHAIN]
        self.fulcio = Fulcio(CA_KEY, chain, self.ct_log, self.tokens)

    def certify(self) -> bytes:
        token = self.tokens.make("alice@acme.localhost", at=AT)
        request = dumps_json(csr_request(MemoryKey.ecdsa()))
        return self.fulcio.certify(token, request, at=AT)[0]

    def logged(self, certificate: bytes) -> bool:
        tbs = parse_leaf(certificate).certificate.tbs_precertificate_bytes
        issuer = Digest.of(CA_KEY.public_key.spki).raw
        leaf = merkle_tree_leaf(at=AT, issuer_key_hash=issuer, tbs=tbs)
        log = self.ct_log.log
        return leaf in log.bodies(0, log.size)


@pytest.fixture
def instance(tmp_path):
    return Instance(tmp_path / "ct")


def test_what_was_certified_is_in_the_log(instance):
    made = [instance.certify() for _ in range(3)]
    assert instance.ct_log.log.size == 3
    assert all(map(instance.logged, made))


def test_the_timestamp_is_of_the_log_over_a_precertificate(instance):
    leaf = x509.load_der_x509_certificate(instance.certify())
    found = leaf.extensions.get_extension_for_class(
        x509.PrecertificateSignedCertificateTimestamps
    )
    (sct,) = found.value
    assert sct.entry_type is LogEntryType.PRE_CERTIFICATE
    assert sct.log_id == Digest.of(KEY.public_key.spki).raw
    assert sct.timestamp.replace(tzinfo=UTC) == AT
    assert leaf.extensions[-1] is found or leaf.extensions[-1].oid == found.oid


def _writes(tmp_path) -> int:
    instance = Instance(tmp_path / "count")
    instance.certify()
    before = instance.disk.writes
    instance.certify()
    return instance.disk.writes - before


def test_at_every_crash_no_certificate_is_out_that_is_not_logged(tmp_path):
    writes = _writes(tmp_path)
    assert writes >= 4  # journal, entries, tile, checkpoint
    for after in range(writes):
        for persisted in (False, True):
            instance = Instance(tmp_path / f"{after}-{persisted}")
            made = [instance.certify()]
            instance.disk.crash(after, persisted=persisted)
            with pytest.raises(StorageError):
                made.append(instance.certify())
            instance.restart()
            made.append(instance.certify())
            assert all(map(instance.logged, made))
            assert instance.ct_log.log.size in (2, 3)


def test_a_log_that_cannot_be_written_certifies_nobody(instance, monkeypatch):
    signed = []
    monkeypatch.setattr(MemoryKey, "sign", _noting(MemoryKey.sign, signed))
    instance.disk.crash(0, persisted=False)
    token = instance.tokens.make("alice@acme.localhost", at=AT)
    signed.clear()
    with pytest.raises(StorageError):
        instance.fulcio.certify(
            token, dumps_json(csr_request(MemoryKey.ecdsa())), at=AT
        )
    assert CA_KEY.public_key not in signed
    assert KEY.public_key not in signed


def _noting(sign, signed):
    def noted(self, message):
        signed.append(self.public_key)
        return sign(self, message)

    return noted


def test_the_log_of_another_key_is_not_gone_on_with(instance, tmp_path):
    instance.certify()
    storage = FailingStorage(tmp_path / "ct", Disk())
    other = CtLog(storage, origin="ct.localhost", key=MemoryKey.ecdsa())
    with pytest.raises(Exception, match="expected"):
        other.add(b"tbs", issuer_key_hash=b"\0" * 32, at=AT)


def test_a_ca_has_two_keys():
    with pytest.raises(UnsafeConfigurationError):
        create_chain(ROOT_KEY, ROOT_KEY, at=AT)
    with pytest.raises(UnsafeConfigurationError):
        create_chain(MemoryKey.ecdsa_p384(), CA_KEY, at=AT)
