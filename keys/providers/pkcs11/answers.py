# SPDX-License-Identifier: Apache-2.0
"""What a token's errors mean: PKCS #11 v2.40 §5.1 in the words of this project."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

import pkcs11

from keys.errors import (
    KeyAccessDeniedError,
    KeyDisabledError,
    KeyNotFoundError,
    KeyProviderError,
    KeyUnavailableError,
)

# CKR_KEY_FUNCTION_NOT_PERMITTED, which python-pkcs11 has no class for.
_NOT_PERMITTED: Final = "0x68"
_AGAIN: Final = "is the token there? run it again"
_ONCE: Final = "it is not tried again: a token locks after a few wrong PINs"


class SessionLostError(KeyUnavailableError):
    """The session is no more: log in again."""

    code = "key-session-lost"


_MEANING: Final[dict[type[pkcs11.PKCS11Error], tuple[type[KeyProviderError], str]]] = {
    **dict.fromkeys(
        (
            pkcs11.DeviceRemoved,
            pkcs11.KeyHandleInvalid,
            pkcs11.ObjectHandleInvalid,
            pkcs11.SessionClosed,
            pkcs11.SessionHandleInvalid,
            pkcs11.TokenNotPresent,
            pkcs11.UserNotLoggedIn,
        ),
        (SessionLostError, _AGAIN),
    ),
    **dict.fromkeys(
        (
            pkcs11.PinExpired,
            pkcs11.PinIncorrect,
            pkcs11.PinInvalid,
            pkcs11.PinLenRange,
            pkcs11.PinLocked,
            pkcs11.UserPinNotInitialized,
        ),
        (KeyAccessDeniedError, _ONCE),
    ),
    **dict.fromkeys(
        (
            pkcs11.FunctionNotSupported,
            pkcs11.KeyTypeInconsistent,
            pkcs11.MechanismInvalid,
            pkcs11.MechanismParamInvalid,
        ),
        (KeyDisabledError, "the token does not sign by this scheme"),
    ),
}


@contextlib.contextmanager
def answered(name: str) -> Iterator[None]:
    """Turn what python-pkcs11 raises into what happened to the key called ``name``.

    Raises:
        KeyProviderError: By what went wrong.
    """
    try:
        yield
    except pkcs11.PKCS11Error as error:
        raise _meaning(error, name) from error


def expect_one(found: Sequence[object], name: str) -> None:
    """Check that a name leads to one thing.

    Raises:
        KeyNotFoundError: It leads to none or several.
    """
    if len(found) != 1:
        raise KeyNotFoundError(
            f"{name}: expected one, got {len(found)}",
            hint="name it by token, object and id",
        )


def _meaning(error: pkcs11.PKCS11Error, name: str) -> KeyProviderError:
    said = str(error) or type(error).__name__
    kind, hint = _MEANING.get(type(error), (KeyUnavailableError, _AGAIN))
    if said.endswith(_NOT_PERMITTED):
        kind, hint = KeyDisabledError, "the key may not sign (CKA_SIGN)"
    return kind(f"{name}: expected an answer of the token, got {said}", hint=hint)
