# SPDX-License-Identifier: Apache-2.0
"""The archive is the one that was released, and holds what the release lists.

Confinement is judged here again from the Rego itself, with the function that signer
and publisher use; nobody's word for it counts (DESIGN 3.4).
"""

from collections.abc import Mapping, Sequence

from bundle.archive import unpack
from bundle.build import INVENTORY_PATH, MANIFEST_PATH
from bundle.confine import check_confined
from bundle.errors import InventoryMismatchError
from bundle.gate.errors import InventoryNotReleasedError, ManifestRevisionError
from bundle.inventory import build_inventory
from bundle.manifest import parse_manifest
from bundle.parameter_paths import parameter_paths
from bundle.rego.engine import Engine, Module
from bundle.rule import RuleModule
from keys.digest import Digest
from signer.predicates.release import ReleasePredicate


def open_archive(archive: bytes) -> dict[str, bytes]:
    """Unpack the OPA bundle strictly.

    Raises:
        FormatError: Not the one encoding, or a member that no bundle has.
    """
    return unpack(archive)


def check_manifest(files: Mapping[str, bytes], revision: int) -> None:
    """Refuse a manifest of another revision or other roots.

    Raises:
        ManifestRevisionError: Another revision, or no manifest.
        ManifestFormatError: Not the manifest of an overlay.
    """
    if MANIFEST_PATH not in files:
        raise ManifestRevisionError("expected a .manifest, got none")
    manifest = parse_manifest(files[MANIFEST_PATH])
    if manifest.revision != revision:
        raise ManifestRevisionError(
            f"expected revision {revision} in the manifest, got {manifest.revision}"
        )


def open_rules(
    files: Mapping[str, bytes], engine: Engine, parents: Sequence[Module]
) -> tuple[RuleModule, ...]:
    """Check confinement of everything in the bundle and read its rules.

    Args:
        files: The archive's.
        engine: Parses.
        parents: The pinned layers' Rego: rules may read the parameters they declare.

    Raises:
        ConfinementError: A file, package, reference or builtin that is not allowed.
        RegoParseError: A rule that does not parse.
    """
    paths = parameter_paths(parents, engine=engine)
    return check_confined(_rego(files), parse=engine.parse, parameters=paths)


def check_released(rules: Sequence[RuleModule], release: ReleasePredicate) -> None:
    """Refuse a difference, either way, between the archive and what was released.

    Raises:
        InventoryNotReleasedError: A rule more, less, or with other bytes.
    """
    shipped = {rule.rule_id: Digest.of(rule.source) for rule in rules}
    listed = {item.rule_id: item.rule for item in release.inventory}
    for rule_id in sorted(shipped.keys() | listed.keys()):
        if shipped.get(rule_id) != listed.get(rule_id):
            raise InventoryNotReleasedError(
                f"rule {rule_id}: expected {listed.get(rule_id)} as released, "
                f"got {shipped.get(rule_id)}"
            )


def check_inventory(files: Mapping[str, bytes], rules: Sequence[RuleModule]) -> None:
    """Refuse an inventory file that is not the one that the rules make.

    Raises:
        InventoryMismatchError: Another one, or none.
    """
    if files.get(INVENTORY_PATH) != build_inventory(rules):
        raise InventoryMismatchError(
            f"expected the {INVENTORY_PATH} that the rules make, got another"
        )


def _rego(files: Mapping[str, bytes]) -> dict[str, bytes]:
    meta = {MANIFEST_PATH, INVENTORY_PATH}
    return {path: data for path, data in files.items() if path not in meta}
