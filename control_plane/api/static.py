# SPDX-License-Identifier: Apache-2.0
"""``/w/{ws}/``: what Runners and anyone's tools read, as a CDN could serve it.

No token: every byte here is signed, and confidentiality is not what it is for. Names
that change (`timestamp.json`, the checkpoint) must be asked for again; all others name
one content for ever. What is not there is never cached, because a client that asks for
the next root asks again.
"""

import re
from typing import Annotated, Final

from fastapi import APIRouter, Header, Response

from bundle.storage.headers import IMMUTABLE, REVALIDATE, content_type
from bundle.storage.interface import MAX_NAME_CHARS
from control_plane import limits
from control_plane.api.deps import ServicesIn
from control_plane.services import Services
from keys.digest import Digest
from keys.errors import NotFoundError

router = APIRouter(tags=["static"])

_PUBLIC: Final = re.compile(
    r"(metadata|targets|log|chain)(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+"
)
_PLACE: Final = "/w/{ws}/{name:path}"
_CHANGING: Final = frozenset({"metadata/timestamp.json", "log/checkpoint"})


@router.get(_PLACE, response_class=Response, operation_id="get_object")
@router.head(_PLACE, response_class=Response, operation_id="head_object")
def static_object(
    ws: str,
    name: str,
    services: ServicesIn,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Return TUF metadata and targets, log tiles and the release chain, as stored."""
    return serve(services, ws, name, if_none_match=if_none_match)


def serve(
    services: Services, ws: str, name: str, *, if_none_match: str | None = None
) -> Response:
    """Answer with a public object, or that the client has it.

    Raises:
        NotFoundError: There is none of that name.
    """
    if len(name) > MAX_NAME_CHARS or not _PUBLIC.fullmatch(name):
        raise NotFoundError(f"expected a public object, got {name[:80]!r}")
    storage = services.workspaces.storage(ws)
    data = storage.get(name, max_bytes=limits.MAX_STATIC_BYTES)
    headers = {
        "etag": f'"{Digest.of(data).hex}"',
        "cache-control": REVALIDATE if name in _CHANGING else IMMUTABLE,
    }
    if if_none_match == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return Response(data, headers=headers, media_type=content_type(name))
