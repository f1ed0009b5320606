# SPDX-License-Identifier: Apache-2.0
"""The archive is the one that was released, and holds what the release lists.

Confinement is judged here again from the Rego itself, with the function that signer
and publisher use; nobody's word for it counts (DESIGN 3.4).
"""

from collections.abc import Mapping, Sequence

from bundle.archive import unpack
from bundle.build import INVENTORY_PATH, MANIFEST_PATH
from bundle.confine import check_confined
from bundle.decide import Stack
from bundle.errors import InventoryMismatchError
from bundle.gate.errors import InventoryNotReleasedError, ManifestRevisionError
from bundle.inventory import build_inventory
from bundle.layers import Layer
from bundle.manifest import parse_manifest
from bundle.rego.engine import Engine
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
    files: Mapping[str, bytes], engine: Engine
) -> tuple[RuleModule, ...]:
    """Check confinement of everything in the bundle and read its rules.

    Raises:
        ConfinementError: A file, package, reference or builtin that is not allowed.
        RegoParseError: A rule that does not parse.
    """
    return check_confined(_rego(files), parse=engine.parse)


def check_inventory(
    files: Mapping[str, bytes], rules: Sequence[RuleModule], release: ReleasePredicate
) -> None:
    """Refuse a difference, either way, between archive and released inventory.

    Raises:
        InventoryNotReleasedError: A rule more, less, or with other bytes.
        InventoryMismatchError: The inventory file is not the one the rules make.
    """
    shipped = {rule.rule_id: Digest.of(rule.source) for rule in rules}
    listed = {entry.rule_id: entry.rule for entry in release.inventory}
    for rule_id in sorted(shipped.keys() | listed.keys()):
        if shipped.get(rule_id) != listed.get(rule_id):
            raise InventoryNotReleasedError(
                f"rule {rule_id}: expected {listed.get(rule_id)} as released, "
                f"got {shipped.get(rule_id)}"
            )
    if files.get(INVENTORY_PATH) != build_inventory(rules):
        raise InventoryMismatchError(
            f"expected the {INVENTORY_PATH} that the rules make, got another"
        )


def check_files(files: Mapping[str, bytes], rules: Sequence[RuleModule]) -> None:
    """Refuse a file that is neither rule, manifest nor inventory.

    Raises:
        InventoryNotReleasedError: A file that nothing accounts for.
    """
    known = {MANIFEST_PATH, INVENTORY_PATH} | {rule.path for rule in rules}
    for path in sorted(files.keys() ^ known):
        raise InventoryNotReleasedError(f"expected {len(known)} known files, got {path}")


def check_compiles(
    engine: Engine,
    *,
    constitution: Layer,
    packs: Sequence[Layer],
    rules: Sequence[RuleModule],
) -> None:
    """Refuse layers that do not compile together, or a constitution not alone.

    Raises:
        RegoCompileError: They do not.
        EvaluationError: The engine gave no answer.
    """
    Stack(engine, constitution=constitution, packs=packs, rules=rules).close()


def _rego(files: Mapping[str, bytes]) -> dict[str, bytes]:
    meta = {MANIFEST_PATH, INVENTORY_PATH}
    return {path: data for path, data in files.items() if path not in meta}
