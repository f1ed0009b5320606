# SPDX-License-Identifier: Apache-2.0
"""Sign a trust proposal, and join what admins signed.

Signatures are counted by public key, never by key id; those that do not hold are
refused and not passed over.
"""

from collections.abc import Iterable, Mapping, Sequence

from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import Key, Signature
from tuf.api.metadata import Root, Targets

from bundle.tuf.errors import TufKeyError, TufSignatureError
from bundle.tuf.keys import RoleSigner, identify
from bundle.tuf.metadata import parse_metadata, require_signed
from bundle.tuf.proposal import ProposalSignature, TrustProposal
from bundle.tuf.roles import TARGETS
from keys.signing import SigningKey


def sign_proposal(
    proposal: TrustProposal, root: Root, key: SigningKey
) -> ProposalSignature:
    """Sign with one admin's targets key.

    Raises:
        TufKeyError: The root does not name the key for targets.
        KeyProviderError: The key cannot be used.
    """
    public = _targets_keys(root).get(key.public_key.key_id)
    if public is None:
        raise TufKeyError(
            f"expected a targets key of root {root.version}, "
            f"got {key.public_key.key_id[:16]}",
            hint="name the admin's targets key with --key",
        )
    made = RoleSigner(key, public).sign(proposal.signed_bytes)
    return ProposalSignature(public.keyid, bytes.fromhex(made.signature))


def signers_of(
    proposal: TrustProposal,
    root: Root,
    signatures: Iterable[ProposalSignature],
    *,
    previous: Root | None = None,
) -> Mapping[str, ProposalSignature]:
    """Return the signatures that hold, one for each public key, by its SPKI digest.

    Args:
        proposal: What was signed.
        root: Names the keys.
        signatures: Those that there are.
        previous: A root that is still the newest: its keys sign besides.

    Raises:
        TufKeyError: A key that the root does not name for targets.
        TufSignatureError: A signature that does not hold.
    """
    roots = (root,) if previous is None else (previous, root)
    named = {
        key.keyid: (spki, key)
        for one in roots
        for spki, key in _targets_keys(one).items()
    }
    held: dict[str, ProposalSignature] = {}
    for one in signatures:
        if one.key_id not in named:
            raise TufKeyError(
                f"expected a targets key of root {root.version}, got {one.key_id[:16]}"
            )
        spki, key = named[one.key_id]
        _require_holds(proposal, key, one)
        held[spki] = one
    return held


def threshold_of(root: Root) -> int:
    """Return how many distinct keys targets need."""
    return root.get_delegated_role(TARGETS).threshold


def assemble(
    proposal: TrustProposal,
    root: Root,
    signatures: Sequence[ProposalSignature],
    *,
    previous: Root | None = None,
) -> bytes:
    """Join a proposal and its signatures: the bytes of ``<N>.targets.json``.

    The same signatures give the same bytes, in whatever order they came.

    Args:
        proposal: What was signed.
        root: Whose threshold must be met.
        signatures: Those that there are.
        previous: A root that is still the newest: its threshold must be met too.

    Raises:
        TufKeyError: A key that the root does not name for targets.
        TufSignatureError: One does not hold, or they are too few.
    """
    held = signers_of(proposal, root, signatures, previous=previous)
    metadata = parse_metadata(proposal.targets, Targets, TARGETS)
    for one in sorted(held.values(), key=lambda s: s.key_id):
        metadata.signatures[one.key_id] = Signature(one.key_id, one.signature.hex())
    require_signed(root, TARGETS, metadata)
    if previous is not None:
        require_signed(previous, TARGETS, metadata)
    return metadata.to_bytes()


def _targets_keys(root: Root) -> dict[str, Key]:
    keys = [root.get_key(k) for k in root.get_delegated_role(TARGETS).keyids]
    return {identify(key): key for key in keys}


def _require_holds(proposal: TrustProposal, key: Key, one: ProposalSignature) -> None:
    signature = Signature(one.key_id, one.signature.hex())
    try:
        key.verify_signature(signature, proposal.signed_bytes)
    except (UnverifiedSignatureError, VerificationError) as error:
        raise TufSignatureError(
            f"expected a signature of proposal {proposal.id} by {one.key_id[:16]}, "
            "got one that does not hold"
        ) from error
