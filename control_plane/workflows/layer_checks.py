# SPDX-License-Identifier: Apache-2.0
"""Constitution and packs as they come in: whose they are, and are they safe below."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bundle.gate.candidate import (
    CONSTITUTION_SIGNATURE_TARGET,
    CONSTITUTION_TARGET,
    pack_signature_target,
    pack_target,
)
from bundle.layers import read_layer
from bundle.lint.parents import lint_layer
from bundle.rego.engine import Engine
from control_plane.errors import LayerMismatchError, LayerUnsafeError
from keys.digest import Digest
from keys.public import PublicKey
from signer.pins import LayerPin, LayerPins
from signer.predicates.layer import CONSTITUTION, PACK
from signer.verify import verify_layer


@dataclass(frozen=True, slots=True)
class LayerFiles:
    """A layer as it is handed in.

    Attributes:
        name: A pack's name; the constitution has none.
        archive: Its archive.
        attestation: Its publisher's attestation.
        publisher: Its publisher's key.
    """

    name: str | None
    archive: bytes
    attestation: bytes
    publisher: PublicKey

    @property
    def pin(self) -> LayerPin:
        """What the trust policy says of it."""
        return LayerPin(Digest.of(self.archive), self.publisher)


def check_layers(
    engine: Engine, constitution: LayerFiles, packs: Sequence[LayerFiles]
) -> None:
    """Refuse layers that are not what they are handed in as, or not safe.

    Raises:
        VerificationError: A publisher's signature does not hold.
        LayerMismatchError: Another kind or name, or a pack twice.
        LayerUnsafeError: A layer that an overlay could reach into.
    """
    _check_layer(engine, CONSTITUTION, constitution)
    for pack in packs:
        _check_layer(engine, PACK, pack)
    names = [pack.name for pack in packs]
    if len(set(names)) != len(names):
        raise LayerMismatchError("expected every pack once, got one twice")


def _check_layer(engine: Engine, kind: str, files: LayerFiles) -> None:
    said = verify_layer(
        files.attestation, publisher=files.publisher, archive=files.archive
    ).require()
    layer = read_layer(files.archive)
    expected = (kind, files.name or layer.name)
    for found in ((said.layer, said.name), (layer.kind, layer.name)):
        if found != expected:
            raise LayerMismatchError(
                f"expected {' '.join(expected)}, got {' '.join(found)}"
            )
    findings = lint_layer(layer, engine=engine)
    refused = [finding for finding in findings if finding.severity == "error"]
    if refused:
        raise LayerUnsafeError(
            f"{layer.kind} {layer.name}: {refused[0]}",
            findings=[finding.to_json() for finding in refused],
        )


def check_pinned_layers(
    engine: Engine, pins: LayerPins, files: Mapping[str, bytes]
) -> None:
    """Refuse target files that are not exactly the pinned layers, or not safe.

    Raises:
        As ``check_layers``.
    """
    names = {
        None: (CONSTITUTION_TARGET, CONSTITUTION_SIGNATURE_TARGET, pins.constitution)
    } | {
        name: (pack_target(name), pack_signature_target(name), pin)
        for name, pin in pins.packs.items()
    }
    wanted = {target for archive, raw, _ in names.values() for target in (archive, raw)}
    given = {target for target in files if target.startswith("layers/")}
    if wanted != given:
        other = min(wanted ^ given)
        raise LayerMismatchError(f"expected exactly the pinned layers, got {other}")
    found = {
        name: LayerFiles(name, files[archive], files[raw], pin.publisher)
        for name, (archive, raw, pin) in names.items()
    }
    for name, (_, _, pin) in names.items():
        if found[name].pin != pin:
            raise LayerMismatchError(
                f"expected the pinned layer {pin.digest}, got {found[name].pin.digest}"
            )
    constitution = found.pop(None)
    check_layers(engine, constitution, list(found.values()))
