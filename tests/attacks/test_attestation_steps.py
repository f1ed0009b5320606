# SPDX-License-Identifier: Apache-2.0
"""For every numbered step of ``verify_attestation`` an attack that it stops.

Each attacker has real keys and real witnesses and does everything else right.
``deploy/mutate_verifier.py`` deletes each step in turn and runs these.
"""

from dataclasses import dataclass, replace

import pytest

from keys.digest import Digest
from keys.errors import JsonFormatError, UsageError
from keys.strict import dumps_json, loads_json
from signer.attestation import parse_attestation
from signer.errors import NotVerifiedError, PredicateTypeError
from signer.form import Custody, Form
from signer.predicates.artifact import ArtifactPredicate
from signer.predicates.release import ReleasePredicate
from signer.predicates.rule import RulePredicate
from signer.result import Status
from signer.revocation import Revocation
from signer.tlog.entry import LogEntry
from signer.trust import Expected, Trust
from signer.trusted_root import TrustedRoot, Window
from signer.verify import STEPS, verify_attestation
from tests.simulators.signing import (
    BEGIN,
    DAY,
    NOW,
    SimulatedAuthority,
    SimulatedLog,
    Workshop,
    person,
    say,
)

DATA = b"the bytes that are attested"
ABOUT = (Digest.of(DATA),)
ASKED = Expected(ArtifactPredicate.type, ABOUT)


@dataclass(frozen=True)
class Attack:
    """What the attacker hands in, and what the verifier stands on."""

    raw: bytes
    trust: Trust
    expected: Expected = ASKED
    pending: bool = False


def edited(raw: bytes, *path: str | int, value: object) -> bytes:
    """Return the attestation with one unauthenticated field replaced."""
    document = loads_json(raw, max_bytes=len(raw))
    place = document
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return dumps_json(document)


def entries(*entries: LogEntry) -> list[object]:
    return [entry.to_json() for entry in entries]


def honest(shop: Workshop, **how) -> bytes:
    by = shop.people["author"]
    return shop.attest(say(shop.artifact(), DATA), by=by, **how)


# ------------------------------------------------------------------ the attacks


def a_certificate_beside_the_key(shop: Workshop) -> Attack:
    raw = honest(shop)
    path = ("verificationMaterial", "certificate")
    return Attack(edited(raw, *path, value={"rawBytes": "AAAA"}), shop.trust())


def a_second_signature(shop: Workshop) -> Attack:
    raw = honest(shop)
    one = loads_json(raw, max_bytes=len(raw))["dsseEnvelope"]["signatures"][0]
    path = ("dsseEnvelope", "signatures")
    return Attack(edited(raw, *path, value=[one, one]), shop.trust())


def two_names_for_one_key(shop: Workshop) -> Attack:
    other = shop.people["releaser"].key.public_key.hint
    path = ("dsseEnvelope", "signatures", 0, "keyid")
    return Attack(edited(honest(shop), *path, value=other), shop.trust())


def an_unregistered_key(shop: Workshop) -> Attack:
    stranger = person("author", "author")
    raw = shop.attest(say(shop.artifact(), DATA), by=stranger)
    return Attack(raw, shop.trust())


def a_revoked_identity(shop: Workshop) -> Attack:
    gone = (Revocation("author", NOW + DAY, "laptop stolen"),)
    return Attack(honest(shop), shop.trust(policy=shop.policy(revocations=gone)))


def another_payload_under_the_signature(shop: Workshop) -> Attack:
    """The log entry and timestamp are of the old signature; the payload is new."""
    mine = say(shop.artifact(), b"other bytes")
    raw = shop.attest(mine, by=shop.people["author"])
    payload = loads_json(honest(shop), max_bytes=10**6)["dsseEnvelope"]["payload"]
    return Attack(
        edited(raw, "dsseEnvelope", "payload", value=payload), shop.trust(), ASKED
    )


def a_signature_by_another_registered_key(shop: Workshop) -> Attack:
    """The releaser signs and is logged as the author, whose hint it carries."""
    author, releaser = shop.people["author"], shop.people["releaser"]
    claimed = replace(
        releaser, key=replace(releaser.key, public_key=author.key.public_key)
    )
    return Attack(
        shop.attest_anything(say(shop.artifact(), DATA), by=claimed), shop.trust()
    )


def no_timestamp(shop: Workshop) -> Attack:
    path = ("verificationMaterial", "timestampVerificationData")
    return Attack(edited(honest(shop), *path, value={}), shop.trust())


