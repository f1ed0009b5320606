# SPDX-License-Identifier: Apache-2.0
"""Read the parts of a TrustedRoot document, in protobuf's JSON form.

A part that this version cannot use is left out, so that a public trusted root can be
read: a key of another kind, another hash, or a field that is not known, which might say
that the part is trusted for less. Nothing can be verified with a part that was left
out. What is out of form refuses the root.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from keys.digest import Digest
from keys.errors import KeyFormatError
from keys.fields import Fields
from keys.foreign import foreign_key
from keys.public import MAX_KEY_BYTES
from signer.errors import TrustedRootFormatError
from signer.limits import (
    MAX_CERTIFICATE_BYTES,
    MAX_CHAIN_CERTIFICATES,
    MAX_TRUSTED_PARTS,
)
from signer.protojson import ProtoFields
from signer.trusted_parts import Authority, CtLog, Log, Window

A = TypeVar("A", bound=Authority)
L = TypeVar("L", bound=Log)

_LOG_ID_BYTES: Final = 32
_HASH: Final = "SHA2_256"
# RFC 3339 §5.6; protobuf writes UTC and 0, 3, 6 or 9 digits, and reads any offset.
_INSTANT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})"
)
# sigstore_common.proto: the period in which a key is valid is optional.
_ALWAYS: Final = Window(datetime.min.replace(tzinfo=UTC))


def read_logs(fields: ProtoFields, name: str, kind: type[L]) -> tuple[L, ...]:
    """Read the logs that a field lists, without those that cannot be used.

    Raises:
        FormatError: Out of form.
    """
    found = (_log(one, kind) for one in _parts(fields, name))
    return tuple(log for log in found if log is not None)


def read_authorities(fields: ProtoFields, name: str, kind: type[A]) -> tuple[A, ...]:
    """Read the authorities that a field lists, without those that cannot be used.

    Raises:
        FormatError: Out of form.
    """
    found = (_authority(one, kind) for one in _parts(fields, name))
    return tuple(authority for authority in found if authority is not None)


def _parts(fields: ProtoFields, name: str) -> list[ProtoFields]:
    if not fields.has(name):
        return []
    return fields.objects(name, max_items=MAX_TRUSTED_PARTS)


def _log(fields: ProtoFields, kind: type[L]) -> L | None:
    key = fields.object("publicKey")
    log_id = fields.object("logId")
    base_url = fields.text("baseUrl")
    hashed = fields.text("hashAlgorithm") if fields.has("hashAlgorithm") else _HASH
    operator = _optional_text(fields, "operator")
    _skip(fields, "checkpointKeyId")
    der = key.base64("rawBytes", max_bytes=MAX_KEY_BYTES)
    _skip(key, "keyDetails")
    window = _window_of(key)
    raw_id = log_id.base64("keyId", max_bytes=_LOG_ID_BYTES)
    if hashed != _HASH or any(part.unread() for part in (key, log_id, fields)):
        return None
    if issubclass(kind, CtLog):
        raw_id = Digest.of(der).raw  # RFC 6962 §3.2, whatever the root says
    try:
        return kind(base_url, foreign_key(der), raw_id, window, operator)
    except KeyFormatError:
        return None


def _authority(fields: ProtoFields, kind: type[A]) -> A | None:
    chain = fields.object("certChain")
    found = chain.objects("certificates", max_items=MAX_CHAIN_CERTIFICATES)
    _skip(fields, "subject")
    authority = kind(
        uri=_optional_text(fields, "uri"),
        chain=tuple(
            one.base64("rawBytes", max_bytes=MAX_CERTIFICATE_BYTES) for one in found
        ),
        window=_window_of(fields),
        operator=_optional_text(fields, "operator"),
    )
    if not authority.chain:
        raise TrustedRootFormatError(f"{fields.where}: expected certificates, got none")
    usable = [_has_usable_key(der) for der in authority.chain]
    if not all(usable) or any(part.unread() for part in (chain, *found, fields)):
        return None
    return authority


def _has_usable_key(der: bytes) -> bool:
    try:
        x509.load_der_x509_certificate(der).public_key()
    except UnsupportedAlgorithm:
        return False
    except (ValueError, x509.InvalidVersion) as error:
        raise TrustedRootFormatError(
            "trusted root: expected a DER certificate, got another"
        ) from error
    return True


def _window_of(fields: ProtoFields) -> Window:
    if not fields.has("validFor"):
        return _ALWAYS
    return read_window(fields.object("validFor"))


def read_window(fields: Fields) -> Window:
    """Read a ``TimeRange``: from when, and perhaps until when.

    Raises:
        FormatError: Out of form.
    """
    has_end = fields.has("end") and not fields.is_null("end")
    end = _instant(fields, "end") if has_end else None
    window = Window(_instant(fields, "start"), end)
    fields.done()
    return window


def _instant(fields: Fields, name: str) -> datetime:
    text = fields.text(name)
    refusal = TrustedRootFormatError(
        f"{fields.where}.{name}: expected an instant (RFC 3339), got {text[:40]!r}"
    )
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise refusal
    microseconds = int((found[2] or "").ljust(6, "0")[:6])
    try:
        whole = datetime.fromisoformat(found[1] + found[3]).astimezone(UTC)
        return whole + timedelta(microseconds=microseconds)
    except (ValueError, OverflowError) as error:
        raise refusal from error


def _optional_text(fields: ProtoFields, name: str) -> str:
    return fields.text(name, empty=True) if fields.has(name) else ""


def _skip(fields: ProtoFields, *names: str) -> None:
    for name in names:
        if fields.has(name):
            fields.any(name)
