# SPDX-License-Identifier: Apache-2.0
"""``trustacks verify``: who signed a file, by the pin of a workspace or by no pin.

Two questions that never mix. Without ``--bundle``: did a registered identity vouch for
the file, by the trust that was pinned. With it: is this anybody's Sigstore bundle of
the file, by a key or by an identity and its issuer, under a trusted root that is given;
or are these several of them, by enough of those named. Neither opens a connection, and
the second loads nothing of a client.
"""

from pathlib import Path
from typing import Any, Final

import click

from keys.digest import Digest
from keys.errors import UsageError
from signer.errors import ArtifactNeededError
from signer.limits import MAX_ATTESTATION_BYTES, MAX_TRUSTED_ROOT_BYTES
from signer.several import SeveralVerified, verify_several
from signer.signer_policy import SignerPolicy
from signer.trusted_root import TrustedRoot
from trustacks._cli.files import read_given
from trustacks._cli.hashed import digest_of
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.oidc_options import PUBLIC_GOOD
from trustacks._cli.session import Session
from trustacks._cli.signers import policies

_FILE: Final = click.Path(path_type=Path)
# Bytes. A file that is read whole, for keys that do not sign its SHA-256.
_MAX_FILE_BYTES: Final = 1 << 30
_FOREIGN: Final = (
    "trusted_root",
    "key",
    "certificate_identity",
    "certificate_identity_pattern",
    "certificate_oidc_issuer",
    "predicate_type",
    "threshold",
)
_NO_ROOT: Final = TrustedRoot((), ())


@command("verify")
@click.argument("file", metavar="FILE")
@click.option("--attestation", type=_FILE, help="FILE.sigstore.json by default.")
@click.option(
    "--bundle",
    "bundles",
    type=_FILE,
    multiple=True,
    help="Anybody's Sigstore bundle of FILE; several, for several signers.",
)
@click.option(
    "--trusted-root", type=_FILE, help="Sigstore's TrustedRoot, with --bundle."
)
@click.option("--key", type=_FILE, multiple=True, help="A signer's public key, PEM.")
@click.option(
    "--certificate-identity",
    metavar="SUBJECT",
    multiple=True,
    help="Exactly this subject.",
)
@click.option(
    "--certificate-identity-pattern",
    metavar="^PATTERN$",
    multiple=True,
    help="Subjects of an anchored pattern.",
)
@click.option(
    "--certificate-oidc-issuer",
    metavar="URL",
    multiple=True,
    help="The subject's OIDC issuer: one for all subjects, or one for each.",
)
@click.option(
    "--predicate-type",
    metavar="URI",
    help="It must be a statement of this type, as attest makes it.",
)
@click.option(
    "--threshold",
    type=click.IntRange(min=1),
    help="How many distinct signers must have signed one digest; all, by default.",
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
    if not given["bundles"]:
        _by_pin(session, file, given)
        return
    named = policies(given)
    root = _trusted_root(given)
    threshold = given["threshold"] = given["threshold"] or len(named)
    if threshold > len(given["bundles"]):
        raise UsageError(
            f"expected a --bundle of each of {threshold} signers, "
            f"got {len(given['bundles'])}",
            hint="--threshold says how many of those named are enough",
        )
    raws = [read_given(p, max_bytes=MAX_ATTESTATION_BYTES) for p in given["bundles"]]
    _show(session, _verified(raws, file, root, named, given), given)


def _show(session: Session, found: SeveralVerified, given: dict[str, Any]) -> None:
    """Show one result as it is; several with what they come to."""
    results = [one.result for one in found.bundles]
    color = session.output.color
    if len(results) == 1 and found.threshold == 1:
        (result,) = results
        session.output.result(result.to_json(), lambda: result.text(color=color))
        result.require()
        return
    verdict = "accepted" if found else "refused"
    who = ", ".join(found.signers) or "nobody"
    head = f"{verdict}  signed by {len(found.signers)} of {found.threshold}: {who}"
    rows = zip(given["bundles"], results, strict=True)
    texts = [f"{path}: {result.text(color=color)}" for path, result in rows]
    value = {
        "accepted": bool(found),
        "threshold": found.threshold,
        "signers": list(found.signers),
        "results": [result.to_json() for result in results],
    }
    session.output.result(value, "\n".join([head, *texts]))
    found.require()


def _by_pin(session: Session, file: str, given: dict[str, Any]) -> None:
    if any(given[name] for name in _FOREIGN):
        raise UsageError(
            "expected --bundle with --key, --trusted-root or an identity, got none",
            hint="without --bundle, a file is judged by what the workspace pinned",
        )
    # Not above: it brings the client and TUF, which a bundle needs neither of.
    from trustacks._cli.artifact import verify_pinned  # noqa: PLC0415 - loaded when asked for

    verify_pinned(
        session,
        Path(file),
        attestation=given["attestation"],
        workspace=given["workspace"],
    )


def _trusted_root(given: dict[str, Any]) -> TrustedRoot:
    path = given["trusted_root"]
    if path == Path(PUBLIC_GOOD) and not path.exists():
        raise UsageError(
            f"expected a file, got {PUBLIC_GOOD}: verifying asks no network",
            hint="trustacks sigstore trusted-root --public-good --out FILE",
        )
    if path is not None:
        return TrustedRoot.parse(read_given(path, max_bytes=MAX_TRUSTED_ROOT_BYTES))
    if not given["key"] or given["logs"] or given["authorities"]:
        raise UsageError(
            "expected --trusted-root, got none",
            hint="with --key, --logs 0 asks for the signature alone",
        )
    return _NO_ROOT


def _verified(
    raws: list[bytes],
    file: str,
    root: TrustedRoot,
    named: list[SignerPolicy],
    given: dict[str, Any],
) -> SeveralVerified:
    """Verify by the file's digest; by its bytes only for keys that need them."""

    def judged(artifact: bytes | Digest) -> SeveralVerified:
        return verify_several(
            raws,
            artifact=artifact,
            trusted_root=root,
            policies=named,
            threshold=given["threshold"],
            predicate_type=given["predicate_type"],
        )

    path = Path(file)
    if file.startswith("sha256:") and not path.exists():
        return judged(Digest.parse(file))
    found = judged(digest_of(path))
    if ArtifactNeededError.code not in {one.result.code for one in found.bundles}:
        return found
    return judged(read_given(path, max_bytes=_MAX_FILE_BYTES))
