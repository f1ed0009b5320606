# SPDX-License-Identifier: Apache-2.0
"""Every bound of the embedded Sigstore instance: a number, its unit, and why."""

from datetime import timedelta
from typing import Final

# An identity token is used at once; a slow pipeline signs a few times with one.
TOKEN_LIFE: Final = timedelta(minutes=5)
# Fulcio's own: long enough for a timestamp and a log entry, too short to be stolen.
CERTIFICATE_LIFE: Final = timedelta(minutes=10)
# A browser takes a code from one page to the next; out of band somebody types it.
CODE_LIFE: Final = timedelta(minutes=5)
# RFC 8628 §3.5: somebody fetches a second device and logs in there.
DEVICE_LIFE: Final = timedelta(minutes=10)
# Seconds between two polls of a device (RFC 8628 §3.2: 5 if nothing is said).
DEVICE_INTERVAL_S: Final = 5
# Logins that are open at once: each is a few hundred bytes. Beginning one by device
# needs no token, so that this is what a stranger can make the server keep.
MAX_GRANTS: Final = 1000
# Characters of an identity token; ours have about 700.
MAX_TOKEN_CHARS: Final = 4096
# Characters of a value that a client chooses: state, nonce, verifier (RFC 7636: 128).
MAX_VALUE_CHARS: Final = 512
# Bytes of a form: a dozen values, percent-encoded.
MAX_FORM_BYTES: Final = 16 * 1024
# Bytes of a request for a certificate: a CSR of P-256 in PEM in base64 is under 1 KiB.
MAX_CERTIFICATE_REQUEST_BYTES: Final = 16 * 1024
# Bytes of a request for a log entry: the leaf has 65,535 at most (C2SP tlog-tiles).
MAX_ENTRY_REQUEST_BYTES: Final = 96 * 1024
# Bytes of an ECDSA P-256 signature in DER: two integers of 33 bytes and their heads.
MAX_SIGNATURE_BYTES: Final = 72
# Bits of a certificate's number. RFC 5280 §4.1.2.2 allows 20 octets, positive.
SERIAL_BITS: Final = 159
