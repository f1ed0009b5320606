# SPDX-License-Identifier: Apache-2.0
"""Sigstore's TrustedRoot: which logs and timestamp authorities there are, and when.

It says who they are, not whether their word counts: custody is the trust policy's. A
part of a kind that this version cannot use is left out, so that a public trusted root
can be read; nothing can be verified with a part that was left out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from urllib.parse import urlsplit

from keys.clock import format_instant
from keys.errors import KeyFormatError
from keys.fields import Fields
from keys.public import ECDSA_P256, ED25519, MAX_KEY_BYTES, PublicKey
from keys.strict import b64encode, dumps_json, loads_json
from signer.errors import TrustedRootFormatError, UnknownLogError
from signer.limits import (
    MAX_CERTIFICATE_BYTES,
    MAX_CHAIN_CERTIFICATES,
    MAX_TRUSTED_PARTS,
    MAX_TRUSTED_ROOT_BYTES,
)
from signer.tlog.note import full_key_hash
from signer.trusted_parts import (
    TimestampAuthority,
    TransparencyLog,
    Window,
    certificate_key_id,
)

__all__ = [
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
_LOG_ID_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class TrustedRoot:
    """The parts of a Sigstore instance.

    Attributes:
        logs: Its transparency logs.
        authorities: Its timestamp authorities.

    Raises:
        TrustedRootFormatError: Two logs of one id, or one authority twice.
    """

    logs: tuple[TransparencyLog, ...]
    authorities: tuple[TimestampAuthority, ...]

    def __post_init__(self) -> None:
        ids = {log.log_id for log in self.logs}
        leaves = {authority.digest for authority in self.authorities}
        if len(ids) != len(self.logs) or len(leaves) != len(self.authorities):
            raise TrustedRootFormatError(
                "trusted root: expected every log and authority once, got one twice"
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

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse a TrustedRoot document.

        Raises:
            FormatError: Not one, or larger than any.

        Source: sigstore protobuf-specs, sigstore_trustroot.proto, versions 0.1 and
        0.2. Certificate authorities and CT logs are read by nobody yet.
        """
        what = "trusted root"
        value = loads_json(data, max_bytes=MAX_TRUSTED_ROOT_BYTES, what=what)
        fields = Fields(value, what)
        fields.one_of("mediaType", MEDIA_TYPES)
        for unread in ("certificateAuthorities", "ctlogs"):
            _parts(fields, unread)
        root = cls(
            tuple(_usable(map(_log, _parts(fields, "tlogs")))),
            tuple(map(_authority, _parts(fields, "timestampAuthorities"))),
        )
        fields.done()
        return root


def build_trusted_root(
    *,
    logs: Sequence[tuple[str, PublicKey, datetime]],
    authorities: Sequence[tuple[str, Sequence[bytes], datetime]],
) -> bytes:
    """Build a TrustedRoot document and parse it again before it leaves.

    Args:
        logs: Base URL, key, and start of each log.
        authorities: URI, certificates (DER, leaf to root), and start of each authority.

    Raises:
        FormatError: What cannot be read again.
    """
    document = {
        "mediaType": MEDIA_TYPES[0],
        "tlogs": [_log_json(url, key, start) for url, key, start in logs],
        "certificateAuthorities": [],
        "ctlogs": [],
        "timestampAuthorities": [
            _authority_json(uri, chain, start) for uri, chain, start in authorities
        ],
    }
    data = dumps_json(document)
    if len(TrustedRoot.parse(data).logs) != len(logs):
        raise TrustedRootFormatError("trusted root: expected logs with usable keys")
    return data


def _parts(fields: Fields, name: str) -> list[Fields]:
    # protobuf's JSON leaves out what is empty.
    if not fields.has(name):
        return []
    return fields.objects(name, max_items=MAX_TRUSTED_PARTS)


def _usable(logs: Iterable[TransparencyLog | None]) -> Iterable[TransparencyLog]:
    return (log for log in logs if log is not None)


def _log(fields: Fields) -> TransparencyLog | None:
    key = fields.object("publicKey")
    log_id = fields.object("logId")
    base_url = fields.text("baseUrl")
    fields.constant("hashAlgorithm", "SHA2_256")
    _skip(fields, "checkpointKeyId", "operator")
    der = key.base64("rawBytes", max_bytes=MAX_KEY_BYTES)
    key.text("keyDetails")
    window = Window.parse(key.object("validFor"))
    raw_id = log_id.base64("keyId", max_bytes=_LOG_ID_BYTES)
    for part in (key, log_id, fields):
        part.done()
    try:
        public = PublicKey(der)
    except KeyFormatError:
        return None
    if public.details not in (ECDSA_P256, ED25519):
        return None  # a log that this version cannot check
    return TransparencyLog(base_url, public, raw_id, window)


def _authority(fields: Fields) -> TimestampAuthority:
    chain = fields.object("certChain")
    found = chain.objects("certificates", max_items=MAX_CHAIN_CERTIFICATES)
    chain.done()
    _skip(fields, "subject", "operator")
    authority = TimestampAuthority(
        uri=fields.text("uri"),
        chain=tuple(_certificate(one) for one in found),
        window=Window.parse(fields.object("validFor")),
    )
    fields.done()
    if not authority.chain:
        raise TrustedRootFormatError(f"{fields.where}: expected certificates, got none")
    return authority


def _certificate(fields: Fields) -> bytes:
    der = fields.base64("rawBytes", max_bytes=MAX_CERTIFICATE_BYTES)
    fields.done()
    certificate_key_id(der)
    return der


def _skip(fields: Fields, *names: str) -> None:
    for name in names:
        if fields.has(name):
            fields.any(name)


def _log_json(base_url: str, key: PublicKey, start: datetime) -> dict[str, Any]:
    log_id = full_key_hash(urlsplit(base_url).netloc, key)
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
    uri: str, chain: Sequence[bytes], start: datetime
) -> dict[str, Any]:
    return {
        "subject": {"organization": "TruStacks", "commonName": "timestamp authority"},
        "uri": uri,
        "certChain": {"certificates": [{"rawBytes": b64encode(c)} for c in chain]},
        "validFor": {"start": format_instant(start)},
    }
