# SPDX-License-Identifier: Apache-2.0
"""``trustacks verify``: who signed a file, by the pin of a workspace or by no pin.

Two questions that never mix. Without ``--bundle``: did a registered identity vouch for
the file, by the trust that was pinned. With it: is this anybody's Sigstore bundle of
the file, by a key or by an identity and its issuer, under a trusted root that is given.
Neither opens a connection, and the second loads nothing of a client.
"""

from pathlib import Path
from typing import Any, Final

import click

from keys.digest import Digest
from keys.durable import read_file
from keys.errors import UsageError
from keys.foreign import foreign_key_from_pem
from keys.public import MAX_KEY_BYTES
from signer.bundle_evidence import VerifiedBundle
from signer.errors import ArtifactNeededError
from signer.limits import MAX_ATTESTATION_BYTES, MAX_TRUSTED_ROOT_BYTES
from signer.signer_policy import IdentityPolicy, KeyPolicy, SignerPolicy
from signer.subject_pattern import SubjectPattern
from signer.trusted_root import TrustedRoot
from signer.verify_bundle import verify_bundle
from trustacks._cli.hashed import digest_of
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.session import Session

_FILE: Final = click.Path(path_type=Path)
# Bytes. A file that is read whole, for keys that do not sign its SHA-256.
_MAX_FILE_BYTES: Final = 1 << 30
_FOREIGN: Final = (
    "trusted_root",
    "key",
    "certificate_identity",
    "certificate_identity_pattern",
    "certificate_oidc_issuer",
)
_NO_ROOT: Final = TrustedRoot((), ())


@command("verify")
@click.argument("file", metavar="FILE")
@click.option("--attestation", type=_FILE, help="FILE.sigstore.json by default.")
@click.option("--bundle", type=_FILE, help="Anybody's Sigstore bundle of FILE.")
@click.option(
    "--trusted-root", type=_FILE, help="Sigstore's TrustedRoot, with --bundle."
)
@click.option("--key", type=_FILE, help="The signer's public key, PEM.")
@click.option("--certificate-identity", metavar="SUBJECT", help="Exactly this subject.")
@click.option(
    "--certificate-identity-pattern",
    metavar="^PATTERN$",
    help="Subjects of an anchored pattern.",
)
@click.option(
    "--certificate-oidc-issuer", metavar="URL", help="The subject's OIDC issuer."
)
@click.option(
    "--logs",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="How many logs must include the signature; 0 with --key only.",
)
@click.option(
    "--authorities",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="How many timestamp authorities must have stamped it.",
)
@workspace_option
def verify(session: Session, /, *, file: str, **given: Any) -> None:
    """Verify who signed FILE (or sha256:DIGEST, with --bundle), offline.

    Without --bundle: that an identity of the pinned workspace vouched for it. With it,
    and with --key or an identity and its issuer: that they signed it, by the logs and
    authorities of --trusted-root.
    """
    if given["bundle"] is None:
        _by_pin(session, file, given)
        return
    policy = _policy(given)
    root = _trusted_root(given)
    raw = read_file(given["bundle"], max_bytes=MAX_ATTESTATION_BYTES)
    verified = _verified(raw, file, root, policy)
    result = verified.result
    color = session.output.color
    session.output.result(result.to_json(), lambda: result.text(color=color))
    result.require()


def _by_pin(session: Session, file: str, given: dict[str, Any]) -> None:
    if any(given[name] for name in _FOREIGN):
        raise UsageError(
            "expected --bundle with --key, --trusted-root or an identity, got none",
            hint="without --bundle, a file is judged by what the workspace pinned",
        )
    # Not above: it brings the client and TUF, which a bundle needs neither of.
    from trustacks._cli.artifact import verify_pinned  # noqa: PLC0415

    verify_pinned(
        session,
        Path(file),
        attestation=given["attestation"],
        workspace=given["workspace"],
    )


def _policy(given: dict[str, Any]) -> SignerPolicy:
    counts = {"logs": given["logs"], "authorities": given["authorities"]}
    subject, pattern = (
        given["certificate_identity"],
        given["certificate_identity_pattern"],
    )
    by_identity = (subject, pattern, given["certificate_oidc_issuer"])
    if given["key"] is not None and not any(by_identity):
        pem = read_file(given["key"], max_bytes=MAX_KEY_BYTES)
        return KeyPolicy(key=foreign_key_from_pem(pem), **counts)
    issuer = given["certificate_oidc_issuer"]
    if given["key"] is not None or not issuer or bool(subject) == bool(pattern):
        raise UsageError(
            "expected --key, or --certificate-oidc-issuer with --certificate-identity "
            "or --certificate-identity-pattern, got another",
            hint="a key and an identity never stand in for each other",
        )
    if pattern:
        meant = SubjectPattern.anchored(pattern)
    else:
        meant = SubjectPattern.exactly(subject)
    return IdentityPolicy(issuer=issuer, subject=meant, **counts)


def _trusted_root(given: dict[str, Any]) -> TrustedRoot:
    path = given["trusted_root"]
    if path is not None:
        return TrustedRoot.parse(read_file(path, max_bytes=MAX_TRUSTED_ROOT_BYTES))
    if given["key"] is None or given["logs"] or given["authorities"]:
        raise UsageError(
            "expected --trusted-root, got none",
            hint="with --key, --logs 0 asks for the signature alone",
        )
    return _NO_ROOT


def _verified(
    raw: bytes, file: str, root: TrustedRoot, policy: SignerPolicy
) -> VerifiedBundle:
    """Verify by the file's digest; by its bytes only for keys that need them."""
    path = Path(file)
    if file.startswith("sha256:") and not path.exists():
        given = Digest.parse(file)
        return verify_bundle(raw, artifact=given, trusted_root=root, policy=policy)
    digest = digest_of(path)
    found = verify_bundle(raw, artifact=digest, trusted_root=root, policy=policy)
    if found.result.code != ArtifactNeededError.code:
        return found
    data = read_file(path, max_bytes=_MAX_FILE_BYTES)
    return verify_bundle(raw, artifact=data, trusted_root=root, policy=policy)
