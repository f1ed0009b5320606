# SPDX-License-Identifier: Apache-2.0
"""Who may say what here: the trust policy, custody, keys, and the pinned layers.

Laws: every file is the one that the metadata names (DESIGN 9, Scope); in the sovereign
form no key that the Control Plane can use decides anything (T1); one key has one
purpose (Principals); a layer is its own publisher's, never the overlay's (DESIGN 3.3).
"""

from collections.abc import Iterator, Mapping

from bundle.gate.candidate import Candidate
from bundle.gate.errors import (
    LayerPinError,
    TargetMismatchError,
)
from bundle.layers import Layer, read_layer
from bundle.tuf.view import TargetInfo, TufView
from keys.digest import Digest
from signer.errors import KeyReusedError
from signer.pins import LayerPin
from signer.trust import Trust
from signer.trust_policy import TrustPolicy
from signer.verify import verify_layer


def check_pinned(
    files: Mapping[str, bytes], listed: Mapping[str, TargetInfo], *, what: str
) -> None:
    """Refuse a file that is not, byte by byte, the listed one.

    Raises:
        TargetMismatchError: A file that is not listed, or of another length or digest.
    """
    for name, data in files.items():
        if name not in listed:
            raise TargetMismatchError(f"expected {name} in {what}, got no such target")
        info = listed[name]
        if len(data) != info.length or Digest.of(data) != info.digest:
            raise TargetMismatchError(
                f"{name}: expected {info.length} bytes of {info.digest}, "
                f"got {len(data)} of {Digest.of(data)}"
            )


def check_one_purpose(view: TufView, trust: Trust) -> None:
    """Refuse a TUF key that is also an identity's, a log's or anyone's here.

    That those are distinct among themselves is ``Trust``'s own law.

    Raises:
        KeyReusedError: One public key, two purposes.
    """
    for key_id, purpose in _purposes(trust):
        if key_id in view.role_keys:
            raise KeyReusedError(
                f"expected one purpose for key {key_id[:16]}, "
                f"got TUF {view.role_keys[key_id]} and {purpose}",
                key_id=key_id,
            )


def _purposes(trust: Trust) -> Iterator[tuple[str, str]]:
    for identity in trust.policy.identities:
        if identity.public_key is not None:
            yield identity.public_key.key_id, f"identity {identity.id}"
    for key_id in trust.policy.layers.publishers:
        yield key_id, "layer publisher"
    for log in trust.trusted_root.logs:
        yield log.key.key_id, f"log {log.origin}"
    for authority in trust.trusted_root.authorities:
        for key_id in authority.key_ids:
            yield key_id, f"timestamp authority {authority.uri}"
    for ct_log in trust.trusted_root.ct_logs:
        yield ct_log.key.key_id, f"CT log {ct_log.base_url}"
    for ca in trust.trusted_root.certificate_authorities:
        for key_id in ca.key_ids:
            yield key_id, f"CA {ca.uri}"


def open_constitution(candidate: Candidate, policy: TrustPolicy) -> Layer:
    """Verify and read the pinned constitution.

    Raises:
        LayerPinError: Another digest, kind or name than the pinned one.
        TrustacksError: Its publisher's attestation does not hold.
    """
    layer = _open_layer(
        candidate.constitution,
        candidate.constitution_attestation,
        policy.layers.constitution,
    )
    _check_kind(layer, "constitution", layer.name)
    return layer


def open_packs(candidate: Candidate, policy: TrustPolicy) -> tuple[Layer, ...]:
    """Verify and read exactly the pinned packs.

    Raises:
        LayerPinError: A pack more or less, or another one.
        TrustacksError: A publisher's attestation does not hold.
    """
    pins = policy.layers.packs
    for given in (candidate.packs, candidate.pack_attestations):
        if set(given) != set(pins):
            raise LayerPinError(f"expected packs {sorted(pins)}, got {sorted(given)}")
    return tuple(_open_pack(candidate, name, pins[name]) for name in sorted(pins))


def _open_pack(candidate: Candidate, name: str, pin: LayerPin) -> Layer:
    layer = _open_layer(candidate.packs[name], candidate.pack_attestations[name], pin)
    _check_kind(layer, "pack", name)
    return layer


def _open_layer(archive: bytes, raw: bytes, pin: LayerPin) -> Layer:
    if Digest.of(archive) != pin.digest:
        raise LayerPinError(
            f"expected the pinned layer {pin.digest}, got {Digest.of(archive)}"
        )
    said = verify_layer(raw, publisher=pin.publisher, archive=archive).require()
    layer = read_layer(archive)
    if (layer.kind, layer.version) != (said.layer, said.version):
        raise LayerPinError(
            f"expected {said.layer} {said.version} as its publisher said, "
            f"got {layer.kind} {layer.version}"
        )
    _check_kind(layer, said.layer, said.name)
    return layer


def _check_kind(layer: Layer, kind: str, name: str) -> None:
    if (layer.kind, layer.name) != (kind, name):
        raise LayerPinError(f"expected {kind} {name}, got {layer.kind} {layer.name}")
