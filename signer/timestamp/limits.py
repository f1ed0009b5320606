# SPDX-License-Identifier: Apache-2.0
"""The bounds on timestamps: number, unit, reason."""

from typing import Final

# Bytes. A request with a SHA-512 imprint, nonce and policy is under 150.
MAX_REQUEST_BYTES: Final = 1024

# Bytes. A response with its leaf is 1.2 KB; a public authority embeds a chain of three.
MAX_RESPONSE_BYTES: Final = 16_384

# Certificates, leaf and root included. Known authorities have two or three.
MAX_CHAIN: Final = 8

# Chains that are kept as parsed and checked: those of a trusted root's authorities, in
# two versions of it.
MAX_KEPT_CHAINS: Final = 64
