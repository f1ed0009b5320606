# SPDX-License-Identifier: Apache-2.0
"""Where the chain of releases lies in a workspace's storage, by digest.

Read by anybody, like the metadata: ``docs/formats/repository.md``.
"""

from typing import Final

from keys.digest import Digest

CHAIN: Final = "chain/"


def chain_name(digest: Digest) -> str:
    """Return the name of a release attestation, or of one of what it changed."""
    return f"{CHAIN}{digest.hex}.sigstore.json"


def cosigned_name(digest: Digest) -> str:
    """Return the name of the further signatures of a release, one per line."""
    return f"{CHAIN}{digest.hex}.cosigned.sigstore.jsonl"
