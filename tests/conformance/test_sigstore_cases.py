# SPDX-License-Identifier: Apache-2.0
"""The bundle-verify cases of the public sigstore-conformance suite, each with its code.

A refusal for another reason than the case was made for is a failure too. The cases are
data that stays outside the project: ``SIGSTORE_CONFORMANCE_CASES`` names their folder.
"""

import os
import subprocess
from pathlib import Path

import pytest

from keys.digest import Digest
from keys.errors import KeyFormatError
from keys.foreign import foreign_key_from_pem
from signer.signer_policy import IdentityPolicy, KeyPolicy
from signer.subject_pattern import SubjectPattern
from signer.trusted_root import TrustedRoot
from signer.verify_bundle import verify_bundle
from tests.conformance.sigstore_client import shipped

CLIENT = Path(__file__).with_name("sigstore_client")
ABSENT = "SKIPPED: conformance cases absent"
CASES = os.environ.get("SIGSTORE_CONFORMANCE_CASES")
SUBJECT = (
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/"
    ".github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
)
ISSUER = "https://token.actions.githubusercontent.com"

# What each case is refused with; none is accepted.
CODES = {
    "bundle-empty-certificate-chain_fail": "sigstore-bundle-format",
    "bundle-invalid-base64-signature_fail": "base64-format",
    "bundle-negative-log-index_fail": "log-entry-format",
    "bundle-with-root-cert_fail": "sigstore-bundle-format",
    "bundle-with-sct-with-extensions": None,
    "checkpoint-bad-keyhint_fail": "checkpoint-signature",
    "checkpoint-wrong-roothash_fail": "not-included",
    "dsse-invalid-sig_fail": "signature-invalid",
    "dsse-mismatch-envelope_fail": "log-entry-mismatch",
    "happy-path-intoto-in-dsse-v3": None,
    "happy-path-v0.1": None,
    "happy-path-v0.2": None,
    "happy-path-v0.3": None,
    "happy-path-v0.3-new-mediaType": None,
    "inclusion-proof-corrupted-hash_fail": "not-included",
    "integrated-time-in-future_fail": "certificate-window",
    "intoto-expired-certificate_fail": "certificate-window",
    "intoto-log-entry-mismatch_fail": "log-entry-mismatch",
    "intoto-set-outside-signing-cert-validity_fail": "certificate-window",
    "intoto-with-custom-trust-root": None,
    "invalid-checkpoint-signature_fail": "checkpoint-signature",
    "invalid-ct-key_fail": "unknown-ct-log",
    "managed-key-and-trusted-root": None,
    "managed-key-happy-path": None,
    "message-digest-mismatch_fail": "artifact-mismatch",
    "rekor2-checkpoint-cosigned": None,
    "rekor2-checkpoint-missing-log-signature_fail": "note-format",
    # Origin and size are in the text that the log signed, and that is read first.
    "rekor2-checkpoint-missing-origin_fail": "checkpoint-signature",
    "rekor2-checkpoint-missing-size_fail": "checkpoint-signature",
    "rekor2-checkpoint-multiple-cosigs": None,
    "rekor2-checkpoint-origin-not-first": None,
    "rekor2-checkpoint-two-sigs-cosigned": None,
    "rekor2-dsse-happy-path": None,
    "rekor2-dsse-invalid-sig_fail": "signature-invalid",
    "rekor2-dsse-mismatch-envelope_fail": "log-entry-mismatch",
    "rekor2-dsse-mismatch-sig_fail": "log-entry-mismatch",
    "rekor2-happy-path": None,
    "rekor2-no-inclusion-proof_fail": "inclusion-proof-missing",
    "rekor2-no-timestamp_fail": "no-trusted-time",
    "rekor2-timestamp-outside-tsa-cert-validity_fail": "timestamp-window",
    "rekor2-timestamp-payload-mismatch_fail": "timestamp-mismatch",
    "rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail": "no-trusted-time",
    "rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail": "no-trusted-time",
    "rekor2-timestamp-with-embedded-cert": None,
    "rekor2-timestamp-with-expired-cert-chain": None,
    "rekor2-timestamp-with-incorrect-time_fail": "certificate-window",
    "signature-mismatch_fail": "signature-invalid",
    "trust-root-tlog-validity-end-inclusive": None,
    "wrong-hashedrekord-entry_fail": "log-entry-mismatch",
    "wrong-material_fail": "artifact-mismatch",
}


