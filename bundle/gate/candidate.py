# SPDX-License-Identifier: Apache-2.0
"""The bytes that the gate judges: everything about one release, nothing believed.

The Runner fills it from TUF, the publisher from what it is about to publish, the
auditor from an evidence pack. Equal bytes, equal result.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from keys.digest import Digest

POLICY_TARGET: Final = "trust/policy.json"
TRUSTED_ROOT_TARGET: Final = "trust/trusted_root.json"
CONSTITUTION_TARGET: Final = "layers/constitution.tar.gz"
CONSTITUTION_SIGNATURE_TARGET: Final = "layers/constitution.sigstore.json"


def pack_target(name: str) -> str:
    """Return the TUF target of a pack's archive."""
    return f"layers/packs/{name}.tar.gz"


def pack_signature_target(name: str) -> str:
    """Return the TUF target of a pack's attestation."""
    return f"layers/packs/{name}.sigstore.json"


def bundle_target(revision: int) -> str:
    """Return the TUF target of a release's OPA bundle."""
    return f"overlay/{revision}/bundle.tar.gz"


def attestations_target(revision: int) -> str:
    """Return the TUF target of a release's attestations."""
    return f"overlay/{revision}/attestations.sigstore.jsonl"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A release and what it stands on, as bytes.

    Attributes:
        roots: TUF roots from the pinned one (first) to the newest.
        targets: Newest TUF targets.
        release_role: The delegated role's metadata that lists the releases, if any.
        policy: Trust policy.
        trusted_root: Sigstore TrustedRoot: logs and timestamp authorities.
        constitution: The constitution's archive.
        constitution_attestation: Its publisher's attestation.
        packs: Archives by pack name.
        pack_attestations: Publishers' attestations by pack name.
        revision: The revision that ``bundle`` and ``attestations`` are of.
        bundle: The OPA bundle, gzip.
        attestations: JSON lines: the release attestation, one per rule, and those of
            other principals that release and rules rest on.
        chain: Earlier release attestations: the predecessor first, back to and with
            the one that is known (mark or floor), or to the first release.
        cosigned: Further signatures of those releases, by their digest.
        moved: Attestations of what those releases changed, in any order.
        named: Attestations of the releases that the trust policy names by digest, in
            any order.
    """

    roots: tuple[bytes, ...]
    targets: bytes
    release_role: bytes | None
    policy: bytes
    trusted_root: bytes
    constitution: bytes
    constitution_attestation: bytes
    revision: int
    bundle: bytes
    attestations: bytes
    packs: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    pack_attestations: Mapping[str, bytes] = field(
        default_factory=lambda: MappingProxyType({})
    )
    chain: tuple[bytes, ...] = ()
    cosigned: Mapping[Digest, tuple[bytes, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    moved: tuple[bytes, ...] = ()
    named: tuple[bytes, ...] = ()

    def trust_files(self) -> dict[str, bytes]:
        """Return the files that top-level targets list, by target name."""
        files = {
            POLICY_TARGET: self.policy,
            TRUSTED_ROOT_TARGET: self.trusted_root,
            CONSTITUTION_TARGET: self.constitution,
            CONSTITUTION_SIGNATURE_TARGET: self.constitution_attestation,
        }
        files |= {pack_target(n): data for n, data in self.packs.items()}
        files |= {
            pack_signature_target(n): data for n, data in self.pack_attestations.items()
        }
        return files

    def overlay_files(self) -> dict[str, bytes]:
        """Return the files that the release role lists, by target name."""
        return {
            bundle_target(self.revision): self.bundle,
            attestations_target(self.revision): self.attestations,
        }