def a_timestamp_of_another_signature(shop: Workshop) -> Attack:
    other = parse_attestation(honest(shop)).raw
    token = loads_json(other, max_bytes=10**6)["verificationMaterial"]
    path = ("verificationMaterial", "timestampVerificationData")
    value = token["timestampVerificationData"]
    return Attack(edited(honest(shop), *path, value=value), shop.trust())


def a_timestamp_of_a_foreign_authority(shop: Workshop) -> Attack:
    trust = shop.trust()
    shop.authority = SimulatedAuthority("https://tsa.example.net")
    return Attack(honest(shop), trust)


def a_good_timestamp_with_junk_beside_it(shop: Workshop) -> Attack:
    raw = honest(shop)
    path = ("verificationMaterial", "timestampVerificationData", "rfc3161Timestamps")
    tokens = loads_json(raw, max_bytes=10**6)
    for name in path:
        tokens = tokens[name]
    junk = [*tokens, {"signedTimestamp": "MAAA"}]
    return Attack(edited(raw, *path, value=junk), shop.trust())


def signed_tomorrow(shop: Workshop) -> Attack:
    return Attack(honest(shop, at=NOW + DAY), shop.trust())


def a_retired_authority_that_the_control_plane_still_holds(shop: Workshop) -> Attack:
    """Its window ended yesterday; it stamps a time from before."""
    raw = honest(shop, at=NOW - 3 * DAY)
    return Attack(raw, shop.trust(trusted_root=retired(shop, authority=NOW - DAY)))


def no_log_entry(shop: Workshop) -> Attack:
    return Attack(honest(shop, pending=True), shop.trust())


def a_log_entry_on_what_is_to_be_logged(shop: Workshop) -> Attack:
    return Attack(honest(shop), shop.trust(), pending=True)


def an_entry_of_a_foreign_log(shop: Workshop) -> Attack:
    trust = shop.trust()
    shop.log = SimulatedLog(shop.log.origin)
    return Attack(honest(shop), trust)


def an_entry_of_another_attestation(shop: Workshop) -> Attack:
    honest(shop)
    raw = honest(shop)
    path = ("verificationMaterial", "tlogEntries")
    return Attack(edited(raw, *path, value=entries(shop.log.entry(0))), shop.trust())


def an_entry_that_was_never_appended(shop: Workshop) -> Attack:
    raw = honest(shop)
    body = parse_attestation(raw).entries[0].body
    for i in range(3):
        shop.log.append(b"others %d" % i)
    forged = replace(shop.log.entry(2), body=body)
    path = ("verificationMaterial", "tlogEntries")
    return Attack(edited(raw, *path, value=entries(forged)), shop.trust())


def a_proof_with_a_tree_of_its_own(shop: Workshop) -> Attack:
    """CVE-2022-36056's cousin: the proof's copy of size and root is another tree's."""
    raw = honest(shop)
    honest(shop)
    good, later = parse_attestation(raw).entries[0], shop.log.entry(0)
    mixed = replace(later, checkpoint=good.checkpoint)
    path = ("verificationMaterial", "tlogEntries")
    return Attack(edited(raw, *path, value=entries(mixed)), shop.trust())


def a_log_that_was_retired(shop: Workshop) -> Attack:
    return Attack(honest(shop), shop.trust(trusted_root=retired(shop, log=NOW - DAY)))


def signed_before_the_window(shop: Workshop) -> Attack:
    return Attack(honest(shop, at=BEGIN - DAY), early(shop))


def signed_after_the_window_and_backdated(shop: Workshop) -> Attack:
    """T3: the Control Plane's authority stamps a time inside the window."""
    author = replace(shop.people["author"], not_after=NOW - DAY)
    shop.people["author"] = author
    raw = honest(shop, at=NOW - 2 * DAY)
    return Attack(raw, shop.trust())


def another_payload_type(shop: Workshop) -> Attack:
    payload = say(shop.artifact(), DATA)
    raw = shop.attest_anything(
        payload, by=shop.people["author"], payload_type="application/json"
    )
    return Attack(raw, shop.trust())


def a_statement_with_a_key_twice(shop: Workshop) -> Attack:
    payload = say(shop.artifact(), DATA)
    twice = payload.replace(b'"_type"', b'"predicateType":"x","_type"', 1)
    return Attack(shop.attest_anything(twice, by=shop.people["author"]), shop.trust())


def a_statement_with_an_unknown_field(shop: Workshop) -> Attack:
    payload = say(shop.artifact(), DATA).replace(b'{"_type"', b'{"Subject":[],"_type"')
    return Attack(shop.attest_anything(payload, by=shop.people["author"]), shop.trust())


def a_release_where_a_vouching_was_asked_for(shop: Workshop) -> Attack:
    raw = shop.attest(say(shop.release(), DATA), by=shop.people["releaser"])
    return Attack(raw, shop.trust())