def folder() -> Path:
    if not CASES:
        pytest.skip(ABSENT)
    return Path(CASES)


def text(case: Path, name: str, otherwise: str) -> str:
    path = case / name
    return path.read_text().strip() if path.exists() else otherwise


def file(case: Path, name: str, otherwise: Path) -> Path:
    path = case / name
    return path if path.exists() else otherwise


def judged(case: Path, *, by_digest: bool) -> str | None:
    artifact = file(case, "artifact", case.parent / "a.txt").read_bytes()
    root = file(
        case, "trusted_root.json", shipped("trusted_root.json", staging=False)
    ).read_bytes()
    if (case / "key.pub").exists():
        try:
            key = foreign_key_from_pem((case / "key.pub").read_bytes())
        except KeyFormatError as error:
            return error.code
        policy = KeyPolicy(key=key)
    else:
        subject = SubjectPattern.exactly(text(case, "identity", SUBJECT))
        policy = IdentityPolicy(issuer=text(case, "issuer", ISSUER), subject=subject)
    return verify_bundle(
        (case / "bundle.sigstore.json").read_bytes(),
        artifact=Digest.of(artifact) if by_digest else artifact,
        trusted_root=TrustedRoot.parse(root),
        policy=policy,
    ).result.code


@pytest.mark.parametrize("by_digest", [False, True], ids=["bytes", "digest"])
@pytest.mark.parametrize(("name", "code"), CODES.items(), ids=CODES)
def test_a_case_is_judged_for_its_own_reason(name, code, by_digest):
    assert judged(folder() / name, by_digest=by_digest) == code
    assert name.endswith("_fail") == (code is not None)


def test_a_case_that_nobody_recorded_is_judged_as_its_name_says():
    """The folder may have more of the suite than was there when codes were recorded."""
    cases = [path for path in folder().iterdir() if path.is_dir()]
    wrong = {
        (case.name, by_digest): code
        for case in cases
        if case.name not in CODES
        for by_digest in (False, True)
        if ((code := judged(case, by_digest=by_digest)) is not None)
        != case.name.endswith("_fail")
    }

    assert wrong == {}


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("happy-path-v0.3", "identity"),
        ("managed-key-happy-path", "key"),
        ("rekor2-dsse-happy-path", "identity"),
        ("wrong-material_fail", "identity"),
        ("managed-key-happy-path", "identity"),
    ],
)
@pytest.mark.parametrize("by_digest", [False, True], ids=["bytes", "digest"])
def test_the_client_speaks_the_suite_s_protocol(name, by, by_digest):
    case = folder() / name
    artifact = file(case, "artifact", case.parent / "a.txt")
    who = ("--certificate-identity", SUBJECT, "--certificate-oidc-issuer", ISSUER)
    words = ["--bundle", case / "bundle.sigstore.json"]
    words += ["--key", case / "key.pub"] if by == "key" else who
    if (case / "trusted_root.json").exists():
        words += ["--trusted-root", case / "trusted_root.json"]
    digest = str(Digest.of(artifact.read_bytes()))

    done = subprocess.run(
        [CLIENT, "verify-bundle", *words, digest if by_digest else artifact],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    refused = name.endswith("_fail") or (case / "key.pub").exists() != (by == "key")
    assert (done.returncode, bool(done.stderr)) == (int(refused), refused)
    assert "Traceback" not in done.stderr


def test_a_key_that_is_none_is_refused_without_a_traceback(tmp_path):
    (tmp_path / "key.pub").write_text("-----BEGIN PUBLIC KEY-----\nAAAA\n")
    (tmp_path / "bundle.json").write_text("{}")
    words = ["--bundle", tmp_path / "bundle.json", "--key", tmp_path / "key.pub"]
    done = subprocess.run(
        [CLIENT, "verify-bundle", *words, "sha256:" + "0" * 64],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stderr.split(":")[0]) == (1, "key-format")


@pytest.mark.parametrize(
    "who",
    [
        [],
        ["--certificate-identity", SUBJECT],
        ["--certificate-oidc-issuer", ISSUER],
        ["--key", "k", "--certificate-identity", "i", "--certificate-oidc-issuer", "u"],
    ],
)
def test_the_client_does_not_guess_whom_it_is_asked_about(who):
    done = subprocess.run(
        [CLIENT, "verify-bundle", "--bundle", "b", *who, "file"],
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 2
