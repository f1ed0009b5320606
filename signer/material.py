# SPDX-License-Identifier: Apache-2.0
"""What stands beside a signature in anybody's Sigstore bundle; only shapes are read.

As in ``signer.tlog.foreign``, absent, null and empty are the same.
"""

from keys.fields import Fields
from signer.limits import (
    MAX_CERTIFICATE_BYTES,
    MAX_LOG_ENTRIES,
    MAX_TIMESTAMPS,
    MAX_TOKEN_BYTES,
)
from signer.tlog.entry import LogEntry
from signer.tlog.foreign import has_value, parse_foreign_entry


def read_timestamps(material: Fields) -> tuple[bytes, ...]:
    """Read the RFC 3161 responses, DER.

    Raises:
        FormatError: Out of form, or more or larger than a bound.
    """
    if not has_value(material, "timestampVerificationData"):
        return ()
    data = material.object("timestampVerificationData")
    found: list[Fields] = []
    if has_value(data, "rfc3161Timestamps"):
        found = data.objects("rfc3161Timestamps", max_items=MAX_TIMESTAMPS)
    data.done()
    return tuple(_token(one) for one in found)


def read_entries(material: Fields) -> tuple[LogEntry, ...]:
    """Read the log entries.

    Raises:
        FormatError: Out of form, or more or larger than a bound.
    """
    if not has_value(material, "tlogEntries"):
        return ()
    found = material.objects("tlogEntries", max_items=MAX_LOG_ENTRIES)
    return tuple(parse_foreign_entry(entry) for entry in found)


def read_certificate(fields: Fields) -> bytes:
    """Read an ``X509Certificate``, DER.

    Raises:
        FormatError: Out of form, or larger than a bound.
    """
    der = fields.base64("rawBytes", max_bytes=MAX_CERTIFICATE_BYTES)
    fields.done()
    return der


def _token(fields: Fields) -> bytes:
    """Read a token, whose base64 may have line breaks.

    base64(1) makes them, readers in Go pass over them, and no signature covers them.
    """
    text = fields.text("signedTimestamp", max_chars=2 * MAX_TOKEN_BYTES)
    fields.done()
    joined = Fields({"signedTimestamp": text.replace("\n", "")}, fields.where)
    return joined.base64("signedTimestamp", max_bytes=MAX_TOKEN_BYTES)
