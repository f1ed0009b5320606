# SPDX-License-Identifier: Apache-2.0
"""What a leaf of the log says by itself: which bytes were signed, and by which key.

A leaf is a function of those three values (``signer.tlog.entry``), so reading one ends
by building it again and comparing: nothing in a leaf goes unread.
"""

from dataclasses import dataclass
from typing import Final

from keys.digest import Digest
from keys.fields import Fields
from keys.public import PublicKey
from keys.strict import b64decode, loads_json
from signer.tlog.entry import hashedrekord_body
from signer.tlog.errors import LogEntryFormatError
from signer.tlog.limits import MAX_ENTRY_BYTES

_WHAT: Final = "log entry"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry of the log.

    Attributes:
        digest: SHA-256 of the signed bytes (the DSSE PAE).
        signature: The signature.
        key: The key that it verifies with.
    """

    digest: Digest
    signature: bytes
    key: PublicKey


def read_leaf(body: bytes) -> Leaf:
    """Read the body of a log entry.

    Raises:
        LogEntryFormatError: It is not the one form of a leaf.
        FormatError: It is not even a document.
    """
    fields = Fields(loads_json(body, max_bytes=MAX_ENTRY_BYTES, what=_WHAT), _WHAT)
    record = fields.object("spec").object("hashedRekordV002")
    signature = record.object("signature")
    key = signature.object("verifier").object("publicKey")
    leaf = Leaf(
        digest=Digest(b64decode(record.object("data").text("digest")).hex()),
        signature=b64decode(signature.text("content")),
        key=PublicKey(b64decode(key.text("rawBytes"))),
    )
    built = hashedrekord_body(
        digest=leaf.digest, signature=leaf.signature, key=leaf.key
    )
    if built != body:
        raise LogEntryFormatError(
            "expected the canonical hashedrekord 0.0.2 of its own values, got another"
        )
    return leaf
