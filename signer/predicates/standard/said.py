# SPDX-License-Identifier: Apache-2.0
"""Whose word a standard predicate is: an extension field, named by a URI of ours.

in-toto's predicates have no workspace and no signer. Its parsing rules let a producer
add fields whose names are URIs, and consumers who do not know them skip them.

Source: in-toto attestation v1, spec/v1/README.md, parsing rules, extension fields.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

from keys.digest import Digest
from keys.fields import Fields
from signer.predicates.base import PREFIX
from signer.predicates.parts import must

SAID: Final = f"{PREFIX}said/v1"
# Descriptors in one list: rules, tests and attestations of the largest release.
MAX_DESCRIPTORS: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Whose word it is.

    Attributes:
        workspace: SHA-256 of the genesis root.
        identity: Who signs.
    """

    workspace: Digest
    identity: str

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read the extension field of a predicate."""
        inner = fields.object(SAID)
        said = cls(workspace=inner.digest("workspace"), identity=inner.text("identity"))
        inner.done()
        return said

    def to_json(self) -> dict[str, Any]:
        """Return the field, to be put in a predicate."""
        said = {"workspace": str(self.workspace), "identity": self.identity}
        return {SAID: said}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What all standard predicates have in common.

    Attributes:
        said: Whose word; also the builder, or the verifier.
    """

    said: Said

    @property
    def workspace(self) -> Digest:
        """SHA-256 of the genesis root."""
        return self.said.workspace

    @property
    def signer(self) -> str:
        """The id that signs."""
        return self.said.identity

    @property
    def namespaces(self) -> frozenset[str]:
        """None: it decides about no rule."""
        return frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Something that is referred to: by digest, by URI, or both.

    Attributes:
        name: For people.
        digest: SHA-256 of its bytes, if it has some.
        uri: Where or what it is.
        commit: 40 or 64 hex digits, if it is a commit.

    Source: in-toto attestation v1, spec/v1/resource_descriptor.md.
    """

    name: str
    digest: Digest | None = None
    uri: str | None = None
    commit: str | None = None

    def __post_init__(self) -> None:
        known = self.digest or self.uri or self.commit
        must(bool(known), "a digest or a URI of each resource")
        must(not (self.digest and self.commit), "one kind of digest of each resource")

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse a descriptor as it is written here."""
        digest = commit = None
        if fields.has("digest"):
            inner = fields.object("digest")
            if inner.has("sha256"):
                digest = Digest(inner.text("sha256"))
            else:
                commit = inner.text("gitCommit")
            inner.done()
        uri = fields.text("uri") if fields.has("uri") else None
        resource = cls(name=fields.text("name"), digest=digest, uri=uri, commit=commit)
        fields.done()
        return resource

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        said: dict[str, Any] = {"name": self.name}
        if self.uri:
            said["uri"] = self.uri
        if self.digest:
            said["digest"] = {"sha256": self.digest.hex}
        if self.commit:
            said["digest"] = {"gitCommit": self.commit}
        return said


def read_resources(fields: Fields, name: str) -> tuple[Resource, ...]:
    """Read a list of descriptors."""
    found = fields.objects(name, max_items=MAX_DESCRIPTORS)
    return tuple(map(Resource.parse, found))


def write_resources(resources: tuple[Resource, ...]) -> list[dict[str, Any]]:
    """Write a list of descriptors."""
    return [one.to_json() for one in resources]
