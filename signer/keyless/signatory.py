# SPDX-License-Identifier: Apache-2.0
"""The seam of who signs with a certificate, so that nobody loads ``sigstore`` to wait.

``signer.keyless.sign.KeylessSigner`` is the one that does.
"""

from typing import Protocol

from keys.digest import Digest
from signer.certificate.leaf import Leaf
from signer.keyless.witnesses import Witnesses


class CertifiedSigner(Protocol):
    """Signs as the subject of a certificate that lives for minutes.

    Duties: ``leaf`` is what the next signature is made with, and always of one subject;
    what the two others return was verified.
    """

    @property
    def leaf(self) -> Leaf:
        """The certificate to sign with now."""

    def sign_file(self, head: bytes, digest: Digest, witnesses: Witnesses) -> bytes:
        """Return the bundle of a file that begins with ``head``."""

    def sign_statement(self, statement: bytes, witnesses: Witnesses) -> bytes:
        """Return the bundle of a statement."""
