# SPDX-License-Identifier: Apache-2.0
"""Private keys by URI: where a key lies is a string, and changes like one.

The table is closed and constant: no plug-in decides how a key is opened. Each
provider, and the library that it needs, is imported when its scheme is first asked for.

=========== =================================================== ================
scheme      names                                               needs
=========== =================================================== ================
`encfile:`  an encrypted PKCS#8 file                            nothing
`awskms:`   a key of AWS KMS: id, ARN or alias                  extra ``kms``
`pkcs11:`   a key of an HSM or smart card (RFC 7512)            extra ``hsm``
`hv:`       a key of Vault's transit engine, by securesystemslib extra ``vault``
`gcpkms:`   a key of Google Cloud KMS, by securesystemslib      google-cloud-kms
`azurekms:` a key of Azure Key Vault, by securesystemslib       azure-identity,
                                                                azure-keyvault-keys
=========== =================================================== ================

Where a key lies does not say who can cause a signature: a key that the Control Plane
may call is of ``control-plane`` custody wherever it lies (DESIGN T1).
"""

from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Final

from keys.errors import KeyUriError
from keys.providers.limits import DEADLINE_S, MAX_URI_CHARS
from keys.providers.opening import Opening
from keys.signing import CheckedKey, ProviderKey, Secrets, require_key

_PROVIDERS: Final = MappingProxyType(
    {
        "awskms": "keys.providers.awskms",
        "azurekms": "keys.providers.securesystems",
        "encfile": "keys.providers.encfile",
        "gcpkms": "keys.providers.securesystems",
        "hv": "keys.providers.securesystems",
        "pkcs11": "keys.providers.pkcs11",
    }
)


def open_signing_key(
    uri: str,
    secrets: Secrets,
    *,
    key_id: str | None = None,
    pkcs11_module: Path | None = None,
    deadline_s: float = DEADLINE_S,
) -> CheckedKey:
    """Open the private key that ``uri`` names.

    Args:
        uri: Such as ``encfile:PATH``; see the table above.
        secrets: Called with a prompt when the key needs a passphrase or PIN.
        key_id: The registered key, SHA-256 of its SPKI in hex; none takes what the
            provider answers, for registering it.
        pkcs11_module: The PKCS#11 library of URIs that name none.
        deadline_s: For opening, and for each signature.

    Raises:
        KeyUriError: An unknown scheme, or a URI that is not of its form.
        KeyMismatchError: Another key than the registered one.
        KeyFormatError: A kind, curve or size that is not accepted.
        KeyProviderError: The key is not there, or cannot be opened or used.
    """
    scheme, _, rest = uri[: MAX_URI_CHARS + 1].partition(":")
    module = _PROVIDERS.get(scheme)
    if module is None or not rest or len(uri) > MAX_URI_CHARS:
        known = ", ".join(f"{s}:" for s in sorted(_PROVIDERS))
        # Never the rest: somebody may have put a PIN into it.
        raise KeyUriError(
            f"expected a key URI of at most {MAX_URI_CHARS} characters and of scheme "
            f"{known} got scheme {scheme[:16]!r}"
        )
    opening = Opening(scheme, secrets, pkcs11_module, deadline_s)
    key: ProviderKey = import_module(module).open_key(rest, opening)
    if key_id is not None:
        require_key(key.public_key, key_id)
    return CheckedKey.of(key)
