# SPDX-License-Identifier: Apache-2.0
"""Ours under the command protocol of the public sigstore-conformance suite.

    sigstore_client verify-bundle [--staging] --bundle F [--trusted-root F]
        (--certificate-identity I --certificate-oidc-issuer U | --key PEM) FILE
    sigstore_client sign-bundle [--staging] [--in-toto] --identity-token T --bundle F
        [--trusted-root F] [--signing-config F] FILE

``FILE`` may be ``sha256:<hex>`` to verify, and with ``--in-toto`` is the statement that
is signed. Without a trusted root and a signing config they are those of the public-good
instance, or with ``--staging`` of its staging instance, as the package ``sigstore``
ships them; to verify, the package is read and not imported, and no network is used.
Exits 0 if the bundle is accepted or made, 1 if not; what was wrong goes to standard
error.
"""

import argparse
import importlib.util
import sys
from pathlib import Path

from keys.clock import utc_now
from keys.digest import Digest
from keys.durable import read_file
from keys.errors import TrustacksError
from keys.foreign import foreign_key_from_pem
from keys.public import MAX_KEY_BYTES
from signer.limits import MAX_ATTESTATION_BYTES, MAX_TRUSTED_ROOT_BYTES
from signer.signer_policy import IdentityPolicy, KeyPolicy, SignerPolicy
from signer.subject_pattern import SubjectPattern
from signer.trusted_root import TrustedRoot
from signer.verify_bundle import verify_bundle

_MAX_FILE_BYTES = 1 << 30


def shipped(name: str, *, staging: bool) -> Path:
    """Return where the package ``sigstore`` has a file of an instance."""
    package = importlib.util.find_spec("sigstore")
    host = "tuf-repo-cdn.sigstage.dev" if staging else "tuf-repo-cdn.sigstore.dev"
    folder = Path(package.submodule_search_locations[0]) / "_store"
    return folder / f"https%3A%2F%2F{host}" / name


def policy_of(given: argparse.Namespace) -> SignerPolicy:
    if given.key:
        pem = read_file(Path(given.key), max_bytes=MAX_KEY_BYTES)
        return KeyPolicy(key=foreign_key_from_pem(pem))
    subject = SubjectPattern.exactly(given.certificate_identity)
    return IdentityPolicy(issuer=given.certificate_oidc_issuer, subject=subject)


def artifact_of(given: str) -> bytes | Digest:
    if given.startswith("sha256:") and not Path(given).exists():
        return Digest.parse(given)
    return read_file(Path(given), max_bytes=_MAX_FILE_BYTES)


def verify(given: argparse.Namespace) -> None:
    by_identity = given.certificate_identity, given.certificate_oidc_issuer
    if bool(given.key) == any(by_identity) or (any(by_identity) != all(by_identity)):
        given.error("expected a key, or an identity and its issuer")
    verify_bundle(
        read_file(Path(given.bundle), max_bytes=MAX_ATTESTATION_BYTES),
        artifact=artifact_of(given.file),
        trusted_root=TrustedRoot.parse(root_of(given)),
        policy=policy_of(given),
    ).require()


def sign(given: argparse.Namespace) -> None:
    # Not above: it brings ``sigstore`` and HTTP, which who verifies needs not wait for.
    from signer.keyless.file import HEAD_BYTES  # noqa: PLC0415
    from signer.keyless.http import Http  # noqa: PLC0415
    from signer.keyless.sign import KeylessSigner  # noqa: PLC0415
    from signer.keyless.signing_config import SigningConfig  # noqa: PLC0415
    from signer.keyless.token import parse_token  # noqa: PLC0415
    from signer.keyless.witnesses import InstanceWitnesses  # noqa: PLC0415

    named = given.signing_config or shipped(
        "signing_config.v0.2.json", staging=given.staging
    )
    raw = read_file(Path(named), max_bytes=MAX_TRUSTED_ROOT_BYTES)
    config, at, http = SigningConfig.parse(raw), utc_now(), Http()
    signer = KeylessSigner(
        token=lambda: parse_token(given.identity_token),
        authority=config.certificate_authority(at).url,
        trusted_root=root_of(given),
        http=http,
        clock=utc_now,
    )
    witnesses = InstanceWitnesses(
        http, config.timestamp_authorities(at), config.log(at)
    )
    data = read_file(Path(given.file), max_bytes=_MAX_FILE_BYTES)
    if given.in_toto:
        made = signer.sign_statement(data, witnesses)
    else:
        made = signer.sign_file(data[:HEAD_BYTES], Digest.of(data), witnesses)
    Path(given.bundle).write_bytes(made)


def root_of(given: argparse.Namespace) -> bytes:
    named = given.trusted_root or shipped("trusted_root.json", staging=given.staging)
    return read_file(Path(named), max_bytes=MAX_TRUSTED_ROOT_BYTES)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = top.add_subparsers(required=True)
    verifying, signing = (
        commands.add_parser(f"{name}-bundle") for name in ("verify", "sign")
    )
    for one, does in ((verifying, verify), (signing, sign)):
        one.set_defaults(does=does, error=one.error)
        one.add_argument("--staging", action="store_true")
        one.add_argument("--bundle", required=True)
        one.add_argument("--trusted-root")
        one.add_argument("file")
    for name in ("certificate-identity", "certificate-oidc-issuer", "key"):
        verifying.add_argument(f"--{name}")
    signing.add_argument("--in-toto", action="store_true")
    signing.add_argument("--identity-token", required=True)
    signing.add_argument("--signing-config")
    return top


def main(*words: str) -> int:
    given = parser().parse_args(words)
    try:
        given.does(given)
    except TrustacksError as error:
        sys.stderr.write(f"{error.code}: {error.message}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