def a_suite_that_did_not_pass(shop: Workshop) -> Attack:
    statement = say(shop.rule(), DATA).replace(b'"actual":"deny"', b'"actual":"allow"')
    raw = shop.attest_anything(statement, by=shop.people["author"])
    return Attack(raw, shop.trust(), Expected(RulePredicate.type, ABOUT))


def a_predicate_with_an_unknown_field(shop: Workshop) -> Attack:
    statement = say(shop.artifact(), DATA).replace(b'"signed_at"', b'"x":1,"signed_at"')
    raw = shop.attest_anything(statement, by=shop.people["author"])
    return Attack(raw, shop.trust())


def a_statement_for_another_workspace(shop: Workshop) -> Attack:
    foreign = replace(shop.artifact(), workspace=Digest.of(b"another genesis root"))
    return Attack(
        shop.attest(say(foreign, DATA), by=shop.people["author"]), shop.trust()
    )


def a_statement_in_another_name(shop: Workshop) -> Attack:
    said = shop.artifact(identity="releaser")
    return Attack(shop.attest(say(said, DATA), by=shop.people["author"]), shop.trust())


def a_release_by_an_author(shop: Workshop) -> Attack:
    said = shop.release(identity="author")
    raw = shop.attest(say(said, DATA), by=shop.people["author"])
    return Attack(raw, shop.trust(), Expected(ReleasePredicate.type, ABOUT))


def a_rule_of_another_namespace(shop: Workshop) -> Attack:
    author = replace(shop.people["author"], namespaces=frozenset({"web"}))
    shop.people["author"] = author
    raw = shop.attest(say(shop.rule(), DATA), by=author)
    return Attack(raw, shop.trust(), Expected(RulePredicate.type, ABOUT))


def a_rule_of_a_namespace_that_was_not_asked_for(shop: Workshop) -> Attack:
    raw = shop.attest(say(shop.rule(), DATA), by=shop.people["author"])
    return Attack(raw, shop.trust(), Expected(RulePredicate.type, ABOUT, "web"))


def a_release_that_retires_another_namespace(shop: Workshop) -> Attack:
    releaser = replace(shop.people["releaser"], namespaces=frozenset({"web"}))
    shop.people["releaser"] = releaser
    raw = shop.attest(say(shop.release(), DATA), by=releaser)
    return Attack(raw, shop.trust(), Expected(ReleasePredicate.type, ABOUT))


def a_custodial_author_in_the_sovereign_form(shop: Workshop) -> Attack:
    author = replace(shop.people["author"], custody=Custody.CONTROL_PLANE)
    shop.people["author"] = author
    shop.form = Form.SOVEREIGN
    return Attack(honest(shop), shop.trust())


def an_attestation_of_other_bytes(shop: Workshop) -> Attack:
    raw = shop.attest(say(shop.artifact(), b"other bytes"), by=shop.people["author"])
    return Attack(raw, shop.trust())


def one_of_two_files_is_another(shop: Workshop) -> Attack:
    asked = Expected(ArtifactPredicate.type, (*ABOUT, Digest.of(b"the other file")))
    return Attack(honest(shop), shop.trust(), asked)


def retired(shop: Workshop, *, authority=None, log=None) -> TrustedRoot:
    """Return the trusted root with the end of a window in it."""
    root = shop.trusted_root()
    return TrustedRoot(
        tuple(replace(one, window=Window(BEGIN, log)) for one in root.logs),
        tuple(
            replace(one, window=Window(BEGIN, authority)) for one in root.authorities
        ),
    )


def early(shop: Workshop) -> Trust:
    """Return trust whose witnesses are older than its identities."""
    root = shop.trusted_root()
    older = Window(BEGIN - 100 * DAY)
    return shop.trust(
        trusted_root=TrustedRoot(
            tuple(replace(one, window=older) for one in root.logs),
            tuple(replace(one, window=older) for one in root.authorities),
        )
    )


