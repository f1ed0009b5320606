# SPDX-License-Identifier: Apache-2.0
"""Private keys by URI: where a key lies is a string, and changes like one.

The table is closed and constant: no plug-in decides how a key is opened. Each
provider is imported when its scheme is first asked for.
"""

from importlib import import_module
from types import MappingProxyType
from typing import Final

from keys.errors import UsageError
from keys.signing import CheckedKey, Secrets, SigningKey

_PROVIDERS: Final = MappingProxyType({"encfile": "keys.providers.encfile"})


def open_signing_key(uri: str, secrets: Secrets) -> SigningKey:
    """Open the private key that ``uri`` names.

    Args:
        uri: ``encfile:PATH``, an encrypted PKCS#8 PEM file.
        secrets: Called with a prompt when the key needs a passphrase or PIN.

    Raises:
        UsageError: An unknown scheme.
        KeyProviderError: The key is not there, or cannot be opened.
    """
    scheme, _, rest = uri.partition(":")
    module = _PROVIDERS.get(scheme)
    if module is None or not rest:
        known = ", ".join(f"{s}:" for s in sorted(_PROVIDERS))
        raise UsageError(f"expected a key URI of scheme {known} got {uri!r}")
    key: SigningKey = import_module(module).open_key(rest, secrets)
    return CheckedKey(key)
