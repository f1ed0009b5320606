# SPDX-License-Identifier: Apache-2.0
"""Sigstore's TrustedRoot: which logs and authorities there are, and when.

It says who they are, not whether their word counts: custody is the trust policy's, and
so is which of them belong to one instance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from keys.clock import format_instant
from keys.digest import Digest
from keys.public import PublicKey
from keys.strict import b64encode, dumps_json, loads_json
from signer.errors import TrustedRootFormatError, UnknownLogError
from signer.limits import MAX_TRUSTED_ROOT_BYTES
from signer.protojson import ProtoFields
from signer.tlog.note import full_key_hash
from signer.trusted_parts import (
    CertificateAuthority,
    CtLog,
    TimestampAuthority,
    TransparencyLog,
    Window,
    host_of,
)
from signer.trusted_read import read_authorities, read_logs

__all__ = [
    "CertificateAuthority",
    "CtLog",
    "TimestampAuthority",
    "TransparencyLog",
    "TrustedRoot",
    "Window",
    "build_trusted_root",
]

MEDIA_TYPES: Final = (
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
)
# Parsed roots that are kept: the current one of each workspace that a process serves,
# and the few that an audit goes through.
_MAX_PARSED: Final = 32


@dataclass(frozen=True, slots=True)
class TrustedRoot:
    """The parts of Sigstore instances.

    Attributes:
        logs: The transparency logs.
        authorities: The timestamp authorities.
        certificate_authorities: Who issues certificates.
        ct_logs: The logs of certificates.

    A part that is listed twice was in use in two windows.

    Raises:
        TrustedRootFormatError: Two logs of one id, which have different keys.
    """

    logs: tuple[TransparencyLog, ...]
    authorities: tuple[TimestampAuthority, ...]
    certificate_authorities: tuple[CertificateAuthority, ...] = ()
    ct_logs: tuple[CtLog, ...] = ()

    def __post_init__(self) -> None:
        for logs in (self.logs, self.ct_logs):
            keys = {(log.log_id, log.key) for log in logs}
            if len(keys) != len({log.log_id for log in logs}):
                raise TrustedRootFormatError(
                    "trusted root: expected one key for each log, got two of one id"
                )

    def log(self, log_id: bytes) -> TransparencyLog:
        """Return the log of that id.

        Raises:
            UnknownLogError: There is none; no other key is tried.
        """
        for log in self.logs:
            if log.log_id == log_id:
                return log
        raise UnknownLogError(
            f"expected a log of the trusted root, got {b64encode(log_id)}"
        )

    def windows(self, log_id: bytes) -> tuple[Window, ...]:
        """Return when the log of that id was in use."""
        return tuple(log.window for log in self.logs if log.log_id == log_id)

    @classmethod
    def parse(cls, data: bytes) -> "TrustedRoot":
        """Parse a TrustedRoot document; of equal bytes once.

        Raises:
            FormatError: Not one, or larger than any.

        Source: sigstore protobuf-specs, sigstore_trustroot.proto, versions 0.1 and
        0.2.
        """
        return _parse(data)


@lru_cache(_MAX_PARSED)
def _parse(data: bytes) -> TrustedRoot:
    what = "trusted root"
    value = loads_json(data, max_bytes=MAX_TRUSTED_ROOT_BYTES, what=what)
    fields = ProtoFields(value, what)
    fields.one_of("mediaType", MEDIA_TYPES)
    # A field that is not known lists parts of a kind that nobody here verifies with.
    return TrustedRoot(
        logs=read_logs(fields, "tlogs", TransparencyLog),
        authorities=read_authorities(
            fields, "timestampAuthorities", TimestampAuthority
        ),
        certificate_authorities=read_authorities(
            fields, "certificateAuthorities", CertificateAuthority
        ),
        ct_logs=read_logs(fields, "ctlogs", CtLog),
    )


def build_trusted_root(
    *,
    logs: Sequence[tuple[str, PublicKey, datetime]],
    authorities: Sequence[tuple[str, Sequence[bytes], datetime]],
    certificate_authorities: Sequence[tuple[str, Sequence[bytes], datetime]] = (),
    ct_logs: Sequence[tuple[str, PublicKey, datetime]] = (),
) -> bytes:
    """Build a TrustedRoot document and parse it again before it leaves.

    Args:
        logs: Base URL, key, and start of each log.
        authorities: URI, certificates (DER, leaf to root), and start of each timestamp
            authority.
        certificate_authorities: The same of each CA, its own certificate first.
        ct_logs: Base URL, key, and start of each log of certificates.

    Raises:
        FormatError: What cannot be read again.
    """
    document = {
        "mediaType": MEDIA_TYPES[0],
        "tlogs": [
            _log_json(url, key, start, full_key_hash(host_of(url), key))
            for url, key, start in logs
        ],
        "certificateAuthorities": [
            _authority_json(uri, chain, start, "certificate authority")
            for uri, chain, start in certificate_authorities
        ],
        "ctlogs": [
            _log_json(url, key, start, Digest.of(key.spki).raw)
            for url, key, start in ct_logs
        ],
        "timestampAuthorities": [
            _authority_json(uri, chain, start, "timestamp authority")
            for uri, chain, start in authorities
        ],
    }
    data = dumps_json(document)
    root = TrustedRoot.parse(data)
    if (len(root.logs), len(root.ct_logs)) != (len(logs), len(ct_logs)):
        raise TrustedRootFormatError("trusted root: expected logs with usable keys")
    return data


def _log_json(
    base_url: str, key: PublicKey, start: datetime, log_id: bytes
) -> dict[str, Any]:
    return {
        "baseUrl": base_url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": b64encode(key.spki),
            "keyDetails": key.details,
            "validFor": {"start": format_instant(start)},
        },
        "logId": {"keyId": b64encode(log_id)},
    }


def _authority_json(
    uri: str, chain: Sequence[bytes], start: datetime, what: str
) -> dict[str, Any]:
    return {
        "subject": {"organization": "TruStacks", "commonName": what},
        "uri": uri,
        "certChain": {"certificates": [{"rawBytes": b64encode(c)} for c in chain]},
        "validFor": {"start": format_instant(start)},
    }
