# SPDX-License-Identifier: Apache-2.0
"""An overlay's rules become one OPA bundle; the same rules, the same bytes.

::

    .manifest                          revision, roots, Rego version
    rule_inventory.json                what the rules say of themselves
    rules/<rule_id>/<rule_id>.rego     each rule, as its author signed it

Tests and attestations are not shipped inside: tests are not policy, and the bundle
must have its digest before anybody can attest it. What the Runner would refuse for its
confinement is not built.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, Self

from bundle.archive import gzip_stored, pack_tar
from bundle.confine import Parameters, Parse, check_confined
from bundle.inventory import INVENTORY_PATH, build_inventory
from bundle.manifest import MANIFEST_PATH, Manifest
from keys.digest import Digest
from keys.errors import UsageError

__all__ = [
    "INVENTORY_PATH",
    "MANIFEST_PATH",
    "BuiltBundle",
    "Contents",
    "build_bundle",
    "rule_path",
]


class RuleSource(Protocol):
    """A rule in an overlay folder; ``bundle.overlay.RuleFiles`` is one."""

    @property
    def rule_id(self) -> str:
        """The rule's id."""

    @property
    def rule(self) -> bytes:
        """The bytes of its Rego file."""


@dataclass(frozen=True, slots=True)
class Contents:
    """All of an OPA bundle but its revision: rules, confined, and their inventory.

    Attributes:
        files: What is inside, by path.
    """

    files: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def of(
        cls, rules: Iterable[RuleSource], *, parse: Parse, parameters: Parameters = ()
    ) -> Self:
        """Check rules, and say what they say of themselves.

        Args:
            rules: The overlay's rules; none is an overlay that adds nothing.
            parse: ``Engine.parse``.
            parameters: Paths that the parents declare, which rules may read.

        Raises:
            ConfinementError: A rule could do more than add denies.
            LimitExceededError: More or larger rules than a bundle may hold.
            UsageError: One rule id twice.
        """
        sources = _by_path(rules)
        modules = check_confined(sources, parse=parse, parameters=parameters)
        return cls({INVENTORY_PATH: build_inventory(modules), **sources})

    def bundle(self, revision: int) -> "BuiltBundle":
        """Return the bundle of a revision, from 1.

        Raises:
            LimitExceededError: It is larger than a bundle may be.
            UsageError: No such revision.
        """
        files = {MANIFEST_PATH: Manifest(revision).to_bytes(), **self.files}
        tar = pack_tar(files)
        archive = gzip_stored(tar)
        return BuiltBundle(archive, Digest.of(tar), Digest.of(archive), files)


@dataclass(frozen=True, slots=True)
class BuiltBundle:
    """An OPA bundle.

    Attributes:
        archive: ``bundle.tar.gz``.
        content: SHA-256 of the tar inside: the content digest.
        digest: SHA-256 of the archive.
        files: What is inside, by path.
    """

    archive: bytes = field(repr=False)
    content: Digest
    digest: Digest
    files: Mapping[str, bytes] = field(repr=False)


def build_bundle(
    rules: Iterable[RuleSource],
    *,
    revision: int,
    parse: Parse,
    parameters: Parameters = (),
) -> BuiltBundle:
    """Build the OPA bundle of a release: ``Contents.of``, then ``Contents.bundle``.

    Raises:
        ConfinementError: A rule could do more than add denies.
        LimitExceededError: More or larger rules than a bundle may hold.
        UsageError: No such revision, or one rule id twice.
    """
    return Contents.of(rules, parse=parse, parameters=parameters).bundle(revision)


def rule_path(rule_id: str) -> str:
    """Return where a rule lies in a bundle."""
    return f"rules/{rule_id}/{rule_id}.rego"


def _by_path(rules: Iterable[RuleSource]) -> dict[str, bytes]:
    sources: dict[str, bytes] = {}
    for rule in rules:
        path = rule_path(rule.rule_id)
        if path in sources:
            raise UsageError(f"expected each rule once, got {rule.rule_id} twice")
        sources[path] = rule.rule
    return sources
