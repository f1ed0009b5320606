# SPDX-License-Identifier: Apache-2.0
"""Who may say what here: the trust policy, custody, keys, and the pinned layers.

Laws: every file is the one that the metadata names (DESIGN 9, Scope); in the sovereign
form no key that the Control Plane can use decides anything (T1); one key has one
purpose (Principals); a layer is its own publisher's, never the overlay's (DESIGN 3.3).
"""

from collections.abc import Mapping

from bundle.gate.candidate import Candidate
from bundle.gate.errors import (
    LayerPinError,
    OverlayMissingError,
    PolicyWorkspaceError,
    TargetMismatchError,
)
from bundle.layers import Layer, read_layer
from bundle.tuf.view import TargetInfo, TufView
from keys.digest import Digest
from signer.errors import KeyReusedError
from signer.form import Form
from signer.trust_policy import PinnedLayer, TrustPolicy
from signer.trusted_root import TrustedRoot
from signer.verify import verify_layer


def check_pinned(
    files: Mapping[str, bytes], listed: Mapping[str, TargetInfo], *, what: str
) -> None:
    """Refuse a file that is not, byte by byte, the listed one.

    Raises:
        OverlayMissingError: A file that is not listed.
        TargetMismatchError: Another length or digest.
    """
    for name, data in files.items():
        if name not in listed:
            raise OverlayMissingError(f"expected {name} in {what}, got no such target")
        info = listed[name]
        if len(data) != info.length or Digest.of(data) != info.digest:
            raise TargetMismatchError(
                f"{name}: expected {info.length} bytes of {info.digest}, "
                f"got {len(data)} of {Digest.of(data)}"
            )


def check_policy_workspace(policy: TrustPolicy, view: TufView) -> None:
    """Refuse a trust policy of another workspace than the pinned root's.

    Raises:
        PolicyWorkspaceError: Another genesis root.
    """
    if policy.workspace != view.workspace:
        raise PolicyWorkspaceError(
            f"expected a trust policy of {view.workspace}, got {policy.workspace}"
        )


def check_custody(form: Form, policy: TrustPolicy) -> None:
    """Refuse, in the sovereign form, deciding rights in the Control Plane's custody.

    Raises:
        CustodyError: An identity that the Control Plane can sign as.
    """
    for identity in policy.identities:
        identity.require_custody(form)


def check_one_purpose(
    view: TufView, policy: TrustPolicy, trusted_root: TrustedRoot
) -> None:
    """Refuse a key that is two of: TUF role, identity, log, timestamp authority.

    Raises:
        KeyReusedError: One public key, two purposes.
    """
    seen: dict[str, str] = {k: f"TUF {role}" for k, role in view.role_keys.items()}
    for key_id, purpose in _purposes(policy, trusted_root):
        if seen.setdefault(key_id, purpose) != purpose:
            raise KeyReusedError(
                f"expected one purpose for key {key_id[:16]}, "
                f"got {seen[key_id]} and {purpose}"
            )


def _purposes(
    policy: TrustPolicy, trusted_root: TrustedRoot
) -> list[tuple[str, str]]:
    found = [(i.public_key.key_id, f"identity {i.id}") for i in policy.identities]
    found += [(log.key.key_id, f"log {log.origin}") for log in trusted_root.logs]
    found += [
        (a.public_key.key_id, f"timestamp authority {a.uri}")
        for a in trusted_root.authorities
    ]
    return found


def open_constitution(candidate: Candidate, policy: TrustPolicy) -> Layer:
    """Verify and read the pinned constitution.

    Raises:
        LayerPinError: Another digest, kind or name than the pinned one.
        TrustacksError: Its publisher's attestation does not hold.
    """
    return _open_layer(
        "constitution",
        candidate.constitution,
        candidate.constitution_attestation,
        policy.constitution,
    )


def open_packs(candidate: Candidate, policy: TrustPolicy) -> tuple[Layer, ...]:
    """Verify and read exactly the pinned packs.

    Raises:
        LayerPinError: A pack more or less, or another one.
        TrustacksError: A publisher's attestation does not hold.
    """
    pinned = {pin.name: pin for pin in policy.packs}
    given = set(candidate.packs) | set(candidate.pack_attestations)
    if given != set(pinned) or set(candidate.packs) != set(candidate.pack_attestations):
        raise LayerPinError(f"expected packs {sorted(pinned)}, got {sorted(given)}")
    return tuple(
        _open_layer(
            "pack", candidate.packs[name], candidate.pack_attestations[name], pin
        )
        for name, pin in sorted(pinned.items())
    )


def _open_layer(kind: str, archive: bytes, raw: bytes, pin: PinnedLayer) -> Layer:
    if Digest.of(archive) != pin.digest:
        raise LayerPinError(
            f"{kind} {pin.name}: expected {pin.digest}, got {Digest.of(archive)}"
        )
    verify_layer(raw, publisher=pin.publisher, archive=archive).require()
    layer = read_layer(archive)
    if layer.kind != kind or (kind == "pack" and layer.name != pin.name):
        raise LayerPinError(
            f"expected {kind} {pin.name}, got {layer.kind} {layer.name}"
        )
    return layer
