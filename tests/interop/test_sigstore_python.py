# SPDX-License-Identifier: Apache-2.0
"""The same vectors for the Python client: where it answers otherwise is written down.

What we accept and it refuses is something that it does not support; what it accepts and
we refuse is the reason that the verifier is ours. docs/formats/sigstore-bundle.md has
the same table for people.
"""

import re
from pathlib import Path

import pytest
from sigstore.models import Bundle
from sigstore.models import TrustedRoot as TheirRoot
from sigstore.verify import Verifier, policy

from keys.digest import Digest
from keys.strict import b64decode, dumps_json
from signer.statement import read_digests
from tests.simulators.vectors import FOLDER, read

PAGE = Path(__file__).parents[2] / "docs/formats/sigstore-bundle.md"
VECTORS = [
    v for v in map(read, sorted(FOLDER.glob("*.json"))) if "subject" in v["policy"]
]
# What sigstore-python 4.5.1 refuses and we accept, and the other way round.
ONLY_OURS = {
    "a-critical-extended-key-usage",
    "a-dsse-entry-of-rekor-v2",
    "a-user-name-as-the-subject",
    "an-intoto-entry-of-rekor-v1",
    "an-issuer-in-the-older-extension-only",
    "numbers-that-are-no-text",
    "parts-of-a-root-that-are-listed-twice",
    "parts-of-a-root-that-nobody-can-use",
    "parts-of-a-root-without-windows",
    "two-logs",
    "zeros-that-are-left-out",
}
ONLY_THEIRS = {
    "a-ca-for-servers",
    "a-certificate-for-two-purposes",
    "a-chain-with-the-root",
    "a-checkpoint-of-another-tree-of-the-log-s-key",
    "a-good-timestamp-with-a-false-one-beside-it",
    "a-key-of-json-twice",
    "a-payload-that-is-no-statement",
    "a-retired-ca",
    "a-retired-log",
    "a-retired-log-of-certificates",
    "a-retired-log-of-certificates-that-dates-back",
    "a-size-that-is-not-the-checkpoint-s",
    "an-entry-with-a-field-that-nobody-reads",
    "base64-with-a-blank",
    "base64-with-stray-bits",
    "one-authority-twice",
    "two-authorities-of-one-operator",
    "two-indices-of-one-leaf",
    "two-subjects",
}


def theirs(vector: dict, folder: Path) -> bool:
    """Whether the Python client accepts, and the subject is what its caller checks."""
    root = folder / "root.json"
    root.write_bytes(dumps_json(vector["trusted_root"]))
    who = vector["policy"]
    wanted = policy.AllOf(
        [
            policy.Identity(identity=who["subject"]),
            policy.OIDCIssuerV2(who["issuer"]),
        ]
    )
    artifact = b64decode(vector["artifact"])
    try:
        verifier = Verifier(trusted_root=TheirRoot.from_file(str(root)))
        bundle = Bundle.from_json(vector["bundle"].encode())
        if bundle._dsse_envelope is None:
            verifier.verify_artifact(artifact, bundle, wanted)
            return True
        _, payload = verifier.verify_dsse(bundle, wanted)
        return Digest.of(artifact) in read_digests(payload)
    except Exception:  # noqa: BLE001 - its errors have no common class
        return False


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_where_the_python_client_answers_otherwise_is_written_down(vector, tmp_path):
    name, ours = vector["name"], vector["expected"] is None

    answered = theirs(vector, tmp_path)

    assert (name in ONLY_OURS, name in ONLY_THEIRS) == (
        ours and not answered,
        answered and not ours,
    )


def test_the_page_explains_each_of_them():
    named = set(
        re.findall(
            r"^\| `([a-z0-9-]+)` \| (?:accepts|refuses) ",
            PAGE.read_text(),
            re.MULTILINE,
        )
    )

    assert named == ONLY_OURS | ONLY_THEIRS
