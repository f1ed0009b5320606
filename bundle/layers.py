# SPDX-License-Identifier: Apache-2.0
"""Constitution and packs: the parents of an overlay, as pinned archives.

A layer is ``layer.json`` and Rego files in the deterministic archive of
``bundle.archive``. Decisions are asked for by path: the constitution's rules are in
``package proposal``, a pack's in ``package pack.<name>`` (with ``_`` for ``-``), and
what the platform offers to overlays is in ``package overlay_lib``, which ships inside
the constitution. Who published an archive is the question of ``signer.verify``.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bundle.archive import gzip_stored, pack_tar, unpack
from bundle.errors import LayerFormatError
from bundle.limits import KIB, MIB, ArchiveBounds
from bundle.rego.engine import Module
from bundle.rego.lexer import decode_module
from bundle.rego.limits import MAX_MODULE_BYTES
from keys.digest import Digest
from keys.durable import read_file
from keys.fields import Fields
from keys.record import record
from keys.strict import dumps_json, loads_json

CONSTITUTION: Final = "constitution"
PACK: Final = "pack"
DESCRIPTION: Final = "layer.json"

LAYER_BOUNDS: Final = ArchiveBounds(
    # The vendor's constitution is 24 rules of under 10 KiB.
    max_bytes=4 * MIB,
    max_members=500,
    max_path_chars=200,
)
# Three short strings, and the ids of rules that are not to be waived.
MAX_DESCRIPTION_BYTES: Final = 64 * KIB
# As many rules as a pack can have files.
MAX_NOT_WAIVABLE: Final = 500

_DATA: Final = ("data.json", "data.yaml", "data.yml")
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_VERSION: Final = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")


@record
class Layer:
    """A layer that was read.

    Attributes:
        kind: ``constitution`` or ``pack``.
        name: Such as ``change-control``.
        modules: Its Rego files, paths prefixed with the layer's name.
        archive: The bytes that were read.
        digest: SHA-256 of them.
        not_waivable: Rules of a pack that no waiver may be of.
    """

    kind: str
    name: str
    version: str
    modules: tuple[Module, ...]
    archive: bytes
    digest: Digest
    not_waivable: frozenset[str] = frozenset()

    @property
    def package(self) -> str:
        """The package of the layer's rules."""
        return "proposal" if self.kind == CONSTITUTION else pack_package(self.name)

    @property
    def deny_path(self) -> str:
        """What an engine is asked for this layer's denies."""
        return f"data.{self.package}.deny"


def pack_package(name: str) -> str:
    """Return the Rego package of a pack: ``pack.change_control``."""
    return f"pack.{name.replace('-', '_')}"


def read_layer(archive: bytes) -> Layer:
    """Read the archive of a layer.

    Raises:
        LayerFormatError: No description, no Rego, or a file of another kind.
        FormatError: The archive or a field is not as its format says.
        RegoParseError: A file that no parser should see.
    """
    files = unpack(archive, bounds=LAYER_BOUNDS)
    if DESCRIPTION not in files:
        raise LayerFormatError(f"expected {DESCRIPTION} in the layer, got none")
    said = _read_description(files.pop(DESCRIPTION))
    modules = tuple(_modules(said.name, files))
    if not modules:
        raise LayerFormatError(f"layer {said.name}: expected Rego files, got none")
    return Layer(
        said.kind,
        said.name,
        said.version,
        modules,
        archive,
        Digest.of(archive),
        frozenset(said.not_waivable),
    )


def build_layer(directory: Path) -> bytes:
    """Pack a directory's ``layer.json`` and Rego files, tests left out.

    Raises:
        LayerFormatError: What ``read_layer`` refuses; a link; data, which stock OPA
            would load from the folder and no bundle carries.
        StorageError: A file is missing, or too large.
    """
    description = read_file(directory / DESCRIPTION, max_bytes=MAX_DESCRIPTION_BYTES)
    said = _read_description(description)
    files = {DESCRIPTION: dumps_json(said.to_json())}
    for path in _rego_files(directory):
        if not path.name.endswith("_test.rego"):
            member = path.relative_to(directory).as_posix()
            files[member] = read_file(path, max_bytes=MAX_MODULE_BYTES)
    archive = gzip_stored(pack_tar(files, bounds=LAYER_BOUNDS))
    read_layer(archive)
    return archive


def _rego_files(directory: Path) -> list[Path]:
    found = sorted(directory.rglob("*"))
    for path in found:
        if path.is_symlink():
            raise LayerFormatError(f"expected files and folders, got a link at {path}")
        if path.name in _DATA:
            raise LayerFormatError(f"expected Rego and no data, got {path}")
        if path.suffix == ".rego" and not path.is_file():
            raise LayerFormatError(f"expected a file of Rego, got {path}")
    return [path for path in found if path.suffix == ".rego"]


@record
class _Description:
    """What ``layer.json`` says."""

    kind: str
    name: str
    version: str
    not_waivable: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as a document; a layer that keeps nothing does not say so."""
        said = {"kind": self.kind, "name": self.name, "version": self.version}
        kept = {"not_waivable": sorted(self.not_waivable)} if self.not_waivable else {}
        return said | kept


def _read_description(data: bytes) -> _Description:
    value = loads_json(data, max_bytes=MAX_DESCRIPTION_BYTES, what=DESCRIPTION)
    fields = Fields(value, DESCRIPTION)
    kind = fields.one_of("kind", (CONSTITUTION, PACK))
    name, version = fields.text("name"), fields.text("version")
    kept: tuple[str, ...] = ()
    if fields.has("not_waivable"):
        kept = fields.texts("not_waivable", max_items=MAX_NOT_WAIVABLE)
    fields.done()
    if kept and kind != PACK:
        raise LayerFormatError(
            f"{DESCRIPTION}: expected not_waivable in packs only, got it in a {kind}"
        )
    if not _NAME.fullmatch(name):
        raise LayerFormatError(
            f"{DESCRIPTION}: expected a name like change-control, got {name!r}"
        )
    if not _VERSION.fullmatch(version):
        raise LayerFormatError(
            f"{DESCRIPTION}: expected a version like 1.2.0, got {version!r}"
        )
    return _Description(kind, name, version, kept)


def _modules(name: str, files: dict[str, bytes]) -> Iterator[Module]:
    for path, data in files.items():
        if not path.endswith(".rego") or path.endswith("_test.rego"):
            raise LayerFormatError(
                f"layer {name}: expected Rego files without tests, got {path}"
            )
        yield decode_module(f"{name}/{path}", data)
