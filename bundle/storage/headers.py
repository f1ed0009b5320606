# SPDX-License-Identifier: Apache-2.0
"""What an object's bytes are, and for how long a cache may keep them.

The same for the Control Plane's static routes and for a bucket behind a CDN, so that a
reader cannot tell which of them it asks. What is not there is never cached: a client
that asks for the next root asks again.
"""

from typing import Final

# A year is the most that RFC 9111 caches promise; the name says which bytes they are.
IMMUTABLE: Final = "public, max-age=31536000, immutable"
# Kept by a cache, and asked for again before each use.
REVALIDATE: Final = "no-cache"

_TYPES: Final = (
    (".json", "application/json"),
    (".jsonl", "application/jsonl"),
    (".gz", "application/gzip"),
    ("log/checkpoint", "text/plain; charset=utf-8"),
)


def content_type(name: str) -> str:
    """Return the media type of an object, by its name."""
    found = (kind for end, kind in _TYPES if name.endswith(end))
    return next(found, "application/octet-stream")
