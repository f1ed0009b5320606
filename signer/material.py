# SPDX-License-Identifier: Apache-2.0
"""What stands beside a signature in anybody's Sigstore bundle; only shapes are read.

As in ``signer.tlog.foreign``, absent, null and empty are the same.
"""

from collections.abc import Hashable

from keys.fields import Fields
from signer.errors import SigstoreBundleFormatError
from signer.limits import (
    MAX_CERTIFICATE_BYTES,
    MAX_FOREIGN_WITNESSES,
    MAX_TOKEN_BYTES,
)
from signer.protojson import ProtoFields
from signer.tlog.entry import LogEntry
from signer.tlog.foreign import parse_foreign_entry


def read_timestamps(material: ProtoFields) -> tuple[bytes, ...]:
    """Read the RFC 3161 responses, DER.

    Raises:
        FormatError: Out of form, or more or larger than a bound.
    """
    if not material.has("timestampVerificationData"):
        return ()
    data = material.object("timestampVerificationData")
    found: list[ProtoFields] = []
    if data.has("rfc3161Timestamps"):
        found = data.objects("rfc3161Timestamps", max_items=MAX_FOREIGN_WITNESSES)
    data.done()
    tokens = tuple([_token(one) for one in found])
    if len(tokens) > 1:
        _require_once(tokens, f"{data.where}.rfc3161Timestamps")
    return tokens


def read_entries(material: ProtoFields) -> tuple[LogEntry, ...]:
    """Read the log entries.

    Raises:
        FormatError: Out of form, one entry twice, or more or larger than a bound.
    """
    if not material.has("tlogEntries"):
        return ()
    found = material.objects("tlogEntries", max_items=MAX_FOREIGN_WITNESSES)
    entries = tuple(parse_foreign_entry(entry) for entry in found)
    if len(entries) > 1:
        _require_once(entries, f"{material.where}.tlogEntries")
    return entries


def _require_once(found: tuple[Hashable, ...], where: str) -> None:
    """Refuse two copies, as other clients do; no threshold counts one twice."""
    if len(set(found)) != len(found):
        raise SigstoreBundleFormatError(f"{where}: expected each once, got one twice")


def read_certificate(fields: Fields) -> bytes:
    """Read an ``X509Certificate``, DER.

    Raises:
        FormatError: Out of form, or larger than a bound.
    """
    der = fields.base64("rawBytes", max_bytes=MAX_CERTIFICATE_BYTES)
    fields.done()
    return der


def _token(fields: ProtoFields) -> bytes:
    token = fields.base64("signedTimestamp", max_bytes=MAX_TOKEN_BYTES)
    fields.done()
    return token
