# SPDX-License-Identifier: Apache-2.0
"""What a provider is given besides the URI."""

from dataclasses import dataclass
from pathlib import Path

from keys.providers.limits import DEADLINE_S
from keys.signing import Secrets


@dataclass(frozen=True, slots=True)
class Opening:
    """How to open a key.

    Attributes:
        scheme: Of the URI, for the provider of several.
        secrets: Asked for a passphrase or PIN; may be asked again later, and from
            another thread, when a token has to be opened anew.
        pkcs11_module: The PKCS#11 library of URIs that name none.
        deadline_s: For opening, and for each signature.
    """

    scheme: str
    secrets: Secrets
    pkcs11_module: Path | None = None
    deadline_s: float = DEADLINE_S
