# SPDX-License-Identifier: Apache-2.0
"""The identity token of the CI that this runs in: GitHub, GitLab, Buildkite and others.

The package ``id`` knows how each of them hands one out; it comes with ``sigstore``.
"""

from typing import Final

from keys.errors import KeyTimeoutError
from keys.providers.deadline import within
from signer.keyless.errors import KeylessMissingError
from trustacks.identity_tokens.errors import AmbientTokenError

# Seconds. GitHub's answers in under one; ``id`` waits for silence of 30.
_DEADLINE_S: Final = 60.0
_GITHUB: Final = "in a workflow of GitHub: permissions: {id-token: write}"


def ambient_token(audience: str) -> str | None:
    """Return the token of this CI for an audience, or none outside of every CI.

    Raises:
        KeylessMissingError: The extra ``keyless`` is not installed.
        AmbientTokenError: The CI gives none, or not in time.
    """
    try:
        import id as ambient  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise KeylessMissingError(
            "expected the package id, got none",
            hint="pip install 'trustacks[keyless]'",
        ) from error
    try:
        return within(
            _DEADLINE_S,
            lambda: ambient.detect_credential(audience),
            what="the CI's identity token",
        )
    except ambient.IdentityError as error:
        said = " ".join(str(error).split())[:300]
        hint = _GITHUB if said.startswith("GitHub") else None
        raise AmbientTokenError(
            f"expected an identity token, got none: {said}", hint=hint
        ) from error
    except KeyTimeoutError as error:
        raise AmbientTokenError(error.message) from error
