# SPDX-License-Identifier: Apache-2.0
"""The file that tells Sigstore's clients where to go: a SigningConfig of a workspace.

It carries no trust: what is signed there counts by the TrustedRoot, which the admins
signed. Whoever changes it sends a client's identity token elsewhere, so that our own
client compares it with what is pinned.
"""

from datetime import datetime
from typing import Any, Final

from keys.clock import format_instant

MEDIA_TYPE: Final = "application/vnd.dev.sigstore.signingconfig.v0.2+json"
_OPERATOR: Final = "trustacks"


def signing_config(url: str, workspace: str, *, start: datetime) -> dict[str, Any]:
    """Return the SigningConfig of a workspace.

    Args:
        url: Where the instance answers.
        workspace: Whose log it is.
        start: Since when.

    Source: sigstore protobuf-specs, sigstore_trustroot.proto, ``SigningConfig``,
    version 0.2.
    """

    def service(address: str, version: int) -> dict[str, Any]:
        return {
            "url": address,
            "majorApiVersion": version,
            "operator": _OPERATOR,
            "validFor": {"start": format_instant(start)},
        }

    return {
        "mediaType": MEDIA_TYPE,
        "caUrls": [service(url, 1)],
        "oidcUrls": [service(url, 1)],
        "rekorTlogUrls": [service(rekor_url(url, workspace), 2)],
        "tsaUrls": [service(f"{url}/api/v1/timestamp", 1)],
        "rekorTlogConfig": {"selector": "ANY"},
        "tsaConfig": {"selector": "ANY"},
    }


def rekor_url(url: str, workspace: str) -> str:
    """Return where a workspace's Rekor is: every client keeps a prefix of it."""
    return f"{url}/rekor/{workspace}"
