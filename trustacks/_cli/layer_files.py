# SPDX-License-Identifier: Apache-2.0
"""Reads a layer as its publisher gives it: a folder, and an attestation beside it.

``<folder>`` holds the Rego; ``<folder>.sigstore.json`` is the publisher's attestation
of the archive that ``bundle.layers.build_layer`` makes of the folder.
"""

from dataclasses import dataclass
from pathlib import Path

from bundle.layers import build_layer, read_layer
from keys.durable import read_file
from keys.errors import FormatError, NotFoundError
from keys.public import MAX_KEY_BYTES
from signer.limits import MAX_ATTESTATION_BYTES


@dataclass(frozen=True, slots=True)
class LayerFiles:
    """What pins a layer.

    Attributes:
        name: The layer's name, from its archive.
        archive: The layer.
        attestation: Its publisher's attestation.
        publisher: The publisher's key, PEM.
    """

    name: str
    archive: bytes
    attestation: bytes
    publisher: str


def read_layer_files(folder: Path, publisher: Path) -> LayerFiles:
    """Read a layer's folder and what stands beside it.

    Raises:
        NotFoundError: The folder or the attestation is not there.
        FormatError: A file is not what its name says.
    """
    if not folder.is_dir():
        raise NotFoundError(f"expected a layer's folder at {folder}, got none")
    archive = build_layer(folder)
    beside = folder.with_name(f"{folder.name}.sigstore.json")
    try:
        pem = read_file(publisher, max_bytes=MAX_KEY_BYTES).decode("ascii")
    except UnicodeDecodeError as error:
        raise FormatError(f"{publisher}: expected a PEM public key") from error
    return LayerFiles(
        name=read_layer(archive).name,
        archive=archive,
        attestation=read_file(beside, max_bytes=MAX_ATTESTATION_BYTES),
        publisher=pem,
    )
