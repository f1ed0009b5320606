# SPDX-License-Identifier: Apache-2.0
"""SLSA's ``verification_summary/v1``: the gate accepted a release, or refused it.

Made of a ``VerificationResult``; the outcome of each check is in an extension field. A
refusal is worth keeping too: it is evidence that somebody looked.

Source: SLSA v1.0, verification summary attestation.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from signer.form import Form
from signer.limits import MAX_REPORTED_CHECKS
from signer.predicates.base import PREFIX, SUMMARY
from signer.predicates.parts import must, optional_text
from signer.predicates.runner_report import ReportedCheck
from signer.predicates.standard.provenance import identity_uri
from signer.predicates.standard.said import (
    Resource,
    Said,
    Told,
    read_resources,
    write_resources,
)
from signer.result import Status

CHECKS: Final = f"{PREFIX}gate/v1"
_VERIFIED: Final = "TRUSTACKS_RELEASE_VERIFIED"
_FORM: Final = "TRUSTACKS_FORM_"
_PASSED, _FAILED = "PASSED", "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryPredicate(Told):
    """What a verifier says of one release.

    Attributes:
        verified_with: Version of the verifier.
        verified_at: The instant that was decided for.
        revision: Which release.
        form: Of trust, by the pinned root.
        policy: The trust policy that it was verified against.
        inputs: The attestations that were read.
        code: Of the refusal; none if it was accepted.
        checks: The gate's, in order.
    """

    type: ClassVar[str] = SUMMARY
    verified_with: str
    verified_at: datetime
    revision: int
    form: Form
    policy: Digest
    inputs: tuple[Resource, ...]
    code: str | None
    checks: tuple[ReportedCheck, ...]

    def __post_init__(self) -> None:
        passed = all(check.status is Status.PASSED for check in self.checks)
        must(bool(self.checks), "the gate's checks")
        must(passed == (self.code is None), "a code exactly if a check did not pass")

    @property
    def levels(self) -> list[str]:
        """What was verified, in SLSA's field; ``FAILED`` alone if it was refused."""
        if self.code is not None:
            return [_FAILED]
        return [_VERIFIED, f"{_FORM}{self.form.value.upper()}"]

    @classmethod
    def parse(cls, predicate: dict[str, Any]) -> Self:
        """Parse the predicate as it is written here.

        Raises:
            FormatError: Another shape.
        """
        fields = Fields(predicate, "verification summary")
        said = Said.read(fields)
        verifier, policy = fields.object("verifier"), fields.object("policy")
        version, digest = verifier.object("version"), policy.object("digest")
        gate = fields.object(CHECKS)
        verifier.constant("id", identity_uri(said))
        policy.constant("uri", _policy_uri(said))
        checks = gate.objects("checks", max_items=MAX_REPORTED_CHECKS)
        parsed = cls(
            said=said,
            verified_with=version.text("trustacks"),
            verified_at=fields.instant("timeVerified"),
            revision=gate.integer("revision", minimum=1),
            form=Form(gate.one_of("form", tuple(Form))),
            policy=Digest(digest.text("sha256")),
            inputs=read_resources(fields, "inputAttestations"),
            code=optional_text(gate, "code"),
            checks=tuple(map(ReportedCheck.parse, checks)),
        )
        fields.constant("resourceUri", _resource_uri(said, parsed.revision))
        fields.constant("verificationResult", _PASSED if not parsed.code else _FAILED)
        must(
            list(fields.texts("verifiedLevels")) == parsed.levels, "levels as verified"
        )
        for one in (version, digest, gate, verifier, policy, fields):
            one.done()
        return parsed

    def to_json(self) -> dict[str, Any]:
        """Return the predicate as a document."""
        return {
            "verifier": {
                "id": identity_uri(self.said),
                "version": {"trustacks": self.verified_with},
            },
            "timeVerified": format_instant(self.verified_at),
            "resourceUri": _resource_uri(self.said, self.revision),
            "policy": {
                "uri": _policy_uri(self.said),
                "digest": {"sha256": self.policy.hex},
            },
            "inputAttestations": write_resources(self.inputs),
            "verificationResult": _PASSED if self.code is None else _FAILED,
            "verifiedLevels": self.levels,
            CHECKS: {
                "revision": self.revision,
                "form": self.form.value,
                "code": self.code,
                "checks": [check.to_json() for check in self.checks],
            },
            **self.said.to_json(),
        }


def _resource_uri(said: Said, revision: int) -> str:
    return f"https://trustacks.com/workspaces/{said.workspace.hex}/overlay/{revision}"


def _policy_uri(said: Said) -> str:
    return f"https://trustacks.com/workspaces/{said.workspace.hex}/trust/policy.json"
