# SPDX-License-Identifier: Apache-2.0
"""Sign a statement: envelope, then timestamp, then log entry, in that order.

The timestamp comes first, so that the log cannot say when; the entry second, so that
what is logged is complete. Nothing leaves that this module could not read back. It
signs statements and nothing else: not bytes, not a nonce, not a digest (DESIGN T9).
"""

from collections.abc import Callable
from typing import Protocol

from keys.errors import UnsafeConfigurationError
from keys.public import ECDSA_P256, PublicKey
from keys.signing import SigningKey
from signer.attestation import Attestation, build_attestation, parse_attestation
from signer.dsse import IN_TOTO, Envelope, pae
from signer.errors import NotLoggedError
from signer.statement import parse_statement
from signer.tlog.entry import hashedrekord_body


class Notary(Protocol):
    """The two witnesses of a signature.

    Duties: ``timestamp`` asks with a nonce of its own and checks the answer's; ``log``
    returns only when the entry is durable, and changes nothing but the entry.
    """

    def timestamp(self, signature: bytes) -> bytes:
        """Return an RFC 3161 response over the signature, DER."""

    def log(self, attestation: bytes) -> bytes:
        """Return the attestation with its log entry."""


def sign_statement(statement: bytes, *, key: SigningKey) -> Envelope:
    """Sign a statement, and verify the signature before it leaves.

    Raises:
        StatementFormatError: Not a statement.
        UnsafeConfigurationError: A key other than ECDSA P-256 (DESIGN 3.1).
        SignatureInvalidError: The key's halves do not match.
        KeyProviderError: The key cannot be used now.
    """
    parse_statement(statement)
    return sign_foreign(statement, key=key)


def sign_foreign(statement: bytes, *, key: SigningKey) -> Envelope:
    """Sign anybody's statement, which the caller built or read, and verify it.

    Raises:
        UnsafeConfigurationError: A key other than ECDSA P-256 (DESIGN 3.1).
        SignatureInvalidError: The key's halves do not match.
        KeyProviderError: The key cannot be used now.
    """
    public = key.public_key
    if public.details != ECDSA_P256:
        raise UnsafeConfigurationError(
            f"expected an ECDSA P-256 key, got {public.details}",
            hint="Rekor v2 takes no plain Ed25519",
        )
    signature = key.sign(pae(IN_TOTO, statement))
    # No keyid: cosign passes over a signature whose keyid is not the key's fingerprint
    # in SSH's form, and would find none. The bundle's hint says which key it is.
    envelope = Envelope(IN_TOTO, statement, "", signature)
    envelope.require_signed_by(public)
    return envelope


def attest_bare(statement: bytes, *, key: SigningKey) -> bytes:
    """Sign a statement without witnesses, as a layer's publisher does.

    Raises:
        TrustacksError: As ``sign_statement``.
    """
    envelope = sign_statement(statement, key=key)
    return build_attestation(envelope=envelope, key=key.public_key)


def attest_pending(
    statement: bytes, *, key: SigningKey, timestamp: Callable[[bytes], bytes]
) -> bytes:
    """Sign and timestamp a statement that is still to be logged.

    Args:
        statement: As ``signer.statement.build_statement`` makes it.
        key: ECDSA P-256.
        timestamp: As a notary's.

    Raises:
        TrustacksError: As ``sign_statement``, or what ``timestamp`` says.
    """
    envelope = sign_statement(statement, key=key)
    token = timestamp(envelope.signature)
    return build_attestation(envelope=envelope, key=key.public_key, timestamps=[token])


def attest(statement: bytes, *, key: SigningKey, notary: Notary) -> bytes:
    """Sign, timestamp and log a statement.

    Returns:
        The completed attestation. After a lost answer it may carry the signature that
        the log took first: of this statement, by this key, all the same.

    Raises:
        NotLoggedError: The log gave back another statement or signer, no timestamp, or
            no entry about the signature.
        SignatureInvalidError: It gave back a signature that the key never made.
        TrustacksError: As ``sign_statement``, or what the notary says.
    """
    pending = attest_pending(statement, key=key, timestamp=notary.timestamp)
    completed = notary.log(pending)
    _require_completed(parse_attestation(completed), statement, key.public_key)
    return completed


def _require_completed(
    completed: Attestation, statement: bytes, key: PublicKey
) -> None:
    envelope = completed.envelope
    got = (envelope.payload_type, envelope.payload, completed.hint)
    if got != (IN_TOTO, statement, key.hint) or not completed.timestamps:
        raise NotLoggedError("expected the statement that was sent, got another")
    envelope.require_signed_by(key)
    body = hashedrekord_body(
        digest=envelope.digest, signature=envelope.signature, key=key
    )
    if not any(entry.body == body for entry in completed.entries):
        raise NotLoggedError("expected a log entry about this signature, got none")
