# SPDX-License-Identifier: Apache-2.0
"""Keys that securesystemslib opens: Vault's transit engine, Google Cloud, Azure.

The URIs are securesystemslib's::

    hv:NAME/VERSION                                     VAULT_ADDR, VAULT_TOKEN
    gcpkms:projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/V
    azurekms://VAULT.vault.azure.net/keys/NAME/VERSION

Its signers have neither timeouts nor one way to say what went wrong: here each call
ends in time, calls of one key take turns, and what is raised is told apart by the names
of the vendors' classes. Only Vault is tested here, on loopback.
"""

import contextlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.exceptions import (
    UnsupportedAlgorithmError,
    UnsupportedLibraryError,
)
from securesystemslib.signer import AzureSigner, GCPSigner, Key, Signer, VaultSigner

from keys.errors import (
    KeyAccessDeniedError,
    KeyAnswerError,
    KeyDisabledError,
    KeyFormatError,
    KeyNotFoundError,
    KeyProviderMissingError,
    KeyUnavailableError,
    KeyUriError,
    TrustacksError,
)
from keys.providers.deadline import within
from keys.providers.limits import MAX_SIGNATURE_BYTES
from keys.providers.opening import Opening
from keys.public import PublicKey
from keys.schemes import ECDSA_P256, ECDSA_P384, ED25519, RSA_PSS_3072, RSA_PSS_4096

_NAME: Final = r"[A-Za-z0-9_.-]{1,128}"
_FORMS: Final = {
    "hv": re.compile(rf"({_NAME})/[1-9][0-9]{{0,8}}"),
    "gcpkms": re.compile(
        rf"(projects/{_NAME}/locations/{_NAME}/keyRings/{_NAME}"
        rf"/cryptoKeys/{_NAME}/cryptoKeyVersions/[1-9][0-9]{{0,8}})"
    ),
    "azurekms": re.compile(
        r"//([a-z0-9-]{3,24})\.vault\.azure\.net/keys/([A-Za-z0-9-]{1,127})"
        r"/[0-9a-f]{32}"
    ),
}
_SIGNERS: Final[dict[str, Any]] = {
    "hv": VaultSigner,
    "gcpkms": GCPSigner,
    "azurekms": AzureSigner,
}
_NEEDS: Final = {
    "hv": "trustacks[vault]",
    "gcpkms": "google-cloud-kms",
    "azurekms": "azure-identity azure-keyvault-keys",
}
# securesystemslib's scheme of each kind; a key has no other here.
_SCHEMES: Final = {
    ECDSA_P256: "ecdsa-sha2-nistp256",
    ECDSA_P384: "ecdsa-sha2-nistp384",
    ED25519: "ed25519",
    RSA_PSS_3072: "rsassa-pss-sha256",
    RSA_PSS_4096: "rsassa-pss-sha256",
}
# Names of exceptions of hvac, google.api_core, google.auth and azure.core.
_MEANING: Final = {
    **dict.fromkeys(
        (
            "ClientAuthenticationError",
            "DefaultCredentialsError",
            "Forbidden",
            "PermissionDenied",
            "RefreshError",
            "Unauthenticated",
            "Unauthorized",
        ),
        KeyAccessDeniedError,
    ),
    **dict.fromkeys(
        ("InvalidPath", "NotFound", "ResourceNotFoundError"), KeyNotFoundError
    ),
    **dict.fromkeys(("FailedPrecondition", "InvalidRequest"), KeyDisabledError),
    **dict.fromkeys(("UnsupportedKeyType",), KeyFormatError),
}
_RUBBISH: Final = (AttributeError, IndexError, KeyError, TypeError, ValueError)


@dataclass(frozen=True)
class ForeignKey:
    """A key behind one of securesystemslib's signers.

    Attributes:
        uri: Where it is.
        public_key: As the provider answered.
    """

    uri: str
    public_key: PublicKey
    _signer: Signer
    _deadline_s: float
    _turn: Any

    def __repr__(self) -> str:
        return f"ForeignKey({self.uri})"

    def sign_unchecked(self, message: bytes) -> bytes:
        """Sign by the scheme of the key's kind."""

        def call() -> bytes:
            with _answered(self.uri):
                return bytes.fromhex(self._signer.sign(message).signature)

        signature = within(self._deadline_s, call, what=self.uri, turn=self._turn)
        if not 0 < len(signature) <= MAX_SIGNATURE_BYTES:
            raise KeyAnswerError(
                f"{self.uri}: expected a signature of at most {MAX_SIGNATURE_BYTES} "
                f"bytes, got {len(signature)}"
            )
        return signature


def open_key(rest: str, opening: Opening) -> ForeignKey:
    """Open a key by its securesystemslib URI.

    Raises:
        KeyUriError: Not of the scheme's form.
        KeyProviderMissingError: The vendor's library is not installed.
        KeyNotFoundError: No such key, or a version that is not the newest.
        KeyProviderError: It cannot be asked.
    """
    scheme, uri = opening.scheme, f"{opening.scheme}:{rest}"
    found = _FORMS[scheme].fullmatch(rest)
    if not found:
        raise KeyUriError(
            f"expected a {scheme}: URI as securesystemslib writes it, got {uri[:200]!r}"
        )
    signers = _SIGNERS[scheme]

    def call() -> tuple[PublicKey, Signer]:
        with _answered(uri, needs=_NEEDS[scheme]):
            named, key = signers.import_(*found.groups())
            if named != uri:
                raise KeyNotFoundError(f"expected {uri}, got {str(named)[:200]}")
            return _public(key, uri), signers.from_priv_key_uri(uri, key)

    public, signer = within(opening.deadline_s, call, what=uri)
    return ForeignKey(uri, public, signer, opening.deadline_s, threading.Lock())


def _public(key: Key, uri: str) -> PublicKey:
    value = key.keyval["public"]
    if key.keytype == "ed25519":
        raw = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(value))
        public = PublicKey(
            raw.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        )
    else:
        public = PublicKey.from_pem(value)
    if key.scheme != _SCHEMES[public.details]:
        raise KeyFormatError(
            f"{uri}: expected scheme {_SCHEMES[public.details]}, got {key.scheme}"
        )
    return public


@contextlib.contextmanager
def _answered(uri: str, needs: str = "") -> Iterator[None]:
    try:
        yield
    except TrustacksError:
        raise
    except UnsupportedLibraryError as error:
        raise KeyProviderMissingError(
            f"{uri}: {error}", hint=f"pip install '{needs}'"
        ) from error
    except UnsupportedAlgorithmError as error:
        raise KeyFormatError(f"{uri}: {error}") from error
    except Exception as error:
        raise _meaning(error, uri) from error


def _meaning(error: Exception, uri: str) -> TrustacksError:
    names = {kind.__name__ for kind in type(error).__mro__}
    for name in sorted(names & set(_MEANING)):
        return _MEANING[name](f"{uri}: the provider says {name}")
    # Connections' errors are ValueErrors as well, in one library or another.
    if isinstance(error, _RUBBISH) and not isinstance(error, OSError):
        return KeyAnswerError(f"{uri}: expected an answer of the provider, got another")
    return KeyUnavailableError(
        f"{uri}: expected an answer, got {type(error).__name__}", hint="run it again"
    )
