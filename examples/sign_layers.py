# SPDX-License-Identifier: Apache-2.0
"""Sign the example layers, as a publisher that is nobody else in the chain.

Run once for each change of a layer::

    python examples/sign_layers.py

It makes a key in memory, signs every layer's archive with a bare ``layer/v1``
attestation (no timestamp, no log: a pinned publisher key is all the trust there is),
writes the public half to ``publisher.pub`` and forgets the private one. So all layers
are signed anew every time, and whoever pins the old key notices.
"""
# ruff: noqa: INP001 - a script, not a package

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bundle.layers import Layer, build_layer, read_layer
from keys.digest import Digest
from keys.durable import write_file
from keys.providers.encfile import create_key
from keys.signing import SigningKey
from signer.predicates.layer import LayerPredicate
from signer.sign import attest_bare
from signer.statement import Subject, build_statement
from signer.verify_key import verify_layer

EXAMPLES: Final = Path(__file__).resolve().parent
LAYERS: Final = ("constitution", "packs/change-control")


def main() -> None:
    """Sign all layers with one new key."""
    with TemporaryDirectory() as scratch:
        key = create_key(Path(scratch) / "publisher.key", "kept for one run")
        for name in LAYERS:
            _sign(EXAMPLES / name, key)
        write_file(EXAMPLES / "publisher.pub", key.public_key.pem.encode())


def _sign(directory: Path, key: SigningKey) -> None:
    layer = read_layer(build_layer(directory))
    attestation = attest_bare(_statement(layer), key=key)
    publisher = key.public_key
    verify_layer(attestation, publisher=publisher, archive=layer.archive).require()
    path = directory.with_name(f"{directory.name}.sigstore.json")
    write_file(path, attestation)


def _statement(layer: Layer) -> bytes:
    predicate = LayerPredicate(layer=layer.kind, name=layer.name, version=layer.version)
    subject = Subject(f"{layer.name}.tar.gz", Digest.of(layer.archive))
    return build_statement([subject], predicate)


if __name__ == "__main__":
    main()
