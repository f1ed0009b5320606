# SPDX-License-Identifier: Apache-2.0
"""SLSA's ``provenance/v1``: what a release's bundle was built from, completely.

Numbers that must not become fractions in other readers are text.

Source: SLSA v1.0, provenance; in-toto attestation v1, resource_descriptor.md.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from signer.errors import PredicateFormatError
from signer.predicates.base import PROVENANCE
from signer.predicates.parts import must
from signer.predicates.standard.said import (
    Resource,
    Said,
    Told,
    read_resources,
    write_resources,
)

BUILD_TYPE: Final = "https://trustacks.com/buildtypes/overlay/v1"
RELEASE: Final = "release"


def identity_uri(said: Said) -> str:
    """Return how other tools name an identity of a workspace."""
    return (
        f"https://trustacks.com/workspaces/{said.workspace.hex}"
        f"/identities/{said.identity}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenancePredicate(Told):
    """How a bundle was built.

    Attributes:
        revision: Which release.
        built_with: Version of the builder.
        built_at: When.
        dependencies: Every rule, test and attestation, the layers below, the trust, and
            the commit: the complete inventory.
        release: SHA-256 of the PAE of the release attestation.
    """

    type: ClassVar[str] = PROVENANCE
    revision: int
    built_with: str
    built_at: datetime
    dependencies: tuple[Resource, ...]
    release: Digest

    @classmethod
    def parse(cls, predicate: dict[str, Any]) -> Self:
        """Parse the predicate as it is written here.

        Raises:
            FormatError: Another shape.
        """
        fields = Fields(predicate, "provenance")
        said = Said.read(fields)
        revision, dependencies = _read_definition(
            fields.object("buildDefinition"), said
        )
        details = fields.object("runDetails")
        builder = details.object("builder")
        builder.constant("id", identity_uri(said))
        version = builder.object("version")
        byproducts = read_resources(details, "byproducts")
        must(len(byproducts) == 1, "the release, and no other byproduct")
        metadata = details.object("metadata")
        parsed = cls(
            said=said,
            revision=revision,
            built_with=version.text("trustacks"),
            built_at=metadata.instant("finishedOn"),
            dependencies=dependencies,
            release=_digest(byproducts[0]),
        )
        for one in (version, builder, metadata, details, fields):
            one.done()
        return parsed

    def to_json(self) -> dict[str, Any]:
        """Return the predicate as a document."""
        release = Resource(name=RELEASE, digest=self.release)
        return {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "workspace": str(self.workspace),
                    "revision": str(self.revision),
                },
                "resolvedDependencies": write_resources(self.dependencies),
            },
            "runDetails": {
                "builder": {
                    "id": identity_uri(self.said),
                    "version": {"trustacks": self.built_with},
                },
                "metadata": {"finishedOn": format_instant(self.built_at)},
                "byproducts": [release.to_json()],
            },
            **self.said.to_json(),
        }


def _digest(resource: Resource) -> Digest:
    digest = resource.digest
    if digest is None:
        raise PredicateFormatError(f"expected a digest of {resource.name}, got none")
    return digest


def _read_definition(fields: Fields, said: Said) -> tuple[int, tuple[Resource, ...]]:
    fields.constant("buildType", BUILD_TYPE)
    outer = fields.object("externalParameters")
    outer.constant("workspace", str(said.workspace))
    text = outer.text("revision", max_chars=16)
    must(text.isdecimal() and text == str(int(text)), "a revision in digits")
    must(int(text) > 0, "a revision from 1")
    dependencies = read_resources(fields, "resolvedDependencies")
    outer.done()
    fields.done()
    return int(text), dependencies
