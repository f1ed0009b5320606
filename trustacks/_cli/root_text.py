# SPDX-License-Identifier: Apache-2.0
"""Shows a root, signed or not: whose keys, how many must agree, who signed."""

from tuf.api.metadata import Root

from bundle.tuf.keys import identify, is_external
from bundle.tuf.metadata import parse_metadata
from bundle.tuf.roles import ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from keys.clock import format_instant


def root_text(data: bytes) -> str:
    """Return a root for people, a line for each key.

    Raises:
        FormatError: Not a root.
    """
    metadata = parse_metadata(data, Root, ROOT)
    root = metadata.signed
    lines = [f"root {root.version}, until {format_instant(root.expires)}"]
    for name in (ROOT, TARGETS, SNAPSHOT, TIMESTAMP):
        role = root.roles[name]
        lines.append(f"  {name}: {role.threshold} of {len(role.keyids)}")
        for keyid in role.keyids:
            key = root.get_key(keyid)
            custody = "external" if is_external(key) else "control-plane"
            signed = ", signed" if name == ROOT and keyid in metadata.signatures else ""
            lines.append(f"    {identify(key)[:16]}  {custody}{signed}")
    return "\n".join(lines)
