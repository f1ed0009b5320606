# SPDX-License-Identifier: Apache-2.0
"""A key of a token: find it, read its public half, sign with it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import pkcs11
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pkcs11 import MGF, Attribute, Mechanism, ObjectClass

from keys.errors import ConfigurationError, KeyAnswerError, KeyDisabledError
from keys.providers.limits import MAX_SIGNATURE_BYTES
from keys.providers.opening import Opening
from keys.providers.pkcs11.answers import SessionLostError, answered, expect_one
from keys.providers.pkcs11.login import log_in, read_pin
from keys.providers.pkcs11.module import Library, Login, Module, close, module_at
from keys.providers.pkcs11.public import read_public
from keys.providers.pkcs11.uri import Pkcs11Uri
from keys.public import PublicKey
from keys.schemes import ECDSA_P256, ECDSA_P384, ED25519, prehash

T = TypeVar("T")

# SEC 1 §4.1.3: r and s, each as long as the order of the curve; PKCS #11 joins them.
_HALVES: Final = {ECDSA_P256: 32, ECDSA_P384: 48}
_RSA: Final[dict[str, Any]] = {
    "mechanism": Mechanism.RSA_PKCS_PSS,
    "mechanism_param": (Mechanism.SHA256, MGF.SHA256, 32),
}


@dataclass(frozen=True)
class TokenKey:
    """A key that never leaves its token.

    Attributes:
        uri: Where it is.
        public_key: As the token shows it.
    """

    uri: Pkcs11Uri
    public_key: PublicKey
    _module: Module
    _opening: Opening
    # PIV's signing key wants the PIN before every signature.
    _asks_always: bool

    def __repr__(self) -> str:
        return f"TokenKey({self.uri.key_name})"

    def sign_unchecked(self, message: bytes) -> bytes:
        """Sign by the scheme of the key's kind; ECDSA as DER."""
        details = self.public_key.details
        pin = read_pin(self.uri, self._opening) if self._asks_always else None

        def work(login: Login) -> bytes:
            return _sign(_private(login, self.uri), details, message, pin)

        signature = _in_session(self._module, self.uri, self._opening, work)
        if not 0 < len(signature) <= MAX_SIGNATURE_BYTES:
            raise KeyAnswerError(
                f"{self.uri.key_name}: expected a signature of at most "
                f"{MAX_SIGNATURE_BYTES} bytes, got {len(signature)}"
            )
        size = _HALVES.get(details)
        return signature if size is None else _der(signature, size, self.uri.key_name)


def open_token_key(uri: Pkcs11Uri, opening: Opening) -> TokenKey:
    """Open the key that ``uri`` names; see ``keys.providers.pkcs11.open_key``."""
    module = module_at(_library(uri, opening))

    def work(login: Login) -> tuple[PublicKey, bool]:
        private, public = _find(login, uri)
        login.keep(_name(uri), private)
        return public, bool(_attribute(private, Attribute.ALWAYS_AUTHENTICATE))

    public, always = _in_session(module, uri, opening, work)
    return TokenKey(uri, public, module, opening, always)


def _library(uri: Pkcs11Uri, opening: Opening) -> Path:
    path = uri.module or opening.pkcs11_module
    if path is None:
        raise ConfigurationError(
            "expected the PKCS #11 library of the token, got none",
            hint="set TRUSTACKS_PKCS11_MODULE, or add ?module-path=FILE to the URI",
        )
    return path


def _in_session(
    module: Module, uri: Pkcs11Uri, opening: Opening, work: Callable[[Login], T]
) -> T:
    """Work in the token's session; log in if there is none, once more if it is lost.

    The PIN is asked for here, in the caller's thread and outside of any deadline:
    people take their time.
    """
    try:
        return _attempt(module, uri, opening, work)
    except SessionLostError:
        return _attempt(module, uri, opening, work)


def _attempt(
    module: Module, uri: Pkcs11Uri, opening: Opening, work: Callable[[Login], T]
) -> T:
    pin = None if uri.token_key in module.logins else read_pin(uri, opening)

    def call(library: Library) -> T:
        with answered(uri.key_name):
            login = log_in(module, library, uri, pin)
            try:
                return work(login)
            except pkcs11.PKCS11Error:
                # Whatever it was, the next caller begins anew.
                module.log_out(uri.token_key)
                raise

    return module.call(call, deadline_s=opening.deadline_s)


def _name(uri: Pkcs11Uri) -> tuple[str | None, bytes | None]:
    return uri.object, uri.id


def _private(login: Login, uri: Pkcs11Uri) -> Any:
    if _name(uri) not in login.keys:
        login.keep(_name(uri), _find(login, uri)[0])
    return login.keys[_name(uri)]


def _find(login: Login, uri: Pkcs11Uri) -> tuple[Any, PublicKey]:
    """Find a key and its public half, in a session of its own.

    python-pkcs11 ends a search that could not begin in a destructor, whose errors are
    printed; in a session that was just opened every search can begin.
    """
    session = login.session.token.open()
    try:
        found = _objects(session, ObjectClass.PRIVATE_KEY, *_name(uri))
        expect_one(found, f"private key {uri.key_name}")
        _require_signing(found[0], uri.key_name)
        return found[0], _public(session, uri, found[0])
    except BaseException:
        close(session)
        raise


def _require_signing(private: Any, name: str) -> None:
    if not _attribute(private, Attribute.SIGN, default=True):
        raise KeyDisabledError(f"{name}: the key may not sign (CKA_SIGN)")


def _public(session: pkcs11.Session, uri: Pkcs11Uri, private: Any) -> PublicKey:
    """Read the public half: of the same id, and of several the one of that label."""
    key_id = _attribute(private, Attribute.ID) or None
    label = _attribute(private, Attribute.LABEL)
    found = _objects(session, ObjectClass.PUBLIC_KEY, None if key_id else label, key_id)
    if len(found) > 1:
        found = [one for one in found if _attribute(one, Attribute.LABEL) == label]
    expect_one(found, f"public key {uri.key_name}")
    return read_public(found[0], uri.key_name)


def _objects(
    session: pkcs11.Session, kind: ObjectClass, label: str | None, key_id: bytes | None
) -> list[Any]:
    wanted: dict[Attribute, Any] = {Attribute.CLASS: kind}
    if label is not None:
        wanted[Attribute.LABEL] = label
    if key_id is not None:
        wanted[Attribute.ID] = key_id
    return list(session.get_objects(wanted))


def _attribute(found: Any, name: Attribute, *, default: Any = None) -> Any:
    try:
        return found[name]
    except (pkcs11.AttributeTypeInvalid, pkcs11.AttributeSensitive):
        return default


def _sign(private: Any, details: str, message: bytes, pin: str | None) -> bytes:
    how: dict[str, Any]
    if details == ED25519:
        data, how = message, {"mechanism": Mechanism.EDDSA}
    elif details in _HALVES:
        data, how = prehash(details, message), {"mechanism": Mechanism.ECDSA}
    else:
        data, how = prehash(details, message), _RSA
    signature: bytes = private.sign(data, pin=pin, **how)
    return signature


def _der(signature: bytes, size: int, name: str) -> bytes:
    if len(signature) != 2 * size:
        raise KeyAnswerError(
            f"{name}: expected a signature of {2 * size} bytes, got {len(signature)}"
        )
    r, s = signature[:size], signature[size:]
    return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
