# SPDX-License-Identifier: Apache-2.0
"""What comes into a workspace's log by Rekor's door, and whose it may be.

An entry holds nothing but a digest, a signature and who made it, so that what was
signed is not seen here. No stranger may fill the log: an entry is of a certificate of
this server's CA for somebody of the workspace, in its minutes, or of a key that is
registered in the workspace and in force.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from control_plane.sigstore.errors import (
    EntryRequestError,
    EntrySignatureError,
    EntrySignerError,
)
from control_plane.sigstore.limits import (
    MAX_ENTRY_REQUEST_BYTES,
    MAX_SIGNATURE_BYTES,
)
from keys.digest import Digest
from keys.errors import KeyFormatError, SignatureInvalidError, TrustacksError
from keys.fields import Fields
from keys.public import ECDSA_P256, MAX_KEY_BYTES, PublicKey
from keys.strict import loads_json
from signer.certificate.issued import require_authority_in_use, require_leaf_valid
from signer.certificate.leaf import Leaf, parse_leaf
from signer.limits import MAX_CERTIFICATE_BYTES
from signer.signers import certify
from signer.tlog.entry import HashedRekord
from signer.trust import Trust

_WHAT: Final = "log entry request"
_DIGEST_BYTES: Final = 32


def read_entry(data: bytes) -> HashedRekord:
    """Read the body of ``POST /api/v2/log/entries``, and check its signature.

    Raises:
        FormatError: Not a ``hashedRekordRequestV002`` of ECDSA P-256 with SHA-256.
        EntrySignatureError: The signature is not the key's, over that digest.

    Source: rekor-tiles, hashedrekord.proto and verifier.proto; protobuf's JSON.
    """
    value = loads_json(data, max_bytes=MAX_ENTRY_REQUEST_BYTES, what=_WHAT)
    fields = Fields(value, _WHAT)
    if not fields.has("hashedRekordRequestV002"):
        raise EntryRequestError(
            f"{_WHAT}: expected a hashedRekordRequestV002, got "
            f"{', '.join(fields.names())[:80] or 'nothing'}",
            hint="a DSSE envelope is logged as the digest of what it signs",
        )
    asked = fields.object("hashedRekordRequestV002")
    signature = asked.object("signature")
    verifier = signature.object("verifier")
    digest = asked.base64("digest", max_bytes=_DIGEST_BYTES)
    content = signature.base64("content", max_bytes=MAX_SIGNATURE_BYTES)
    key, certificate = _read_verifier(verifier)
    for part in (verifier, signature, asked, fields):
        part.done()
    if len(digest) != _DIGEST_BYTES:
        raise EntryRequestError(
            f"{asked.where}.digest: expected {_DIGEST_BYTES} bytes, got {len(digest)}"
        )
    try:
        key.verify_digest(content, digest)
    except SignatureInvalidError as error:
        raise EntrySignatureError(
            "expected a signature over the digest by the entry's key, got another"
        ) from error
    return HashedRekord(Digest(digest.hex()), content, key, certificate)


@dataclass(frozen=True, slots=True)
class Door:
    """Who may bring entries into one workspace's log.

    Attributes:
        trust: What is in force: whose keys are registered, which CAs are pinned.
        issuer: Of this server's people; empty if it has no Sigstore instance.
        authority: SHA-256 of the certificate of this server's CA.
        domains: Of those who may sign in the workspace.
    """

    trust: Trust
    issuer: str = ""
    authority: Digest | None = None
    domains: Collection[str] = ()

    def require_admitted(self, entry: HashedRekord, *, at: datetime) -> None:
        """Refuse an entry of a stranger.

        Raises:
            EntrySignerError: It is one.
        """
        try:
            if entry.certificate is None:
                self._require_registered(entry.key.key_id, at)
            else:
                self._require_ours(parse_leaf(entry.certificate), at)
        except EntrySignerError:
            raise
        except TrustacksError as error:
            raise EntrySignerError(
                f"expected a key or certificate of this workspace: {error.message}",
                because=error.code,
            ) from error

    def _require_registered(self, key_id: str, at: datetime) -> None:
        policy = self.trust.policy
        identity = policy.identity_by_key(key_id)
        if policy.revocation(identity.id) is not None:
            raise EntrySignerError(
                f"expected an identity in force, got {identity.id}, which ended"
            )
        identity.require_begun(at)
        identity.require_not_ended(at)

    def _require_ours(self, leaf: Leaf, at: datetime) -> None:
        certified = certify(leaf, self.trust)
        require_leaf_valid(leaf, [at])
        require_authority_in_use(leaf, certified.authorities, [at])
        domain = leaf.subject.rpartition("@")[2]
        if (
            self.authority not in {one.digest for one in certified.authorities}
            or leaf.issuer != self.issuer
            or domain not in self.domains
        ):
            raise EntrySignerError(
                f"expected somebody at {' or '.join(sorted(self.domains)) or 'nowhere'}"
                f" by this server's CA, got {leaf.subject} by {leaf.issuer}"
            )


def _read_verifier(verifier: Fields) -> tuple[PublicKey, bytes | None]:
    details = verifier.text("keyDetails")
    if details != ECDSA_P256:
        raise KeyFormatError(f"keyDetails: expected {ECDSA_P256}, got {details[:64]}")
    if verifier.has("x509Certificate"):
        fields = verifier.object("x509Certificate")
        der = fields.base64("rawBytes", max_bytes=MAX_CERTIFICATE_BYTES)
        fields.done()
        key, certificate = parse_leaf(der).key, der
    else:
        fields = verifier.object("publicKey")
        key = PublicKey(fields.base64("rawBytes", max_bytes=MAX_KEY_BYTES))
        fields.done()
        certificate = None
    if key.details != ECDSA_P256:
        raise KeyFormatError(f"expected an ECDSA P-256 key, got {key.details}")
    return key, certificate
