# SPDX-License-Identifier: Apache-2.0
"""Whose signatures count, as the options of ``trustacks verify`` name them."""

from typing import Any

from keys.errors import UsageError
from keys.foreign import foreign_key_from_pem
from keys.public import MAX_KEY_BYTES
from signer.signer_policy import IdentityPolicy, KeyPolicy, SignerPolicy
from signer.subject_pattern import SubjectPattern
from trustacks._cli.files import read_given


def policies(given: dict[str, Any]) -> list[SignerPolicy]:
    """Return one policy of each signer that is named; keys, or subjects, never both.

    Raises:
        UsageError: Nobody, both, or subjects without issuers.
    """
    counts = {"logs": given["logs"], "authorities": given["authorities"]}
    subjects = [
        *map(SubjectPattern.exactly, given["certificate_identity"]),
        *map(SubjectPattern.anchored, given["certificate_identity_pattern"]),
    ]
    issuers = list(given["certificate_oidc_issuer"])
    if given["key"] and not subjects and not issuers:
        pems = [read_given(path, max_bytes=MAX_KEY_BYTES) for path in given["key"]]
        return [KeyPolicy(key=foreign_key_from_pem(pem), **counts) for pem in pems]
    if len(issuers) == 1:
        issuers *= len(subjects)
    if given["key"] or not subjects or len(issuers) != len(subjects):
        raise UsageError(
            "expected --key, or --certificate-oidc-issuer with --certificate-identity "
            "or --certificate-identity-pattern, got another",
            hint="a key and an identity never stand in for each other",
        )
    return [
        IdentityPolicy(issuer=issuer, subject=subject, **counts)
        for issuer, subject in zip(issuers, subjects, strict=True)
    ]
