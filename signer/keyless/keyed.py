# SPDX-License-Identifier: Apache-2.0
"""Sign a file or a statement with a key, before an instance's witnesses or without.

The same order as with a certificate: signature, timestamps, log entry, and what comes
out is verified by ``signer.verify_bundle`` before it is released.
"""

from dataclasses import dataclass

from keys.digest import Digest
from keys.signing import SigningKey
from signer.foreign_statement import require_about
from signer.keyless.bundle import build_bundle
from signer.keyless.file import HEAD_BYTES, require_plain
from signer.keyless.rekor import Proposal
from signer.keyless.witnesses import Witnesses
from signer.sign import sign_foreign
from signer.signed import Signed, Verifier
from signer.signer_policy import KeyPolicy
from signer.tlog.entry import LogEntry
from signer.trusted_root import TrustedRoot
from signer.verify_bundle import verify_bundle

_NO_ROOT = TrustedRoot((), ())


@dataclass(frozen=True, slots=True)
class KeyedSigner:
    """Signs with a key, for any verifier of Sigstore bundles.

    Attributes:
        key: ECDSA P-256.
        witnesses: Who sees the signature; nobody if there are none.
        trusted_root: Who counts when the result is verified.
    """

    key: SigningKey
    witnesses: Witnesses | None = None
    trusted_root: TrustedRoot = _NO_ROOT

    def sign_file(self, data: bytes) -> bytes:
        """Return the bundle of a file, verified.

        Raises:
            FileAmbiguousError: Its signature would be that of something else.
            TrustacksError: What the key, the witnesses or the verifier say.
        """
        require_plain(data[:HEAD_BYTES], keyed=True)
        digest = Digest.of(data)
        signature = self.key.sign(data)
        signed = Signed(signature, digest, data)
        return self._finish(Proposal(signed, Verifier(self.key.public_key)), digest)

    def sign_statement(self, statement: bytes) -> bytes:
        """Return the bundle of a statement, verified.

        Raises:
            StatementFormatError: Not a statement, or about nothing.
            TrustacksError: What the key, the witnesses or the verifier say.
        """
        about = require_about(statement)
        envelope = sign_foreign(statement, key=self.key)
        signed = Signed(envelope.signature, envelope.digest, envelope.pae, statement)
        proposal = Proposal(signed, Verifier(self.key.public_key), envelope)
        return self._finish(proposal, about)

    def _finish(self, proposal: Proposal, about: Digest) -> bytes:
        tokens: tuple[bytes, ...] = ()
        entries: tuple[LogEntry, ...] = ()
        if self.witnesses is not None:
            tokens = self.witnesses.stamp(proposal.signed.signature)
            entries = (self.witnesses.log(proposal, tokens),)
        raw = build_bundle(proposal, tokens, entries)
        policy = KeyPolicy(
            key=self.key.public_key,
            logs=len(entries),
            authorities=1 if tokens else 0,
        )
        verify_bundle(
            raw, artifact=about, trusted_root=self.trusted_root, policy=policy
        ).require()
        return raw
