# SPDX-License-Identifier: Apache-2.0
"""Where an OIDC token comes from: a CI, a browser, or a code on another device.

``auto`` takes what is there: a CI's own token, or else a person at a terminal. Whatever
comes is parsed by ``signer.keyless.token`` and shown before it is used.
"""

import sys
from collections.abc import Callable

from signer.keyless.http import Http
from trustacks.identity_tokens.ambient import ambient_token
from trustacks.identity_tokens.browser import browser_token
from trustacks.identity_tokens.device import device_token
from trustacks.identity_tokens.errors import NoTokenError

__all__ = ["get_token"]

Say = Callable[[str], None]


def get_token(
    way: str, *, audience: str, issuer: Callable[[], str], http: Http, say: Say
) -> str:
    """Return an identity token.

    Args:
        way: ``auto``, ``ambient``, ``browser`` or ``device``.
        audience: Who is to receive it; for people, the client's id at the issuer.
        issuer: The address of the issuer that people log in at.
        http: Asks it.
        say: Tells the person what to do.

    Raises:
        NoTokenError: There is no CI, and no terminal to ask a person on.
        AmbientTokenError: A CI that gives none.
        TrustacksError: What the issuer says.
    """
    if way in ("auto", "ambient"):
        found = ambient_token(audience)
        if found is not None:
            return found
        if way == "ambient" or not sys.stdin.isatty():
            raise NoTokenError(
                "expected a CI that hands out identity tokens, got none that we know",
                hint="--identity-token-file FILE, or --oidc device for a person",
            )
    ask = device_token if way == "device" else browser_token
    return ask(issuer(), client_id=audience, http=http, say=say)
