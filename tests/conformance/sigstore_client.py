# SPDX-License-Identifier: Apache-2.0
"""``verify_bundle`` under the command protocol of the public sigstore-conformance suite.

    sigstore_client verify-bundle [--staging] --bundle F [--trusted-root F]
        (--certificate-identity I --certificate-oidc-issuer U | --key PEM) FILE

``FILE`` may be ``sha256:<hex>`` instead. Without a trusted root it is that of the
public-good instance, or with ``--staging`` of its staging instance, as the package
``sigstore`` ships them; the package is read and not imported, and no network is used.
Exits 0 if the bundle is accepted, 1 if not; what was wrong goes to standard error.
"""

import argparse
import importlib.util
import sys
from pathlib import Path

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


def shipped_root(*, staging: bool) -> Path:
    """Return where the package ``sigstore`` has an instance's trusted root."""
    package = importlib.util.find_spec("sigstore")
    host = "tuf-repo-cdn.sigstage.dev" if staging else "tuf-repo-cdn.sigstore.dev"
    folder = Path(package.submodule_search_locations[0]) / "_store"
    return folder / f"https%3A%2F%2F{host}" / "trusted_root.json"


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
    root = Path(given.trusted_root or shipped_root(staging=given.staging))
    verify_bundle(
        read_file(Path(given.bundle), max_bytes=MAX_ATTESTATION_BYTES),
        artifact=artifact_of(given.file),
        trusted_root=TrustedRoot.parse(
            read_file(root, max_bytes=MAX_TRUSTED_ROOT_BYTES)
        ),
        policy=policy_of(given),
    ).require()


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    command = top.add_subparsers(required=True).add_parser("verify-bundle")
    command.add_argument("--staging", action="store_true")
    command.add_argument("--bundle", required=True)
    command.add_argument("--trusted-root")
    command.add_argument("--certificate-identity")
    command.add_argument("--certificate-oidc-issuer")
    command.add_argument("--key")
    command.add_argument("file")
    return top


def main(*words: str) -> int:
    reader = parser()
    given = reader.parse_args(words)
    by_identity = given.certificate_identity, given.certificate_oidc_issuer
    if bool(given.key) == any(by_identity) or (any(by_identity) != all(by_identity)):
        reader.error("expected a key, or an identity and its issuer")
    try:
        verify(given)
    except TrustacksError as error:
        sys.stderr.write(f"{error.code}: {error.message}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