ATTACKS = [
    ("shape", "attestation-format", a_certificate_beside_the_key),
    ("shape", "envelope-format", a_second_signature),
    ("shape", "attestation-format", two_names_for_one_key),
    ("signer", "unknown-signer", an_unregistered_key),
    ("revocation", "revoked", a_revoked_identity),
    ("signature", "signature-invalid", another_payload_under_the_signature),
    ("signature", "signature-invalid", a_signature_by_another_registered_key),
    ("time", "no-trusted-time", no_timestamp),
    ("time", "timestamp-mismatch", a_timestamp_of_another_signature),
    ("time", "no-trusted-time", a_timestamp_of_a_foreign_authority),
    ("time", "timestamp-format", a_good_timestamp_with_junk_beside_it),
    ("past", "from-the-future", signed_tomorrow),
    (
        "authority-window",
        "no-trusted-time",
        a_retired_authority_that_the_control_plane_still_holds,
    ),
    ("log", "not-logged", no_log_entry),
    ("log", "not-logged", a_log_entry_on_what_is_to_be_logged),
    ("log", "unknown-log", an_entry_of_a_foreign_log),
    ("log", "log-entry-mismatch", an_entry_of_another_attestation),
    ("log", "not-included", an_entry_that_was_never_appended),
    ("log", "not-included", a_proof_with_a_tree_of_its_own),
    ("log", "log-window", a_log_that_was_retired),
    ("window", "outside-window", signed_before_the_window),
    ("window", "outside-window", signed_after_the_window_and_backdated),
    ("payload-type", "payload-type", another_payload_type),
    ("statement", "json-format", a_statement_with_a_key_twice),
    ("statement", "statement-format", a_statement_with_an_unknown_field),
    ("predicate-type", "predicate-type", a_release_where_a_vouching_was_asked_for),
    ("predicate", "suite-not-passed", a_suite_that_did_not_pass),
    ("predicate", "field-format", a_predicate_with_an_unknown_field),
    ("workspace", "workspace-mismatch", a_statement_for_another_workspace),
    ("named-signer", "signer-mismatch", a_statement_in_another_name),
    ("permission", "signer-not-permitted", a_release_by_an_author),
    ("namespace", "namespace-not-permitted", a_rule_of_another_namespace),
    (
        "namespace",
        "namespace-not-permitted",
        a_rule_of_a_namespace_that_was_not_asked_for,
    ),
    ("namespace", "namespace-not-permitted", a_release_that_retires_another_namespace),
    ("custody", "custody", a_custodial_author_in_the_sovereign_form),
    ("subject", "subject-mismatch", an_attestation_of_other_bytes),
    ("subject", "subject-mismatch", one_of_two_files_is_another),
]


@pytest.mark.parametrize(
    ("step", "code", "attack"),
    [
        pytest.param(*row, id=f"{row[0]}: {row[2].__name__} -> {row[1]}")
        for row in ATTACKS
    ],
)
def test_an_attack_is_refused_by_its_own_step(step, code, attack):
    tried = attack(Workshop())

    verified = verify_attestation(
        tried.raw,
        trust=tried.trust,
        expected=tried.expected,
        at=NOW,
        pending=tried.pending,
    )

    assert verified.result.code == code
    assert verified.result.first_failure.id == step
    assert not verified
    assert verified.evidence is None
    later = verified.result.checks[[s for s, _ in STEPS].index(step) + 1 :]
    assert {check.status for check in later} <= {Status.NOT_RUN}


def test_every_step_has_an_attack_of_its_own():
    # "instants" refuses nothing by itself: test_attestation_time shows what it decides;
    # those of "certificate" are in test_attestation_keyless
    elsewhere = {"instants", "certificate"}
    assert {step for step, _, _ in ATTACKS} == {s for s, _ in STEPS} - elsewhere


@pytest.mark.parametrize("form", Form)
def test_what_is_in_order_is_accepted(form):
    shop = Workshop(form=form)

    verified = verify_attestation(
        honest(shop), trust=shop.trust(), expected=ASKED, at=NOW
    )

    assert verified.result.code is None
    assert {check.status for check in verified.result.checks} == {Status.PASSED}
    evidence = verified.require()
    assert evidence.identity.id == "author"
    assert evidence.said(ArtifactPredicate).identity == "author"
    assert [time.at for time in evidence.times] == [NOW]
    assert (evidence.logged.index, evidence.logged.size) == (0, 1)


def test_refused_evidence_gives_nothing_even_to_who_forgets_to_look():
    shop = Workshop()
    trust = shop.trust()
    accepted = verify_attestation(honest(shop), trust=trust, expected=ASKED, at=NOW)
    refused = verify_attestation(b"", trust=trust, expected=ASKED, at=NOW)

    with pytest.raises(JsonFormatError):
        replace(refused, evidence=accepted.evidence).require()
    with pytest.raises(NotVerifiedError):
        replace(accepted, evidence=None).require()
    with pytest.raises(PredicateTypeError):
        accepted.require().said(ReleasePredicate)


def test_the_instant_is_utc_or_a_mistake():
    shop = Workshop()

    with pytest.raises(UsageError):
        verify_attestation(
            honest(shop),
            trust=shop.trust(),
            expected=ASKED,
            at=NOW.replace(tzinfo=None),
        )
