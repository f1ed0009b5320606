# SPDX-License-Identifier: Apache-2.0
"""The log of certificates: what the CA is about to sign is in it before it is signed.

Order, for each certificate: (1) its leaf is in the log, durably, with the checkpoint
that includes it; (2) its timestamp is signed; (3) it leaves, into a certificate. A
crash behind (1) leaves a leaf of a certificate that nobody has, which says nothing
wrong; before (1) there is no timestamp. So no certificate is anywhere whose leaf is not
here, and whoever audits the CA reads all that it was ever asked for.

Leaves are those of RFC 6962 §3.4, tiles those of C2SP tlog-tiles. The log's key signs
timestamps and checkpoints, as one of RFC 6962 signs timestamps and tree heads.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

from bundle.storage.interface import Storage
from control_plane.log import Log
from keys.errors import NotFoundError
from keys.signing import SigningKey
from signer.certificate.sct_form import digitally_signed, encode_sct, merkle_tree_leaf


class CtLog:
    """An append-only log of certificates.

    Args:
        storage: Its bytes.
        origin: Its name, in checkpoints.
        key: ECDSA P-256, of no other purpose.
        alone: Keeps writers of other processes out.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        origin: str,
        key: SigningKey,
        alone: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._key = key
        try:
            storage.get("log/checkpoint", max_bytes=2**17)
            self.log = Log(storage, origin=origin, key=key, alone=alone)
        except NotFoundError:
            self.log = Log.create(storage, origin=origin, key=key, alone=alone)
        self.log_id = self.log.log_id

    def add(self, tbs: bytes, *, issuer_key_hash: bytes, at: datetime) -> bytes:
        """Log what is about to be signed; return the log's timestamp over it.

        Args:
            tbs: The certificate without a timestamp.
            issuer_key_hash: SHA-256 of the issuing CA's SPKI.
            at: Now.

        Raises:
            StorageError: It may be in the log, and has no timestamp.
            KeyProviderError: The same.
        """
        self.log.append(
            [merkle_tree_leaf(at=at, issuer_key_hash=issuer_key_hash, tbs=tbs)]
        )
        signed = digitally_signed(at=at, issuer_key_hash=issuer_key_hash, tbs=tbs)
        return encode_sct(log_id=self.log_id, at=at, signature=self._key.sign(signed))
