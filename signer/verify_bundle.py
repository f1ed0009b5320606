# SPDX-License-Identifier: Apache-2.0
"""Verify any Sigstore bundle: of a file or a statement, by a key or an identity.

Pure: bytes, an artifact, a trusted root and who is asked for in, a result out; no
clock, network or file. Its sister ``signer.verify.verify_attestation`` asks besides
what a workspace's admins allow; this one asks only who signed these bytes, and when.

Stricter than the Sigstore client specification asks a client to be: the windows of
certificate authorities and of logs of both kinds are held at every verified time, a
promise of a log is no proof, and every size and index is a signed checkpoint's.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from keys.clock import format_instant
from keys.digest import Digest
from signer import signer_policy as asked
from signer import witnesses as seen
from signer.bundle_evidence import BundleEvidence, VerifiedBundle
from signer.certificate.issued import (
    issuers_of,
    require_authority_in_use,
    require_leaf_valid,
)
from signer.certificate.leaf import Leaf, parse_leaf
from signer.certificate.sct import require_ct_log_in_use, verify_sct
from signer.errors import (
    LogWindowError,
    NoTrustedTimeError,
    SignerKindError,
)
from signer.signed import Verifier
from signer.signer_policy import IdentityPolicy, KeyPolicy, SignerPolicy
from signer.sigstore_bundle import Artifact, SigstoreBundle, parse_sigstore_bundle
from signer.steps import StepRecorder
from signer.trusted_root import TrustedRoot
from signer.witnesses import Stamps, TrustedTime

__all__ = ["IdentityPolicy", "KeyPolicy", "VerifiedBundle", "verify_bundle"]

_BEGIN: Final = (
    ("shape", "a Sigstore bundle with one signature, within bounds"),
    ("kind", "signed with a key, or with a certificate, as is asked for"),
)
_WITNESSED: Final = (
    ("artifact", "the bundle does not say that it is about other bytes"),
    ("signature", "the key signed"),
    ("timestamps", "timestamps of trusted authorities are of this signature"),
    ("log", "the logs include the signature"),
    ("promises", "what the logs promised holds"),
    ("log-window", "the logs were in use"),
    ("log-count", "enough logs include the signature"),
    ("time-count", "enough authorities stamped it"),
)
_END: Final = (("about", "what was signed is about these bytes"),)

SAYS_STEP: Final = ("says", "it is a statement of the type that is asked for")

KEY_STEPS: Final = (
    *_BEGIN,
    *_WITNESSED,
    ("window", "the key was in use"),
    *_END,
)
IDENTITY_STEPS: Final = (
    *_BEGIN,
    ("certificate", "the certificate is for signing, and speaks of one subject"),
    *_WITNESSED,
    ("time", "somebody trusted says when"),
    ("chain", "a trusted authority issued the certificate"),
    ("ca-window", "that authority was in use"),
    ("validity", "the certificate was valid"),
    ("sct", "a trusted log saw the certificate being issued"),
    ("ct-log-window", "that log was in use"),
    ("issuer", "the certificate is for a token of the issuer"),
    ("identity", "the certificate speaks of the subject"),
    *_END,
)


def verify_bundle(
    raw: bytes,
    *,
    artifact: bytes | Digest,
    trusted_root: TrustedRoot,
    policy: SignerPolicy,
    predicate_type: str | None = None,
) -> VerifiedBundle:
    """Verify that whom ``policy`` names signed an artifact, as witnesses saw.

    Args:
        raw: The bundle as it came; anything at all.
        artifact: The bytes of the file, or their SHA-256.
        trusted_root: The logs and authorities that count.
        policy: A key, or an identity; the plan of steps is that of the one or the
            other, so that a step of the other cannot stand in for one that is missing.
        predicate_type: The type of statement it must be; any, or the file itself, if
            none is given.

    Returns:
        A result for every input, also for rubbish; evidence if it is accepted.
    """
    by_key = isinstance(policy, KeyPolicy)
    plan = KEY_STEPS if by_key else IDENTITY_STEPS
    steps = StepRecorder(plan if predicate_type is None else (*plan, SAYS_STEP))
    wanted = Artifact.of(artifact)
    evidence, leaf = None, None
    with steps:
        # (1) protobuf-specs, sigstore_bundle.proto: one signature and its material
        with steps("shape"):
            bundle = parse_sigstore_bundle(raw)
        # (2) Sigstore client specification, "Verification": "whom to trust" is the
        # policy's; the bundle does not choose (GHSA-fx35-mq7g-6g98)
        with steps("kind"):
            _require_kind(bundle, by_key=by_key)
        if isinstance(policy, KeyPolicy):
            verifier = Verifier(policy.key)
        else:
            # (3) RFC 5280 §4.2.1: a leaf, for digital signatures, for code signing;
            # fulcio certificate-specification: exactly one subject and one issuer
            with steps("certificate") as note:
                leaf = parse_leaf(bundle.certificate or b"")
                note(f"{leaf.subject}, by {leaf.issuer}")
            verifier = leaf.verifier
        # (4) protobuf-specs, sigstore_bundle.proto, MessageSignature: the digest may
        # be used to reject, never to verify
        with steps("artifact"):
            signed = bundle.signed(wanted)
        # (5) DSSE 1.0.2 protocol.md: "Verify SIGNATURE against PAE(UTF8(PAYLOAD_TYPE),
        # SERIALIZED_BODY)"; or against the artifact itself
        with steps("signature"):
            signed.require_signed_by(verifier.key)
        # (6) RFC 3161 §2.4.1: the imprint is "the hash of the datum to be
        # time-stamped", which is the signature
        with steps("timestamps"):
            stamps = seen.verify_tokens(
                bundle.timestamps, signed.signature, trusted_root
            )
        # (7) RFC 6962 §2.1.1: the audit path leads to the root that the log signed;
        # Sigstore client specification, "Transparency Log Entry": signature, key and
        # subject of the body are these (CVE-2022-36056)
        with steps("log") as note:
            logged = seen.verify_included(
                bundle.entries, signed, verifier, trusted_root
            )
            note(", ".join(f"{one.origin} {one.index}" for one in logged))
        # (8) Sigstore client specification, "Transparency Service Timestamp": "MUST
        # verify the signature [...] MUST then parse the `integratedTime`"
        with steps("promises"):
            promised = seen.verify_promises(bundle.entries, trusted_root)
        times = (*stamps.times, *promised)
        instants = tuple(time.at for time in times)
        # (9) protobuf-specs TrustedRoot, validFor: both ends included
        with steps("log-window"):
            seen.require_logs_in_use(bundle.entries, trusted_root, instants)
            _require_dated(bundle, trusted_root, times)
        # (10) Sigstore client specification, "Alternative Workflows": "multiple entries
        # in the same log do not both count towards the threshold"
        with steps("log-count"):
            asked.require_logs(policy, logged)
        # (11) Sigstore client specification, "Verification": "signed timestamp(s) [...]
        # and, if so, how many", here by distinct operators
        with steps("time-count"):
            asked.require_authorities(policy, times)
        if isinstance(policy, KeyPolicy):
            # (12) the window that the caller gave the key
            with steps("window"):
                policy.require_window(times)
        elif leaf is not None:
            # (12) Sigstore client specification, "Certificate": "it must have a
            # timestamp while every certificate in the chain up to the root is valid"
            with steps("time") as note:
                _require_time(times, stamps)
                note(", ".join(map(format_instant, instants)))
            _check_certificate(steps, leaf, policy, instants, trusted_root)
        _check_said(steps, bundle, wanted, predicate_type)
        evidence = BundleEvidence(bundle, verifier, leaf, times, logged)
    result = steps.result(
        subject=str(wanted.digest),
        at=None,
        facts=evidence.facts() if evidence else {},
    )
    return VerifiedBundle(result, evidence if result else None)


def _check_said(
    steps: StepRecorder,
    bundle: SigstoreBundle,
    wanted: Artifact,
    predicate_type: str | None,
) -> None:
    # (20) in-toto attestation v1 statement.md: "Subject artifacts are matched purely by
    # digest"; of the very bytes of step 5
    with steps("about"):
        bundle.require_about(wanted)
    # (21) in-toto attestation v1 statement.md: "URI identifying the type of the
    # Predicate"; a type that the caller did not ask for is not what was said
    if predicate_type is not None:
        with steps("says"):
            bundle.require_says(predicate_type)


def _check_certificate(
    steps: StepRecorder,
    leaf: Leaf,
    policy: IdentityPolicy,
    instants: Sequence[datetime],
    trusted_root: TrustedRoot,
) -> None:
    # (13) RFC 5280 §6.1: the chain to an anchor of the trusted root
    with steps("chain"):
        issuers = issuers_of(leaf, trusted_root.certificate_authorities)
    # (14) protobuf-specs TrustedRoot, validFor: a retired authority issues nothing
    with steps("ca-window"):
        require_authority_in_use(leaf, issuers, instants)
    # (15) Sigstore client specification, "Certificate": "If both are available, the
    # Verifier performs path validation twice. If either fails, verification fails."
    with steps("validity"):
        require_leaf_valid(leaf, instants)
    # (16) RFC 6962 §3.2: the log's signature over the precertificate
    with steps("sct"):
        sct = verify_sct(leaf, issuers, trusted_root.ct_logs)
    # (17) protobuf-specs TrustedRoot, validFor: and not only at its own time
    with steps("ct-log-window"):
        require_ct_log_in_use(sct.log, (sct.at, *instants))
    # (18) fulcio oid-info: the issuer of the token, exactly
    with steps("issuer"):
        policy.require_issuer(leaf)
    # (19) fulcio certificate-specification: the subject, exactly or by an anchored
    # pattern
    with steps("identity"):
        policy.require_subject(leaf)


def _require_kind(bundle: SigstoreBundle, *, by_key: bool) -> None:
    kinds = ("a certificate", "a key")
    got = bundle.certificate is None
    if got is not by_key:
        raise SignerKindError(
            f"expected a bundle signed with {kinds[by_key]}, got one with {kinds[got]}",
            hint="ask for the identity with its issuer, or for the key",
        )


def _require_dated(
    bundle: SigstoreBundle, trusted_root: TrustedRoot, times: Sequence[TrustedTime]
) -> None:
    """Refuse a retired log's word of which nobody trusted says when it was given."""
    for entry in bundle.entries if not times else ():
        log = trusted_root.log(entry.log_id)
        if all(one.end is not None for one in trusted_root.windows(entry.log_id)):
            raise LogWindowError(
                f"expected a trusted time within the window of log {log.origin}, "
                "got none"
            )


def _require_time(times: Sequence[TrustedTime], stamps: Stamps) -> None:
    if times:
        return
    if stamps.unusable is not None:
        raise stamps.unusable
    raise NoTrustedTimeError(
        "expected a trusted authority's timestamp or a log's promise, got none",
        hint="a certificate lives for minutes: somebody must say when it signed",
    )
