# SPDX-License-Identifier: Apache-2.0
"""Calls into the package ``sigstore``, whose errors become ours; it is not imported."""

import contextlib
from collections.abc import Iterator

from keys.errors import TrustacksError
from signer.keyless.errors import KeylessLibraryError


@contextlib.contextmanager
def library(what: str) -> Iterator[None]:
    """Call the library; what it raises has no common class, and no message at times.

    Raises:
        KeylessLibraryError: It failed by itself.
        TrustacksError: A service of ours did.
    """
    try:
        yield
    except TrustacksError:
        raise
    except Exception as error:
        why = " ".join(str(error).split())[:200] or "without a reason"
        raise KeylessLibraryError(
            f"{what}: {type(error).__name__}: {why}",
            hint="nothing was released",
        ) from error
