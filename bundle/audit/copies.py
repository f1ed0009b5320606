# SPDX-License-Identifier: Apache-2.0
"""Files of a pack that no leaf of the log is about, and copies that are none.

Below ``chain/`` lie copies of what is in the log: releases, their further signatures,
and what they changed. Runners were given them; so must be the auditor.
"""

from collections.abc import Collection
from typing import Final

from bundle.audit.errors import EntryAlteredError, EvidenceUnloggedError
from bundle.audit.findings import Findings
from bundle.audit.pack import Pack
from bundle.chain_names import CHAIN, chain_name, cosigned_name
from keys.digest import Digest
from signer.attestation import parse_attestation, parse_jsonl

ATTESTATIONS: Final = "attestations/"


def report_unlogged(
    pack: Pack,
    logged: Collection[str],
    leaves: Collection[tuple[Digest, str]],
    findings: Findings,
) -> None:
    """Name attestations that no leaf is about.

    Args:
        pack: Where they are.
        logged: Names of those that a leaf is about.
        leaves: Digest and key hint of every leaf.
        findings: Where findings go.
    """
    digests = {digest for digest, _ in leaves}
    copies = {*map(chain_name, digests), *map(cosigned_name, digests)}
    for name in pack.names(ATTESTATIONS) + pack.names(CHAIN):
        if name not in copies and name not in logged:
            error = EvidenceUnloggedError("expected a leaf of the log for it, got none")
            findings.add(error, name)
    for name in pack.names(CHAIN):
        with findings.at(name):
            _require_copies(name, pack.get(name), leaves)


def _require_copies(
    name: str, content: bytes, leaves: Collection[tuple[Digest, str]]
) -> None:
    """Refuse a file below ``chain/`` that is not what its name says.

    Raises:
        EntryAlteredError: It is another attestation.
        EvidenceUnloggedError: A further signature that the log does not have.
        FormatError: It is none.
    """
    further = name.endswith(".jsonl")
    for raw in parse_jsonl(content) if further else (content,):
        found = parse_attestation(raw)
        digest = found.digest
        if name != (cosigned_name(digest) if further else chain_name(digest)):
            raise EntryAlteredError(f"expected the attestation of its name: {digest}")
        if further and (digest, found.hint) not in leaves:
            raise EvidenceUnloggedError(
                f"expected a leaf of the log for each signature of {digest}, got none"
            )
