# SPDX-License-Identifier: Apache-2.0
"""What all our predicates have in common: names that are signed for ever.

A predicate type is never changed: another shape is another version.
"""

from types import MappingProxyType
from typing import Any, Final, Protocol

from keys.digest import Digest

PREFIX: Final = "https://trustacks.com/attestations/"

APPROVAL: Final = f"{PREFIX}approval/v1"
ARTIFACT: Final = f"{PREFIX}artifact/v1"
IDENTITY_PROOF: Final = f"{PREFIX}identity-proof/v1"
LAYER: Final = f"{PREFIX}layer/v1"
LINT: Final = f"{PREFIX}lint/v1"
RELEASE: Final = f"{PREFIX}release/v1"
RETIREMENT: Final = f"{PREFIX}retirement/v1"
ROOT_CHANGE: Final = f"{PREFIX}root-change/v1"
RULE: Final = f"{PREFIX}rule/v1"
RUNNER_REPORT: Final = f"{PREFIX}runner-report/v1"
TRUST_CHANGE: Final = f"{PREFIX}trust-change/v1"
WAIVER: Final = f"{PREFIX}waiver/v1"

# Others' types, which say for other tools what ours decide (ADR 0050).
PROVENANCE: Final = "https://slsa.dev/provenance/v1"
SUMMARY: Final = "https://slsa.dev/verification_summary/v1"
SVR: Final = "https://in-toto.io/attestation/svr/v0.1"
TEST_RESULT: Final = "https://in-toto.io/attestation/test-result/v0.1"

# Any one of these permits the predicate type. A proof of possession is signed by the
# key itself and a layer by its publisher: no permission covers them.
PERMISSION: Final = MappingProxyType(
    {
        APPROVAL: frozenset({"approve"}),
        ARTIFACT: frozenset({"author", "release"}),
        LINT: frozenset({"lint"}),
        PROVENANCE: frozenset({"release"}),
        RELEASE: frozenset({"release"}),
        RETIREMENT: frozenset({"retire"}),
        ROOT_CHANGE: frozenset({"admin"}),
        RULE: frozenset({"author"}),
        RUNNER_REPORT: frozenset({"report"}),
        SUMMARY: frozenset({"lint", "release", "report"}),
        SVR: frozenset({"author", "lint"}),
        TEST_RESULT: frozenset({"author", "lint"}),
        TRUST_CHANGE: frozenset({"admin"}),
        WAIVER: frozenset({"waive"}),
    }
)


class Predicate(Protocol):
    """What a registered identity says, bound to one workspace."""

    @property
    def type(self) -> str:
        """The predicate type."""

    @property
    def workspace(self) -> Digest:
        """SHA-256 of the workspace's genesis root (DESIGN T9)."""

    @property
    def signer(self) -> str | None:
        """The id that the statement says signs it; none if it says nothing."""

    @property
    def namespaces(self) -> frozenset[str]:
        """The rule namespaces that it decides about."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a document."""
