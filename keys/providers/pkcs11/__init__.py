# SPDX-License-Identifier: Apache-2.0
"""Keys of HSMs and smart cards, through PKCS #11: P-256, P-384, Ed25519, RSA.

A key is named by RFC 7512::

    pkcs11:token=LABEL;object=LABEL?pin-source=file:/run/secrets/pin
    pkcs11:serial=0a1b;id=%01?module-path=/usr/lib/softhsm/libsofthsm2.so

The library is that of ``module-path``, or of ``TRUSTACKS_PKCS11_MODULE``; it is code
that runs in this process. The PIN comes from ``pin-source`` or is asked for, and never
stands in the URI: URIs are shown, noted and logged. A wrong PIN is tried once and never
again, because tokens lock themselves after a few.

PKCS #11 libraries are not safe to use from several threads unless asked to be, and
signing fails now and then where they are: so calls into one library take turns. One
login to each token serves all its keys; one that was lost is repeated once.
"""

from typing import TYPE_CHECKING

from keys.errors import KeyProviderMissingError
from keys.providers.opening import Opening
from keys.providers.pkcs11.uri import Pkcs11Uri

if TYPE_CHECKING:
    from keys.providers.pkcs11.key import TokenKey


def open_key(rest: str, opening: Opening) -> "TokenKey":
    """Open a key of a PKCS #11 token.

    Raises:
        KeyUriError: Not a URI of one key of one token.
        KeyProviderMissingError: No library: the extra ``hsm``, or the token's own.
        KeyAccessDeniedError: The PIN is wrong, missing or locked.
        KeyNotFoundError: No such token or key, or more than one.
        KeyFormatError: A kind of key that is not accepted.
        KeyProviderError: It cannot be used.
    """
    uri = Pkcs11Uri.parse(rest)
    try:
        from keys.providers.pkcs11.key import open_token_key  # noqa: PLC0415 - loaded when asked for
    except ImportError as error:
        raise KeyProviderMissingError(
            "expected python-pkcs11 to use a key of a token, got none",
            hint="pip install 'trustacks[hsm]'",
        ) from error
    return open_token_key(uri, opening)
