# SPDX-License-Identifier: Apache-2.0
"""Read the parts of a TrustedRoot document, in protobuf's JSON form.

A log whose key is of a kind that this version cannot use is left out, so that a public
trusted root can be read; nothing can be verified with a part that was left out.
"""

import re
from datetime import datetime, timedelta
from typing import Final, TypeVar

from keys.clock import parse_instant
from keys.errors import KeyFormatError, TrustacksError
from keys.fields import Fields
from keys.foreign import foreign_key
from keys.public import MAX_KEY_BYTES
from signer.errors import TrustedRootFormatError
from signer.limits import (
    MAX_CERTIFICATE_BYTES,
    MAX_CHAIN_CERTIFICATES,
    MAX_TRUSTED_PARTS,
)
from signer.trusted_parts import Authority, Log, Window, certificate_key_id

A = TypeVar("A", bound=Authority)
L = TypeVar("L", bound=Log)

_LOG_ID_BYTES: Final = 32
# protobuf writes 0, 3, 6 or 9 digits; a datetime holds 6.
_FRACTION: Final = re.compile(r"\.([0-9]{1,9})Z\Z")


def read_logs(fields: Fields, name: str, kind: type[L]) -> tuple[L, ...]:
    """Read the logs that a field lists, without those of unusable keys.

    Raises:
        FormatError: Out of form.
    """
    found = (_log(one, kind) for one in _parts(fields, name))
    return tuple(log for log in found if log is not None)


def read_authorities(fields: Fields, name: str, kind: type[A]) -> tuple[A, ...]:
    """Read the authorities that a field lists.

    Raises:
        FormatError: Out of form.
    """
    return tuple(_authority(one, kind) for one in _parts(fields, name))


# protobuf's JSON leaves out what is empty, and some writers say null instead.


def _has(fields: Fields, name: str) -> bool:
    return fields.has(name) and not fields.is_null(name)


def _parts(fields: Fields, name: str) -> list[Fields]:
    if not _has(fields, name):
        return []
    return fields.objects(name, max_items=MAX_TRUSTED_PARTS)


def _log(fields: Fields, kind: type[L]) -> L | None:
    key = fields.object("publicKey")
    log_id = fields.object("logId")
    base_url = fields.text("baseUrl")
    fields.constant("hashAlgorithm", "SHA2_256")
    operator = _optional_text(fields, "operator")
    _skip(fields, "checkpointKeyId")
    der = key.base64("rawBytes", max_bytes=MAX_KEY_BYTES)
    key.text("keyDetails")
    window = _window(key.object("validFor"))
    raw_id = log_id.base64("keyId", max_bytes=_LOG_ID_BYTES)
    for part in (key, log_id, fields):
        part.done()
    try:
        return kind(base_url, foreign_key(der), raw_id, window, operator)
    except KeyFormatError:
        return None


def _authority(fields: Fields, kind: type[A]) -> A:
    chain = fields.object("certChain")
    found = chain.objects("certificates", max_items=MAX_CHAIN_CERTIFICATES)
    chain.done()
    _skip(fields, "subject")
    authority = kind(
        uri=_optional_text(fields, "uri"),
        chain=tuple(_certificate(one) for one in found),
        window=_window(fields.object("validFor")),
        operator=_optional_text(fields, "operator"),
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


def _window(fields: Fields) -> Window:
    end = _instant(fields, "end") if _has(fields, "end") else None
    window = Window(_instant(fields, "start"), end)
    fields.done()
    return window


def _instant(fields: Fields, name: str) -> datetime:
    text = fields.text(name)
    found = _FRACTION.search(text)
    microseconds = int(found[1].ljust(6, "0")[:6]) if found else 0
    try:
        whole = parse_instant(_FRACTION.sub("Z", text))
    except TrustacksError as error:
        raise TrustedRootFormatError(f"{fields.where}: {error.message}") from error
    return whole + timedelta(microseconds=microseconds)


def _optional_text(fields: Fields, name: str) -> str:
    return fields.text(name, empty=True) if _has(fields, name) else ""


def _skip(fields: Fields, *names: str) -> None:
    for name in names:
        if fields.has(name):
            fields.any(name)
