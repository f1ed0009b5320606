# SPDX-License-Identifier: Apache-2.0
"""The rules of the newest release, kept beside the pin for authors.

They were verified when they were written: released by the workspace's release identity
and equal, byte for byte, to what the release lists. ``rule lint`` compares new versions
with them many times a day; here they are checked by digest alone, without loading TUF
or cryptography. Nothing that is signed relies on this copy alone: ``rule sign``,
``rule approve`` and ``rule lint --attest`` refresh it first, and take digests from the
release itself.

Order of writes: rules under their digests, then ``released.json``, which names them.
"""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bundle.rego.limits import MAX_MODULE_BYTES
from keys.digest import Digest
from keys.durable import make_directory, read_file, write_file
from keys.errors import (
    FieldFormatError,
    LimitExceededError,
    NotFoundError,
    StorageUnavailableError,
)
from keys.fields import Fields
from keys.strict import dumps_json, loads_json
from trustacks.limits import MAX_RELEASED_BYTES

FORMAT: Final = "https://trustacks.com/formats/client-released/v1"


def store_released(directory: Path, revision: int, rules: Mapping[str, bytes]) -> None:
    """Keep the verified rules of a release.

    Args:
        directory: What is pinned of the workspace.
        revision: Of the release.
        rules: Rego by rule id.

    Raises:
        StorageUnavailableError: What was kept before is still what is read.
    """
    folder = directory / "released"
    make_directory(folder, mode=0o700)
    digests = {rule_id: Digest.of(data) for rule_id, data in rules.items()}
    for rule_id, data in rules.items():
        _keep(_path(folder, digests[rule_id]), data)
    document = {
        "format": FORMAT,
        "revision": revision,
        "rules": {rule_id: str(digest) for rule_id, digest in digests.items()},
    }
    write_file(folder / "released.json", dumps_json(document))


def previous_from_release(directory: Path, rule_id: str) -> bytes | None:
    """Return a rule as the newest release that was seen has it, or None.

    Args:
        directory: What is pinned of the workspace.
        rule_id: Which rule.

    Raises:
        FormatError: ``released.json`` is not one.
        StorageUnavailableError: The rule is not what it was.
    """
    rules = released_digests(directory)
    if rule_id not in rules:
        return None
    return _read(directory / "released", rules[rule_id])


def released_digests(directory: Path) -> dict[str, Digest]:
    """Return the rules of the newest release that was seen; none if none was.

    Raises:
        FormatError: ``released.json`` is not one.
    """
    path = directory / "released" / "released.json"
    try:
        data = read_file(path, max_bytes=MAX_RELEASED_BYTES)
    except NotFoundError:
        return {}
    value = loads_json(data, max_bytes=MAX_RELEASED_BYTES, what="released.json")
    fields = Fields(value, "released")
    fields.constant("format", FORMAT)
    fields.integer("revision", minimum=1)
    rules = fields.mapping("rules")
    fields.done()
    return {rule_id: _digest(text) for rule_id, text in rules.items()}


def _keep(path: Path, data: bytes) -> None:
    """Write a file, unless it is there already as it should be."""
    with contextlib.suppress(NotFoundError, LimitExceededError):
        if read_file(path, max_bytes=MAX_MODULE_BYTES) == data:
            return
    write_file(path, data)


def _digest(text: Any) -> Digest:
    if not isinstance(text, str):
        raise FieldFormatError("released.rules: expected digests, got something else")
    return Digest.parse(text)


def _read(folder: Path, digest: Digest) -> bytes:
    path = _path(folder, digest)
    try:
        data = read_file(path, max_bytes=MAX_MODULE_BYTES)
    except NotFoundError:
        data = b""
    if Digest.of(data) != digest:
        raise StorageUnavailableError(
            f"expected {digest} at {path}, got other bytes",
            hint="fetch it again: trustacks login",
        )
    return data


def _path(folder: Path, digest: Digest) -> Path:
    return folder / f"{digest.hex}.rego"
