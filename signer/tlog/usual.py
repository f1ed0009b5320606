# SPDX-License-Identifier: Apache-2.0
"""The bytes that Rekor v1 writes for a signature: RFC 8785, PEM in lines of 64.

Nearly every body is equal to these, and comparing bytes takes a tenth of reading JSON.
A body that is not equal is read field by field by ``signer.tlog.bodies``, which decides
whether it says the same in another way; what is equal here is accepted there.
"""

import re
from typing import Final

from keys.digest import Digest
from keys.strict import b64encode
from signer.signed import Signed, Verifier

_SHA256: Final = re.compile(rb"[0-9a-f]{64}")
_DSSE: Final = (
    b'{"apiVersion":"0.0.1","kind":"dsse","spec":'
    b'{"envelopeHash":{"algorithm":"sha256","value":"'
)


def is_usual_rekord(body: bytes, signed: Signed, verifier: Verifier) -> bool:
    """Return whether a body is the usual ``hashedrekord`` 0.0.1 about a signature."""
    usual = (
        '{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"data":{"hash":'
        f'{{"algorithm":"sha256","value":"{signed.sha256.hex}"}}}},'
        f'"signature":{{"content":"{b64encode(signed.signature)}",'
        f'"publicKey":{{"content":"{verifier.pem_text}"}}}}}}}}'
    )
    return signed.payload is None and body == usual.encode()


def is_usual_dsse(body: bytes, signed: Signed, verifier: Verifier) -> bool:
    """Return whether a body is the usual ``dsse`` 0.0.1 about a signature.

    The hash of the envelope as it was uploaded may be any.
    """
    if signed.payload is None:
        return False
    said = (
        '"},"payloadHash":{"algorithm":"sha256","value":"'
        f'{Digest.of(signed.payload).hex}"}},"signatures":[{{"signature":'
        f'"{b64encode(signed.signature)}","verifier":"{verifier.pem_text}"}}]}}}}'
    ).encode()
    return (
        body.startswith(_DSSE)
        and body.endswith(said)
        and _SHA256.fullmatch(body, len(_DSSE), len(body) - len(said)) is not None
    )
