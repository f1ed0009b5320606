# SPDX-License-Identifier: Apache-2.0
"""Keys of AWS KMS, through boto3: ECDSA P-256 and P-384, RSA 3072 and 4096.

Only a digest goes to KMS (``MessageType=DIGEST``), so a message of any size signs in
one small request, and nobody there reads it; KMS's Ed25519 keys want whole messages of
4096 bytes at most, and are refused. An alias is resolved once, when the key is opened:
whoever can move it later does not choose what signs here.

Permissions, on the key alone (a key policy or an IAM policy)::

    kms:GetPublicKey    to open it
    kms:Sign            to sign; narrow it with the condition keys
                        kms:MessageType = DIGEST and kms:SigningAlgorithm

Credentials, proxies and, unless the URI says them, region and endpoint are boto3's own
matter: ``AWS_PROFILE``, ``AWS_DEFAULT_REGION``, ``AWS_ENDPOINT_URL_KMS``, a role.

Whoever has ``kms:Sign`` can cause a signature. A key that the Control Plane's role may
use is of ``control-plane`` custody, whoever pays for it (DESIGN T1).
"""

from dataclasses import dataclass
from typing import Any, Final

from keys.errors import KeyAnswerError, KeyDisabledError, KeyFormatError
from keys.providers.awskms_client import answered, open_client
from keys.providers.awskms_uri import KmsUri, is_arn
from keys.providers.deadline import within
from keys.providers.limits import MAX_SIGNATURE_BYTES
from keys.providers.opening import Opening
from keys.public import MAX_KEY_BYTES, PublicKey
from keys.schemes import (
    ECDSA_P256,
    ECDSA_P384,
    RSA_PSS_3072,
    RSA_PSS_4096,
    prehash,
)

# KMS's names of the schemes in keys.schemes.
_ALGORITHMS: Final = {
    ECDSA_P256: "ECDSA_SHA_256",
    ECDSA_P384: "ECDSA_SHA_384",
    RSA_PSS_3072: "RSASSA_PSS_SHA_256",
    RSA_PSS_4096: "RSASSA_PSS_SHA_256",
}
_USE: Final = "SIGN_VERIFY"


@dataclass(frozen=True)
class KmsKey:
    """A key of AWS KMS. One client serves all threads.

    Attributes:
        arn: The key itself, whatever its alias says later.
        public_key: As KMS answered.
    """

    arn: str
    public_key: PublicKey
    _client: Any
    _deadline_s: float

    def __repr__(self) -> str:
        return f"KmsKey({self.arn})"

    def sign_unchecked(self, message: bytes) -> bytes:
        """Sign by the scheme of the key's kind; only the digest leaves."""
        algorithm = _ALGORITHMS[self.public_key.details]
        digest = prehash(self.public_key.details, message)

        def call() -> bytes:
            with answered(self.arn):
                answer = self._client.sign(
                    KeyId=self.arn,
                    Message=digest,
                    MessageType="DIGEST",
                    SigningAlgorithm=algorithm,
                )
                return _bytes(answer, "Signature", MAX_SIGNATURE_BYTES)

        return within(self._deadline_s, call, what="AWS KMS")


def open_key(rest: str, opening: Opening) -> KmsKey:
    """Open a key of AWS KMS.

    Args:
        rest: What follows ``awskms:``; see ``keys.providers.awskms_uri``.
        opening: Its secrets are not asked for: credentials are boto3's.

    Raises:
        KeyUriError: Not a URI of a KMS key.
        ConfigurationError: Nobody says the region.
        KeyFormatError: A kind of key that is not accepted here.
        KeyDisabledError: It is disabled, to be deleted, or not for signing.
        KeyProviderError: It cannot be asked, or is not there.
    """
    uri = KmsUri.parse(rest)
    deadline_s = opening.deadline_s

    def call() -> KmsKey:
        client = open_client(uri, deadline_s)
        with answered(uri.key):
            answer = client.get_public_key(KeyId=uri.key)
            arn, public = _read(answer)
        return KmsKey(arn, public, client, deadline_s)

    return within(deadline_s, call, what="AWS KMS")


def _read(answer: Any) -> tuple[str, PublicKey]:
    arn, use = answer["KeyId"], answer["KeyUsage"]
    if not is_arn(arn):
        raise KeyAnswerError(f"expected the ARN of a key, got {str(arn)[:80]!r}")
    if use != _USE:
        raise KeyDisabledError(
            f"{arn}: expected a key for {_USE}, got one for {str(use)[:40]}"
        )
    public = PublicKey(_bytes(answer, "PublicKey", MAX_KEY_BYTES))
    algorithm = _ALGORITHMS.get(public.details)
    if algorithm not in answer["SigningAlgorithms"]:
        raise KeyFormatError(
            f"{arn}: expected a key for one of {sorted(set(_ALGORITHMS.values()))}, "
            f"got {public.details}",
        )
    return arn, public


def _bytes(answer: Any, name: str, max_bytes: int) -> bytes:
    value = answer[name]
    if not isinstance(value, bytes) or not 0 < len(value) <= max_bytes:
        raise KeyAnswerError(f"expected {name} of 1 to {max_bytes} bytes, got another")
    return value
