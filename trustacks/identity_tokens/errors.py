# SPDX-License-Identifier: Apache-2.0
"""Why there is no identity token."""

from keys.errors import ConfigurationError, UnavailableError


class NoTokenError(ConfigurationError):
    """No CI that hands out identity tokens, and nobody to ask."""

    code = "oidc-token-missing"


class AmbientTokenError(UnavailableError):
    """A CI that could hand out an identity token, and does not."""

    code = "ambient-token"


class NotLoggedInAtIssuerError(UnavailableError):
    """Nobody finished logging in at the issuer in time."""

    code = "issuer-login"
