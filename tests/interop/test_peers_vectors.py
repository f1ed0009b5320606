# SPDX-License-Identifier: Apache-2.0
"""The vectors, asked of stock cosign: where it answers otherwise is written down.

docs/guides/interop.md has the table, with the reasons; it is read here.
"""

import json
import re
from pathlib import Path

import pytest

from keys.errors import TrustacksError
from keys.strict import b64decode, dumps_json
from tests.simulators.vectors import FOLDER, read

PAGE = Path(__file__).parents[2] / "docs/guides/interop.md"
# By name: whether we accept, and our code if not.
DIFFERS = {
    name: (said == "accepts", code or None)
    for name, said, code in re.findall(
        r"^\| `([a-z0-9-]+)` \| (accepts|refuses)(?: `([a-z0-9-]+)`)?",
        PAGE.read_text(),
        re.MULTILINE,
    )
}
VECTORS = [read(path) for path in sorted(FOLDER.glob("*.json"))]


def words(vector: dict, folder: Path) -> list[object]:
    """Return the command that asks cosign the same question."""
    files = {
        "bundle": vector["bundle"].encode(),
        "root": dumps_json(vector["trusted_root"]),
        "file": b64decode(vector["artifact"]),
        "key": vector["policy"].get("key", "").encode(),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [
        *_command(vector["bundle"]),
        *_signer(vector["policy"], folder),
        f"--bundle={folder / 'bundle'}",
        f"--trusted-root={folder / 'root'}",
        folder / "file",
    ]


def _command(bundle: str) -> tuple[str, ...]:
    try:
        envelope = json.loads(bundle)["dsseEnvelope"]
        payload = json.loads(b64decode(envelope["payload"]))
        return "verify-blob-attestation", f"--type={payload['predicateType']}"
    except (TrustacksError, ValueError, KeyError, TypeError):
        is_statement = "dsseEnvelope" in bundle
        return ("verify-blob-attestation" if is_statement else "verify-blob",)


def _signer(who: dict, folder: Path) -> list[str]:
    asked = ["--use-signed-timestamps"] if who["authorities"] else []
    if who["logs"] == 0:
        asked.append("--insecure-ignore-tlog")
    if "key" in who:
        return [f"--key={folder / 'key'}", *asked]
    name = "identity" if "subject" in who else "identity-regexp"
    subject = who.get("subject", who.get("subject_pattern"))
    issuer = f"--certificate-oidc-issuer={who['issuer']}"
    return [issuer, f"--certificate-{name}={subject}", *asked]


@pytest.mark.interop
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_where_cosign_answers_otherwise_is_written_down(vector, cosign, tmp_path):
    ours = vector["expected"] is None

    theirs = cosign.run(*words(vector, tmp_path)).code == 0

    assert (ours != theirs) == (vector["name"] in DIFFERS)


def test_the_table_says_of_us_what_is_so():
    expected = {one["name"]: one["expected"] for one in VECTORS}

    for name, (accepted, code) in DIFFERS.items():
        assert (expected[name], accepted) == (code, code is None), name
