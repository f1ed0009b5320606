# SPDX-License-Identifier: Apache-2.0
"""Which of the server's keys lie elsewhere than in its state directory, and where.

A JSON file that the operator writes and the server reads once, at its start::

    {"keys": [
      {"owner": "acme", "purpose": "timestamp",
       "uri": "awskms:///alias/acme-timestamp", "key_id": "<64 hex digits>"}
    ]}

``key_id`` is what ``trustacks keys show URI`` prints: a URI that leads to another key
than that is refused. An unknown purpose is refused too, or a misspelt one would make a
key in a file, unseen. All of these keys are of ``control-plane`` custody: the server
may call them (DESIGN T1).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from control_plane.limits import MAX_KEY_PLACES, MAX_KEY_PLACES_BYTES
from keys.durable import read_file
from keys.errors import ConfigurationError, FormatError, NotFoundError
from keys.fields import Fields
from keys.providers.limits import MAX_URI_CHARS
from keys.strict import loads_json

_KEY_ID: Final = re.compile(r"[0-9a-f]{64}")
_SERVERS: Final = re.compile(r"_server/(tsa-ca|tsa|sigstore-(root|ca|ct|oidc))")
_WORKSPACES: Final = re.compile(
    r"[a-z][a-z0-9-]{0,62}/(root|targets|log|control-plane-admin|identity-.{1,64}"
    r"|(snapshot|timestamp|release)(-([2-9]|[1-9][0-9]{1,3}))?)"
)


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where one key is.

    Attributes:
        uri: As ``keys.providers`` opens it.
        key_id: SHA-256 of the registered key's SPKI, hex.
    """

    uri: str
    key_id: str


KeyPlaces = Mapping[tuple[str, str], KeyPlace]


def read_key_places(path: Path) -> KeyPlaces:
    """Read the file.

    Raises:
        ConfigurationError: It is not there, not of that form, names a purpose that
            there is not, or one key twice.
    """
    try:
        data = read_file(path, max_bytes=MAX_KEY_PLACES_BYTES)
        fields = Fields(loads_json(data, max_bytes=MAX_KEY_PLACES_BYTES), "keys_file")
        entries = fields.objects("keys", max_items=MAX_KEY_PLACES)
        fields.done()
        places = [_read(entry) for entry in entries]
    except (FormatError, NotFoundError) as error:
        raise ConfigurationError(f"keys_file {path}: {error}") from error
    found = dict(places)
    if len(found) != len(places) or len({p.key_id for p in found.values()}) != len(
        found
    ):
        raise ConfigurationError(
            f"keys_file {path}: expected each purpose and each key once, got one twice",
            hint="one key, one purpose",
        )
    return found


def _read(entry: Fields) -> tuple[tuple[str, str], KeyPlace]:
    owner, purpose = entry.text("owner"), entry.text("purpose")
    place = KeyPlace(entry.text("uri", max_chars=MAX_URI_CHARS), entry.text("key_id"))
    entry.done()
    name = f"{owner}/{purpose}"
    if not _SERVERS.fullmatch(name) and not _WORKSPACES.fullmatch(name):
        raise ConfigurationError(
            f"{entry.where}: expected a purpose of the server, got {name[:80]!r}"
        )
    if not _KEY_ID.fullmatch(place.key_id):
        raise ConfigurationError(
            f"{entry.where}: expected a key_id of 64 hex digits, got another",
            hint="trustacks keys show URI prints it",
        )
    return (owner, purpose), place
