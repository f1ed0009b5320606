# SPDX-License-Identifier: Apache-2.0
"""Shows a root, signed or not: whose keys, how many must agree, who signed."""

from collections.abc import Iterator, Mapping

from securesystemslib.signer import Key
from tuf.api.metadata import Root

from bundle.tuf.keys import identify, is_external
from bundle.tuf.metadata import parse_metadata
from bundle.tuf.roles import ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from keys.clock import format_instant


def root_text(data: bytes, previous: Root | None = None) -> str:
    """Return a root for people, a line for each key.

    Args:
        data: The root.
        previous: The one before, to mark who comes and who leaves.

    Raises:
        FormatError: Not a root.
    """
    metadata = parse_metadata(data, Root, ROOT)
    root, signed = metadata.signed, frozenset(metadata.signatures)
    lines = [f"root {root.version}, until {format_instant(root.expires)}"]
    for name in (ROOT, TARGETS, SNAPSHOT, TIMESTAMP):
        role = root.roles[name]
        lines.append(f"  {name}: {role.threshold} of {len(role.keyids)}")
        lines += _keys(root, previous, name, signed if name == ROOT else frozenset())
    return "\n".join(lines)


def needed_text(needed: Mapping[str, int]) -> str:
    """Return how many more admins must sign, as each root asks."""
    open_ = [f"{count} more for root {v}" for v, count in needed.items() if count]
    return f"still to sign: {', '.join(open_)}" if open_ else "signed by enough admins"


def _keys(
    root: Root, previous: Root | None, role: str, signed: frozenset[str]
) -> Iterator[str]:
    """Yield a line for each key of a role, and for each that leaves it."""
    before = _of(previous, role) if previous else _of(root, role)
    now = _of(root, role)
    for spki, key in {**now, **before}.items():
        notes = [
            "external" if is_external(key) else "control-plane",
            *(["new"] if spki not in before else []),
            *(["leaves"] if spki not in now else []),
            *(["signed"] if key.keyid in signed else []),
        ]
        yield f"    {spki[:16]}  {', '.join(notes)}"


def _of(root: Root, role: str) -> dict[str, Key]:
    keys = [root.get_key(keyid) for keyid in root.roles[role].keyids]
    return {identify(key): key for key in keys}
