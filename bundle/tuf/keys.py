# SPDX-License-Identifier: Apache-2.0
"""Keys of TUF roles: ours as TUF writes them, TUF's as one identity each.

Three systems name keys in three ways. Here, and only here, they are converted:

- a ``keys.SigningKey`` becomes a securesystemslib ``Signer``;
- its key id is the SHA-256 of the canonical key object, custody included, as
  TUF 1.0.31 §4.2 has it; so custody cannot change under one id;
- ``identify`` names any key by the SHA-256 of its SubjectPublicKeyInfo. Thresholds
  count those names, because the same key under two key ids is still one key.
"""

from collections.abc import Iterable
from typing import Any, Final, NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import Key, SecretsHandler, Signature, Signer, SSlibKey
from tuf.api.metadata import Metadata

from bundle.tuf.errors import TufKeyError
from bundle.tuf.roles import CUSTODY
from keys.digest import Digest
from keys.errors import KeyMismatchError
from keys.public import PublicKey
from keys.schemes import (
    ECDSA_P256,
    ECDSA_P384,
    ED25519,
    RSA_EXPONENT,
    RSA_PSS_3072,
    RSA_PSS_4096,
)
from keys.signing import SigningKey
from signer.form import Custody

# DESIGN 3.1: RSA-PSS of 3072 bits and more.
MIN_RSA_BITS: Final = 3072
MAX_RSA_BITS: Final = 8192

# Key type and scheme, as securesystemslib names them, of each kind of key.
_SCHEMES: Final = {
    ECDSA_P256: ("ecdsa", "ecdsa-sha2-nistp256"),
    ECDSA_P384: ("ecdsa", "ecdsa-sha2-nistp384"),
    ED25519: ("ed25519", "ed25519"),
    RSA_PSS_3072: ("rsa", "rsassa-pss-sha256"),
    RSA_PSS_4096: ("rsa", "rsassa-pss-sha256"),
}
_CURVES: Final = {
    "ecdsa-sha2-nistp256": ec.SECP256R1,
    "ecdsa-sha2-nistp384": ec.SECP384R1,
}


class RoleSigner(Signer):
    """A ``keys.SigningKey`` as python-tuf signs with it; each signature is verified.

    Args:
        key: The private key.
        public: The same key as metadata names it.
    """

    def __init__(self, key: SigningKey, public: Key) -> None:
        self._key = key
        self._public = public

    @property
    def public_key(self) -> Key:
        """The public half, as metadata names it."""
        return self._public

    def sign(self, payload: bytes) -> Signature:
        """Sign canonical metadata.

        Raises:
            KeyProviderError: The key cannot be used now.
            KeyMismatchError: It is not the key that metadata names.
        """
        signature = Signature(self._public.keyid, self._key.sign(payload).hex())
        try:
            self._public.verify_signature(signature, payload)
        except (UnverifiedSignatureError, VerificationError) as error:
            raise KeyMismatchError(
                f"expected a signature by key {self._public.keyid[:16]} of the "
                "metadata, got one that it does not verify"
            ) from error
        return signature

    def sign_into(self, metadata: Metadata[Any]) -> None:
        """Sign metadata and add the signature; signing twice is signing once.

        python-tuf's ``Metadata.sign`` makes one error of all that a key can refuse, so
        that nobody could tell a KMS that is down from a fault of ours.

        Raises:
            KeyProviderError: As ``sign``; the metadata is as it was.
        """
        signature = self.sign(metadata.signed_bytes)
        metadata.signatures[signature.keyid] = signature

    @classmethod
    def from_priv_key_uri(
        cls,
        priv_key_uri: str,
        public_key: Key,
        secrets_handler: SecretsHandler | None = None,
    ) -> NoReturn:
        """Refuse: keys are opened by ``keys.providers`` and nowhere else."""
        raise NotImplementedError(priv_key_uri, public_key, secrets_handler)


def role_key(key: PublicKey, custody: Custody) -> SSlibKey:
    """Return a public key as TUF metadata holds it, with its custody."""
    kind, scheme = _SCHEMES[key.details]
    public = key.raw.hex() if key.details == ED25519 else key.pem
    value: dict[str, Any] = {
        "keytype": kind,
        "scheme": scheme,
        "keyval": {"public": public},
        CUSTODY: str(custody),
    }
    return SSlibKey.from_dict(_key_id(value), value)


def is_external(key: Key) -> bool:
    """Return whether the metadata says that the Control Plane cannot use the key."""
    said = key.unrecognized_fields.get(CUSTODY)
    return isinstance(said, str) and said == Custody.EXTERNAL


def identify(key: Key) -> str:
    """Return the SHA-256 of a key's SubjectPublicKeyInfo, 64 hex digits.

    Raises:
        TufKeyError: A kind, scheme, curve or size that is not accepted.
    """
    try:
        return Digest.of(_spki(key)).hex
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise TufKeyError(f"key {key.keyid[:16]}: expected a public key") from error


def distinct(keys: Iterable[Key]) -> dict[str, Key]:
    """Return keys by identity.

    Raises:
        TufKeyError: One public key under two key ids, or a key not accepted.
    """
    found: dict[str, Key] = {}
    for key in keys:
        twin = found.setdefault(identify(key), key)
        if twin is not key:
            raise TufKeyError(
                "expected each public key under one key id,"
                f" got it under {twin.keyid[:16]} and {key.keyid[:16]}"
            )
    return found


def _key_id(value: dict[str, Any]) -> str:
    return Digest.of(str(encode_canonical(value)).encode("utf-8")).hex


def _spki(key: Key) -> bytes:
    """Encode a key anew: the same point in another PEM or hex text is the same key."""
    text = key.keyval.get("public")
    if not isinstance(text, str):
        raise TypeError(text)
    loaded: Any
    if key.keytype == "ed25519":
        loaded = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
    else:
        loaded = load_pem_public_key(text.encode("utf-8"))
    _require_strength(key, loaded)
    der: bytes = loaded.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return der


def _require_strength(key: Key, loaded: Any) -> None:
    match key.keytype, key.scheme, loaded:
        case "ed25519", "ed25519", ed25519.Ed25519PublicKey():
            return
        case "ecdsa", scheme, ec.EllipticCurvePublicKey():
            if isinstance(loaded.curve, _CURVES.get(scheme, ())):
                return
        case "rsa", "rsassa-pss-sha256", rsa.RSAPublicKey():
            usual = loaded.public_numbers().e == RSA_EXPONENT
            if usual and MIN_RSA_BITS <= loaded.key_size <= MAX_RSA_BITS:
                return
        case _:
            pass
    raise TufKeyError(
        f"key {key.keyid[:16]}: expected Ed25519, P-256, P-384 or RSA-PSS of"
        f" {MIN_RSA_BITS} bits, got {key.keytype} {key.scheme}"
    )


def plain_key(key: PublicKey) -> SSlibKey:
    """Return a key as in-toto names it: without custody, by the default key id.

    Raises:
        TufKeyError: It is of a kind that in-toto does not know.
    """
    try:
        return SSlibKey.from_crypto(load_pem_public_key(key.pem.encode()))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TufKeyError(
            f"expected a key that in-toto knows, got another: {error}"
        ) from error
