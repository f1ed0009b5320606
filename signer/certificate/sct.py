# SPDX-License-Identifier: Apache-2.0
"""The signed certificate timestamp: a log of certificates saw this one being issued.

What the log signed is the certificate before the timestamp was put into it; it is made
again here from the certificate, by taking the timestamp out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.x509.certificate_transparency import (
    LogEntryType,
    SignedCertificateTimestamp,
)

from keys.clock import format_instant
from keys.errors import SignatureInvalidError
from keys.public import PublicKey
from signer.certificate.errors import (
    CtLogWindowError,
    SctMissingError,
    SctSignatureError,
    UnknownCtLogError,
)
from signer.certificate.issued import open_authority
from signer.certificate.leaf import Leaf, SeenBy, parse_leaf
from signer.certificate.sct_form import digitally_signed
from signer.limits import MAX_LEAVES
from signer.trusted_parts import CertificateAuthority, CtLog


@dataclass(frozen=True, slots=True)
class SeenIssued:
    """A verified certificate timestamp.

    Attributes:
        log: Whose word it is.
        at: When it saw the certificate, to the millisecond.
    """

    log: CtLog
    at: datetime


def verify_sct(
    leaf: Leaf, issuers: Sequence[CertificateAuthority], ct_logs: Iterable[CtLog]
) -> SeenIssued:
    """Verify the one certificate timestamp that is in a certificate.

    Args:
        leaf: The certificate.
        issuers: Who issued it, as ``issuers_of`` says; at least one.
        ct_logs: The logs of the trusted root.

    Raises:
        SctMissingError: There is not exactly one.
        UnknownCtLogError: It is of a log that is not trusted.
        SctSignatureError: It is of another certificate, or not the log's.

    Source: RFC 6962 §3.2 and §3.3.
    """
    _, (log_id, at) = _only_sct(leaf)
    logs = [log for log in ct_logs if log.log_id == log_id]
    if not logs:
        raise UnknownCtLogError(
            "expected a log of certificates of the trusted root, "
            f"got {log_id.hex()[:16]}"
        )
    # listed twice, it was in use in two windows
    log = next((log for log in logs if log.covers(at)), logs[0])
    _require_signed(leaf.der, issuers[0].chain, log.key)
    return SeenIssued(log, at)


def require_ct_log_in_use(log: CtLog, instants: Iterable[datetime]) -> None:
    """Refuse an instant at which the log's key was not in use.

    Raises:
        CtLogWindowError: There is one.
    """
    for instant in instants:
        if not log.covers(instant):
            raise CtLogWindowError(
                "expected a log of certificates in use at "
                f"{format_instant(instant)}, got {log.base_url}"
            )


def _only_sct(leaf: Leaf) -> tuple[SignedCertificateTimestamp, SeenBy]:
    found = leaf.timestamps
    if len(found) != 1:
        raise SctMissingError(
            f"expected exactly one signed certificate timestamp, got {len(found)}"
        )
    return found[0]


@lru_cache(MAX_LEAVES)
def _require_signed(der: bytes, chain: tuple[bytes, ...], key: PublicKey) -> None:
    leaf = parse_leaf(der)
    sct, _ = _only_sct(leaf)
    if (
        sct.entry_type is not LogEntryType.PRE_CERTIFICATE
        or not isinstance(sct.signature_hash_algorithm, hashes.SHA256)
        or not isinstance(key.hash, hashes.SHA256)
    ):
        raise SctSignatureError(
            "expected a certificate timestamp v1 with SHA-256, got another"
        )
    try:
        key.verify(sct.signature, _signed_by_log(leaf, sct, chain))
    except SignatureInvalidError as error:
        raise SctSignatureError(
            "the certificate timestamp does not verify with its log's key"
        ) from error


def _signed_by_log(
    leaf: Leaf, sct: SignedCertificateTimestamp, chain: tuple[bytes, ...]
) -> bytes:
    """Make the ``digitally-signed`` struct again, for a ``precert_entry``.

    Source: RFC 6962 §3.2; ``TBSCertificate`` is "the DER-encoded TBSCertificate [...]
    without the SCT extension".
    """
    return digitally_signed(
        at=sct.timestamp.replace(tzinfo=UTC),
        issuer_key_hash=open_authority(chain).key_hash,
        tbs=leaf.certificate.tbs_precertificate_bytes,
        extensions=sct.extension_bytes,
    )
