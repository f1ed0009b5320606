# SPDX-License-Identifier: Apache-2.0
"""Every bound of the signing room: at the limit, and one past it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from keys.digest import Digest
from keys.errors import TrustacksError
from keys.fields import Fields
from keys.strict import b64encode, dumps_json, loads_json
from signer import limits
from signer.attestation import parse_attestation, parse_jsonl
from signer.custody import CustodyTable
from signer.dsse import IN_TOTO, Envelope, parse_envelope
from signer.identity import Identity
from signer.pins import Freshness, LayerPins
from signer.predicates.evidence import LintResult, SuiteResult
from signer.predicates.parts import Parents, namespace_of
from signer.predicates.release import InventoryItem, ReleasePredicate
from signer.predicates.runner_report import ReportedCheck, RunnerReportPredicate
from signer.result import Status, VerificationResult
from signer.statement import Statement, Subject, parse_statement
from signer.steps import StepRecorder
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot
from tests.simulators.signing import CASES, NOW, Workshop, person, say

SHOP = Workshop()
RAW = SHOP.attest(say(SHOP.artifact(), b"data"), by=SHOP.people["author"])
POLICY, ROOT = SHOP.policy().to_bytes(), SHOP.trusted_root()
RESULT = dumps_json(StepRecorder(()).result(subject="it", at=NOW).to_json())


def padded(data: bytes, size: int) -> bytes:
    """Return JSON of exactly that size."""
    return data + b" " * (size - len(data))


def envelope(payload: bytes, signature: bytes) -> Envelope:
    fields = Fields(Envelope(IN_TOTO, payload, "", signature).to_json(), "envelope")
    return parse_envelope(fields)


def attested(place: str, values: list[object]):
    document = loads_json(RAW, max_bytes=len(RAW))
    material = document["verificationMaterial"]
    if place == "tlogEntries":
        material[place] = values
    else:
        material["timestampVerificationData"][place] = values
    return parse_attestation(dumps_json(document))


def token(size: int) -> dict[str, str]:
    return {"signedTimestamp": b64encode(bytes(size))}


def statement(count: int) -> Statement:
    subjects = tuple(Subject(str(i), Digest.of(b"")) for i in range(count))
    return parse_statement(Statement(subjects, "type", {}).to_bytes())


def policy_of(count: int) -> TrustPolicy:
    """Return a policy with as many identities, or as many keys would do, as asked."""
    document = loads_json(POLICY, max_bytes=len(POLICY))
    document["identities"] = document["identities"][:1] * count
    return TrustPolicy.parse(dumps_json(document))


def ct_log(number: int) -> dict[str, object]:
    key = SHOP.log.key.public_key
    return {
        "baseUrl": "https://ct.example.com",
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": b64encode(key.spki),
            "keyDetails": key.details,
            "validFor": {"start": "2026-01-01T00:00:00Z"},
        },
        "logId": {"keyId": b64encode(number.to_bytes(32))},
    }


def root_of(parts: int, certificates: int = 0, size: int = 0) -> TrustedRoot:
    window = {"start": "2026-01-01T00:00:00Z"}
    chain = [b64encode(der) for der in SHOP.authority.chain[:1]]
    authority = {
        "uri": "https://tsa",
        "certChain": {"certificates": [{"rawBytes": c} for c in chain * certificates]},
        "validFor": window,
    }
    if size:
        authority["certChain"] = {
            "certificates": [{"rawBytes": b64encode(bytes(size))}]
        }
    return TrustedRoot.parse(
        dumps_json(
            {
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "ctlogs": [ct_log(i) for i in range(parts)],
                "timestampAuthorities": [authority] if certificates or size else [],
            }
        )
    )


def identity(**changes) -> Identity:
    return replace(SHOP.people["author"].identity, **changes)


def terms(**changes) -> Identity:
    document = SHOP.people["author"].identity.to_json() | changes
    return Identity.parse(Fields(document, "identity"))


def suite(count: int) -> SuiteResult:
    negative = [replace(CASES[1], name=f"case {i}") for i in range(count - 1)]
    result = SuiteResult(engine="e", engine_version="1", cases=(CASES[0], *negative))
    return SuiteResult.parse(Fields(result.to_json(), "suite"))


def lint(count: int, place: str) -> LintResult:
    result = LintResult(
        engine="e", engine_version="1", linter_version="1", checks=("package",)
    )
    texts = [str(i) for i in range(count)]
    return LintResult.parse(Fields(result.to_json() | {place: texts}, "lint"))


def packs(count: int) -> dict[str, Digest]:
    return {f"p{i}": Digest.of(b"") for i in range(count)}


def pinned(count: int) -> LayerPins:
    document = SHOP.policy().layers.to_json()
    (pack,) = document["packs"]
    document["packs"] = [pack | {"name": f"p{i}"} for i in range(count)]
    return LayerPins.parse(Fields(document, "layers"))


def custodies(count: int) -> CustodyTable:
    logs = {b64encode(i.to_bytes(32, "big")): "external" for i in range(count)}
    document = {"logs": logs, "timestamp_authorities": {}}
    return CustodyTable.parse(Fields(document, "custody"))


def report(count: int) -> RunnerReportPredicate:
    checks = tuple(ReportedCheck(id=str(i), status=Status.PASSED) for i in range(count))
    return RunnerReportPredicate.parse(SHOP.report(checks=checks).to_json())


def approvals(count: int) -> tuple[Digest, ...]:
    return tuple(Digest(f"{i:064x}") for i in range(count))


def release(**changes) -> ReleasePredicate:
    return ReleasePredicate.parse(SHOP.release(**changes).to_json())


def lines(count: int, size: int = 0) -> object:
    return parse_jsonl((b"{}\n" * count) if not size else b"x" * (size - 1) + b"\n")


BOUNDS = {
    "statement bytes": (limits.MAX_STATEMENT_BYTES, lambda n: parse_statement(
        padded(say(SHOP.artifact(), b""), n))),
    "payload bytes": (limits.MAX_STATEMENT_BYTES, lambda n: envelope(bytes(n), b"s")),
    "signature bytes": (limits.MAX_SIGNATURE_BYTES, lambda n: envelope(b"p", bytes(n))),
    "attestation bytes": (limits.MAX_ATTESTATION_BYTES, lambda n: parse_attestation(
        padded(RAW, n))),
    "payload type": (limits.MAX_PAYLOAD_TYPE_CHARS, lambda n: parse_envelope(Fields(
        Envelope("t" * n, b"p", "", b"s").to_json(), "envelope"))),
    "key id": (limits.MAX_PAYLOAD_TYPE_CHARS, lambda n: parse_envelope(Fields(
        Envelope("t", b"p", "k" * n, b"s").to_json(), "envelope"))),
    "token bytes": (limits.MAX_TOKEN_BYTES, lambda n: attested(
        "rfc3161Timestamps", [token(n)])),
    "timestamps": (limits.MAX_TIMESTAMPS, lambda n: attested(
        "rfc3161Timestamps", [token(1)] * n)),
    "log entries": (limits.MAX_LOG_ENTRIES, lambda n: attested(
        "tlogEntries", [parse_attestation(RAW).entries[0].to_json()] * n)),
    "subjects": (limits.MAX_SUBJECTS, statement),
    "lines": (limits.MAX_ATTESTATIONS, lines),
    "lines' bytes": (limits.MAX_JSONL_BYTES, lambda n: lines(1, n)),
    "trust policy bytes": (limits.MAX_TRUST_POLICY_BYTES, lambda n: TrustPolicy.parse(
        padded(POLICY, n))),
    "trusted root bytes": (limits.MAX_TRUSTED_ROOT_BYTES, lambda n: TrustedRoot.parse(
        padded(b'{"mediaType":"application/vnd.dev.sigstore.trustedroot.v0.2+json"}', n))),
    "trusted parts": (limits.MAX_TRUSTED_PARTS, root_of),
    "custodies": (limits.MAX_TRUSTED_PARTS, custodies),
    "chain certificates": (limits.MAX_CHAIN_CERTIFICATES, lambda n: root_of(0, n)),
    "result bytes": (limits.MAX_RESULT_BYTES, lambda n: VerificationResult.parse(
        padded(RESULT, n))),
    "principal": (limits.MAX_PRINCIPAL_CHARS, lambda n: identity(principal="p" * n)),
    "namespaces": (limits.MAX_NAMESPACES, lambda n: terms(
        namespaces=[f"n{i}" for i in range(n)])),
    "rule id": (limits.MAX_RULE_ID_CHARS, lambda n: namespace_of("a." + "b" * (n - 2))),
    "parent packs": (limits.MAX_PACKS, lambda n: Parents.parse(Fields(Parents(
        Digest.of(b""), packs(n)).to_json(), "parents"))),
    "pinned packs": (limits.MAX_PACKS, pinned),
    "cases": (limits.MAX_CASES, suite),
    "lint checks": (limits.MAX_LINT_TEXTS, lambda n: lint(n, "checks")),
    "lint warnings": (limits.MAX_LINT_TEXTS, lambda n: lint(n, "warnings")),
    "approvals": (limits.MAX_APPROVALS, lambda n: InventoryItem.parse(Fields(replace(
        SHOP.release().inventory[0], approvals=approvals(n)).to_json(), "item"))),
    "reported checks": (limits.MAX_REPORTED_CHECKS, report),
    "checkpoint": (limits.MAX_CHECKPOINT_CHARS, lambda n: release(checkpoint="c" * n)),
    "release life": (limits.MAX_RELEASE_LIFE_S, lambda n: release(
        expires=NOW + timedelta(seconds=n))),
    "policy's release life": (limits.MAX_RELEASE_LIFE_S, lambda n: Freshness(
        release_max_seconds=n)),
    "policy's targets life": (limits.MAX_TARGETS_LIFE_S, lambda n: Freshness(
        targets_max_seconds=n)),
    "policy's revocation grace": (limits.MAX_RELEASE_LIFE_S, lambda n: Freshness(
        revocation_grace_seconds=n)),
}  # fmt: skip


@pytest.mark.parametrize(
    ("limit", "build"), [pytest.param(*row, id=name) for name, row in BOUNDS.items()]
)
def test_what_is_at_the_limit_is_read_and_what_is_one_past_it_is_refused(limit, build):
    build(limit)

    with pytest.raises(TrustacksError):
        build(limit + 1)


# At these the first refusal comes from inside: what is at the limit is read that far.


@pytest.mark.parametrize(
    ("limit", "build", "inside"),
    [
        pytest.param(
            limits.MAX_IDENTITIES, policy_of, "unsafe-trust-policy", id="identities"
        ),
        pytest.param(
            limits.MAX_CERTIFICATE_BYTES,
            lambda n: root_of(0, size=n),
            "trusted-root-format",
            id="certificate bytes",
        ),
        pytest.param(
            limits.MAX_PERMISSIONS,
            lambda n: terms(permissions=[f"p{i}" for i in range(n)]),
            "unsafe-trust-policy",
            id="permissions",
        ),
    ],
)
def test_one_past_the_limit_is_refused_for_its_size(limit, build, inside):
    for size, code in ((limit, inside), (limit + 1, "field-format")):
        with pytest.raises(TrustacksError) as refused:
            build(size)
        assert refused.value.code == code


def test_a_release_of_as_many_rules_as_a_bundle_may_have_fits():
    item = SHOP.release().inventory[0]
    one = (Digest.of(b"approval"),)
    items = tuple(
        replace(item, rule_id=f"{'n' * 20}.{'r' * 38}{i:05}", approvals=one)
        for i in range(10_000)
    )

    data = say(
        SHOP.release(inventory=items, added=tuple(i.rule_id for i in items)), b""
    )

    assert len(data) <= limits.MAX_STATEMENT_BYTES
    assert len(data) * 4 // 3 + 300_000 <= limits.MAX_ATTESTATION_BYTES


def test_as_many_identities_as_there_may_be_fit():
    size = len(dumps_json(person("a" * 64, "author").identity.to_json()))

    assert size * limits.MAX_IDENTITIES < limits.MAX_TRUST_POLICY_BYTES / 2
