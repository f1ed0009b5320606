# SPDX-License-Identifier: Apache-2.0
"""Attacks with certificates on a workspace that knows OIDC identities (DESIGN T2, T3).

Each attacker has real keys, real certificates and real witnesses, and does everything
else right. Most of them have the Control Plane's timestamp authority in hand.
"""

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509

from keys.digest import Digest
from keys.strict import b64encode, dumps_json, loads_json
from signer.attestation import parse_attestation
from signer.form import Custody, Form
from signer.predicates.artifact import ArtifactPredicate
from signer.revocation import Revocation, Survivors
from signer.trust import Expected
from signer.trusted_root import Window
from signer.verify import verify_attestation
from tests.simulators.fulcio import (
    CaTerms,
    LeafTerms,
    SimulatedFulcio,
    name_of,
    username,
)
from tests.simulators.keyless import (
    CI_ISSUER,
    MAIN,
    PEOPLE_ISSUER,
    RELEASE,
    KeylessWorkshop,
    Leaf,
    claimed,
)
from tests.simulators.memory_key import MemoryKey
from tests.simulators.signing import BEGIN, DAY, NOW, Workshop, person, say

DATA = b"the bytes that are attested"
ASKED = Expected(ArtifactPredicate.type, (Digest.of(DATA),))
MINUTE = timedelta(minutes=1)
OURS = Custody.CONTROL_PLANE


def said(shop: Workshop, identity: str = "ci") -> bytes:
    return say(shop.artifact(identity=identity), DATA)


def result_of(raw: bytes, trust, at=NOW, *, pending: bool = False):
    return verify_attestation(raw, trust=trust, expected=ASKED, at=at, pending=pending)


def forged(shop: KeylessWorkshop, *, instance: str = "public", **terms) -> Leaf:
    """Take a certificate whose terms are chosen by who holds the CA's key."""
    key = MemoryKey.ecdsa()
    honest = LeafTerms(
        names=(name_of(MAIN),), issuer=CI_ISSUER, issuer_v2=CI_ISSUER, at=NOW
    )
    der = shop.instances[instance].forge(key.public_key, replace(honest, **terms))
    return Leaf(key, der)


def document(raw: bytes) -> dict:
    return loads_json(raw, max_bytes=len(raw))


# -------------------------------------------------------------------- what is shown


def a_key_and_a_certificate(shop):
    raw = document(shop.sign(said(shop)))
    hint = shop.people["author"].key.public_key.hint
    raw["verificationMaterial"]["publicKey"] = {"hint": hint}
    return dumps_json(raw), shop.trust(), NOW


def a_key_id_beside_a_certificate(shop):
    raw = document(shop.sign(said(shop)))
    hint = shop.people["author"].key.public_key.hint
    raw["dsseEnvelope"]["signatures"][0]["keyid"] = hint
    return dumps_json(raw), shop.trust(), NOW


def a_certificate_of_another_kind_of_key(shop):
    key = MemoryKey.ecdsa_p384()
    der = shop.instances["public"].certify(key, subject=MAIN, issuer=CI_ISSUER, at=NOW)
    return shop.sign(said(shop), Leaf(key, der), pending=True), shop.trust(), NOW


def two_subjects(shop):
    names = (name_of(MAIN), name_of("mallory@example.com"))
    raw = shop.sign(said(shop), forged(shop, names=names), pending=True)
    return raw, shop.trust(), NOW


def two_issuers(shop):
    leaf = forged(shop, issuer_v2=PEOPLE_ISSUER)
    return shop.sign(said(shop), leaf, pending=True), shop.trust(), NOW


def a_user_who_calls_himself_by_somebody_s_address(shop):
    shop.claims = [claimed("ci", "author", subject="carol@example.com")]
    leaf = forged(shop, names=(username("carol@example.com"),))
    return shop.sign(said(shop), leaf, pending=True), shop.trust(), NOW


def a_user_who_calls_himself_like_a_workflow(shop):
    leaf = forged(shop, names=(username(MAIN),))
    return shop.sign(said(shop), leaf, pending=True), shop.trust(), NOW


def an_address_that_reads_as_a_workflow(shop):
    leaf = forged(shop, names=(x509.RFC822Name(MAIN),))
    return shop.sign(said(shop), leaf, pending=True), shop.trust(), NOW


def a_uri_that_reads_as_an_address(shop):
    shop.claims = [claimed("ci", "author", subject="carol@example.com")]
    leaf = forged(shop, names=(x509.UniformResourceIdentifier("carol@example.com"),))
    return shop.sign(said(shop), leaf, pending=True), shop.trust(), NOW


# ------------------------------------------------------------------------- instances


def a_certificate_of_another_instance(shop):
    """The same issuer and subject, certified by an instance that is pinned too."""
    leaf = shop.leaf(instance="private")
    return shop.sign(said(shop), leaf), shop.trust(), NOW


def a_log_of_certificates_of_another_instance(shop):
    public, private = shop.instances["public"], shop.instances["private"]
    trust = shop.trust()
    public.ct_log = private.ct_log
    return shop.sign(said(shop)), trust, NOW


def a_ca_that_no_instance_has(shop):
    """It is in the trusted root, and no admin said whose it is."""
    policy = shop.policy()
    stranger = SimulatedFulcio(CaTerms(at=BEGIN), uri="https://fulcio.example.net")
    shop.instances["stranger"] = stranger
    root, table = shop.trusted_root(), shop.custody_table()
    trust = shop.trust(policy=replace(policy, custody=table), trusted_root=root)
    return shop.sign(said(shop), shop.leaf(instance="stranger")), trust, NOW


def a_ca_of_the_same_name(shop):
    trust = shop.trust()
    public = shop.instances["public"]
    shop.instances["public"] = SimulatedFulcio(
        CaTerms(at=BEGIN), uri=public.uri, ct_log=public.ct_log
    )
    return shop.sign(said(shop)), trust, NOW


def a_certificate_that_its_own_key_signed(shop):
    key, public = MemoryKey.ecdsa(), shop.instances["public"]
    terms = LeafTerms(
        names=(name_of(MAIN),), issuer=CI_ISSUER, issuer_v2=CI_ISSUER, at=NOW
    )
    der = public.forge(key.public_key, terms, signed_by=key)
    return shop.sign(said(shop), Leaf(key, der)), shop.trust(), NOW


def a_certificate_that_nobody_saw(shop):
    return shop.sign(said(shop), forged(shop, scts=0)), shop.trust(), NOW


def a_certificate_timestamp_of_another_certificate(shop):
    leaf = forged(shop, sct_of=lambda tbs: tbs[:-1] + bytes([tbs[-1] ^ 1]))
    return shop.sign(said(shop), leaf), shop.trust(), NOW


# ------------------------------------------------------------------------ identities


def another_issuer(shop):
    leaf = shop.leaf(issuer=PEOPLE_ISSUER)
    return shop.sign(said(shop), leaf), shop.trust(), NOW


def a_subject_that_begins_alike(shop):
    leaf = shop.leaf(subject=f"{MAIN}-and-more")
    return shop.sign(said(shop), leaf), shop.trust(), NOW


def a_subject_that_a_prefix_of_the_pattern_matches(shop):
    pattern = r"^https://ci\.example\.com/acme/overlay/\.github/workflows/release\.yml"
    shop.claims = [claimed("ci", "author", subject=rf"{pattern}@refs/tags/v[0-9]+$")]
    leaf = shop.leaf(subject=f"{RELEASE}@refs/tags/v1/../../heads/mallory")
    return shop.sign(said(shop), leaf), shop.trust(), NOW


def a_key_for_an_identity_with_a_subject(shop):
    """Signed with a key of mine, in the name of the workflow."""
    mallory = person("ci", "author")
    raw = shop.attest_anything(said(shop), by=mallory)
    return raw, shop.trust(), NOW


def a_certificate_for_an_identity_with_a_key(shop):
    """A certificate of the very principal who has a key; he never registered it."""
    leaf = shop.leaf(subject="author@example.com", issuer=PEOPLE_ISSUER)
    return shop.sign(said(shop, "author"), leaf), shop.trust(), NOW


def a_certificate_of_a_registered_key(shop):
    """The author certifies his own key as the workflow's."""
    author = shop.people["author"].key
    der = shop.instances["public"].certify(
        author, subject=MAIN, issuer=CI_ISSUER, at=NOW
    )
    return shop.sign(said(shop), Leaf(author, der)), shop.trust(), NOW


def a_revoked_identity(shop):
    gone = (Revocation("ci", NOW + DAY, "workflow stolen"),)
    return shop.sign(said(shop)), shop.trust(policy=shop.policy(revocations=gone)), NOW


def a_suspended_identity(shop):
    gone = (Revocation("ci", NOW + DAY, "looking into it", final=False),)
    return shop.sign(said(shop)), shop.trust(policy=shop.policy(revocations=gone)), NOW


def a_signature_by_another_key(shop):
    leaf = replace(shop.leaf(), key=MemoryKey.ecdsa())
    return shop.sign(said(shop), leaf), shop.trust(), NOW


# ----------------------------------------------------------------------------- time


def a_certificate_that_expired_before_it_signed(shop):
    leaf = shop.leaf(at=NOW - 11 * MINUTE)
    return shop.sign(said(shop), leaf), shop.trust(), NOW


def an_old_certificate_dated_back_by_the_control_plane(shop):
    """A key that leaked after its minutes; only the Control Plane says that it did not.

    T3: its word would make the certificate valid, in this minute and in any other.
    """
    leaf = shop.leaf(at=NOW - DAY)
    raw = shop.sign(said(shop), leaf, at=NOW - DAY, by=[shop.authority])
    return raw, shop.trust(), NOW


def a_certificate_in_its_minutes_with_the_control_plane_s_word_only(shop):
    """At the instant decided for it is valid; in ten minutes nobody could say."""
    raw = shop.sign(said(shop), by=[shop.authority])
    return raw, shop.trust(), NOW


def dated_back_by_the_control_plane_and_stamped_outside_too_late(shop):
    leaf = shop.leaf(at=NOW - DAY)
    raw = document(shop.sign(said(shop), leaf, at=NOW - DAY, by=[shop.authority]))
    signature = parse_attestation(dumps_json(raw)).envelope.signature
    late = {"signedTimestamp": b64encode(shop.outside.stamp(signature, at=NOW))}
    data = raw["verificationMaterial"]["timestampVerificationData"]
    data["rfc3161Timestamps"].append(late)
    return dumps_json(raw), shop.trust(), NOW


def a_retired_ca(shop):
    return shop.sign(said(shop)), retired(shop, "certificate_authorities"), NOW


def a_retired_log_of_certificates(shop):
    return shop.sign(said(shop)), retired(shop, "ct_logs"), NOW


def a_retired_log_of_certificates_that_dates_back(shop):
    leaf = forged(shop, sct_at=NOW - 3 * DAY)
    return shop.sign(said(shop), leaf), retired(shop, "ct_logs"), NOW


def a_ca_whose_own_certificate_expired(shop):
    public = shop.instances["public"]
    shop.instances["public"] = SimulatedFulcio(
        CaTerms(at=BEGIN - 40 * DAY, life=30 * DAY), uri=public.uri
    )
    return shop.sign(said(shop)), shop.trust(), NOW


def a_certificate_from_before_the_identity_s_time(shop):
    """Whoever had the subject before cannot sign as who has it now."""
    shop.claims = [claimed("ci", "author", not_before=NOW - MINUTE)]
    leaf = shop.leaf(at=NOW - 2 * MINUTE)
    return shop.sign(said(shop), leaf), shop.trust(), NOW


def an_identity_whose_time_is_over(shop):
    shop.claims = [claimed("ci", "author", not_after=NOW - DAY)]
    return shop.sign(said(shop)), shop.trust(), NOW


# --------------------------------------------------------------------- log, custody


def an_entry_in_the_name_of_the_bare_key(shop):
    return shop.sign(said(shop), logged_as=b""), shop.trust(), NOW


def an_entry_of_another_certificate(shop):
    leaf = shop.leaf()
    other = shop.instances["public"].certify(
        leaf.key, subject="mallory@example.com", issuer=PEOPLE_ISSUER, at=NOW
    )
    return shop.sign(said(shop), leaf, logged_as=other), shop.trust(), NOW


def a_ca_of_the_control_plane(shop):
    shop.custodies = {"CA of public": OURS}
    return shop.sign(said(shop)), shop.trust(), NOW


def an_issuer_of_the_control_plane(shop):
    shop.custodies = {CI_ISSUER: OURS}
    return shop.sign(said(shop)), shop.trust(), NOW


def a_log_of_certificates_of_the_control_plane(shop):
    shop.custodies = {"CT log of public": OURS}
    return shop.sign(said(shop)), shop.trust(), NOW


def retired(shop: KeylessWorkshop, kind: str):
    root = shop.trusted_root()
    ended = tuple(
        replace(part, window=Window(part.window.start, NOW - 2 * DAY))
        for part in getattr(root, kind)
    )
    return shop.trust(trusted_root=replace(root, **{kind: ended}))


ATTACKS = [
    ("shape", "attestation-format", a_key_and_a_certificate),
    ("shape", "attestation-format", a_key_id_beside_a_certificate),
    ("shape", "attestation-format", a_certificate_of_another_kind_of_key),
    ("shape", "certificate-profile", two_subjects),
    ("shape", "certificate-profile", two_issuers),
    ("signer", "wrong-instance", a_certificate_of_another_instance),
    ("signer", "wrong-instance", a_log_of_certificates_of_another_instance),
    ("signer", "wrong-instance", a_ca_that_no_instance_has),
    ("signer", "wrong-instance", a_ca_of_the_same_name),
    ("signer", "wrong-instance", a_certificate_that_its_own_key_signed),
    ("signer", "sct-missing", a_certificate_that_nobody_saw),
    ("signer", "sct-signature", a_certificate_timestamp_of_another_certificate),
    *(
        ("shape", "certificate-profile", attack)
        for attack in (
            a_user_who_calls_himself_by_somebody_s_address,
            a_user_who_calls_himself_like_a_workflow,
            an_address_that_reads_as_a_workflow,
            a_uri_that_reads_as_an_address,
        )
    ),
    ("signer", "unknown-signer", another_issuer),
    ("signer", "unknown-signer", a_subject_that_begins_alike),
    ("signer", "unknown-signer", a_subject_that_a_prefix_of_the_pattern_matches),
    ("signer", "unknown-signer", a_key_for_an_identity_with_a_subject),
    ("signer", "unknown-signer", a_certificate_for_an_identity_with_a_key),
    ("signer", "key-reused", a_certificate_of_a_registered_key),
    ("revocation", "revoked", a_revoked_identity),
    ("revocation", "suspended", a_suspended_identity),
    ("signature", "signature-invalid", a_signature_by_another_key),
    (
        "certificate",
        "certificate-window",
        a_certificate_that_expired_before_it_signed,
    ),
    (
        "certificate",
        "certificate-window",
        dated_back_by_the_control_plane_and_stamped_outside_too_late,
    ),
    (
        "certificate",
        "certificate-time",
        an_old_certificate_dated_back_by_the_control_plane,
    ),
    (
        "certificate",
        "certificate-time",
        a_certificate_in_its_minutes_with_the_control_plane_s_word_only,
    ),
    ("certificate", "ca-window", a_retired_ca),
    ("certificate", "ca-window", a_ca_whose_own_certificate_expired),
    ("certificate", "ct-log-window", a_retired_log_of_certificates),
    ("certificate", "ct-log-window", a_retired_log_of_certificates_that_dates_back),
    ("log", "log-entry-mismatch", an_entry_in_the_name_of_the_bare_key),
    ("log", "log-entry-mismatch", an_entry_of_another_certificate),
    ("window", "outside-window", a_certificate_from_before_the_identity_s_time),
    ("window", "outside-window", an_identity_whose_time_is_over),
    ("custody", "custody", a_ca_of_the_control_plane),
    ("custody", "custody", an_issuer_of_the_control_plane),
    ("custody", "custody", a_log_of_certificates_of_the_control_plane),
]


@pytest.mark.parametrize(
    ("step", "code", "attack"),
    [
        pytest.param(*row, id=f"{row[0]}: {row[2].__name__} -> {row[1]}")
        for row in ATTACKS
    ],
)
def test_an_attack_is_refused_by_its_own_step(step, code, attack):
    raw, trust, at = attack(KeylessWorkshop())

    verified = result_of(raw, trust, at)

    assert verified.result.code == code
    assert verified.result.first_failure.id == step
    assert verified.evidence is None


CONFUSABLE = {
    "another case of the address": ("carol@example.com", "Carol@example.com"),
    "another case of the host": ("carol@example.com", "carol@EXAMPLE.com"),
    "a line behind it": ("carol@example.com", "carol@example.com\n"),
    "a dot behind the host": ("carol@example.com", "carol@example.com."),
    "a slash behind it": (MAIN, f"{MAIN}/"),
    "its letters by percent": (MAIN, MAIN.replace("release", "%72elease")),
    "a path that leads there": (MAIN, MAIN.replace("/acme/", "/x/../acme/")),
    "the host in capitals": (MAIN, MAIN.replace("ci.example", "CI.example")),
    "a port that is the default": (MAIN, MAIN.replace(".com/", ".com:443/")),
    "a host that looks alike": (MAIN, MAIN.replace("ci.", "xn--c-1sb.")),
}


@pytest.mark.parametrize("name", CONFUSABLE)
def test_a_subject_is_compared_letter_by_letter(name):
    registered, certified = CONFUSABLE[name]
    shop = KeylessWorkshop()
    shop.claims = [claimed("ci", "author", subject=registered)]
    raw = shop.sign(said(shop), forged(shop, names=(name_of(certified),)))
    assert result_of(raw, shop.trust()).result.code == "unknown-signer"


@pytest.mark.parametrize("change", [f"{CI_ISSUER}/", CI_ISSUER.upper()])
def test_an_issuer_is_compared_letter_by_letter(change):
    shop = KeylessWorkshop()
    raw = shop.sign(said(shop), forged(shop, issuer=change, issuer_v2=change))
    assert result_of(raw, shop.trust()).result.code == "unknown-signer"


# -------------------------------------------------------------- what is in order


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("later", [timedelta(0), 200 * DAY])
def test_a_registered_subject_is_believed_also_months_later(form, later):
    shop = KeylessWorkshop(form=form)
    raw = shop.sign(said(shop))

    verified = result_of(raw, shop.trust(), NOW + later)

    assert verified.result.code is None, verified.result.text()
    assert verified.require().identity.id == "ci"
    assert verified.require().facts()["certificate"] == {
        "instance": "public",
        "issuer": CI_ISSUER,
        "subject": MAIN,
    }


def test_a_subject_that_a_pattern_means_is_believed():
    shop = KeylessWorkshop()
    pattern = r"^https://ci\.example\.com/acme/overlay/\.github/workflows/release\.yml"
    shop.claims = [claimed("ci", "author", subject=rf"{pattern}@refs/tags/v[0-9]+$")]
    leaf = shop.leaf(subject=f"{RELEASE}@refs/tags/v12")

    assert result_of(shop.sign(said(shop), leaf), shop.trust())


def test_what_is_to_be_logged_is_judged_without_an_entry():
    shop = KeylessWorkshop()
    raw = shop.sign(said(shop), pending=True)

    assert result_of(raw, shop.trust(), pending=True)
    assert result_of(raw, shop.trust()).result.code == "not-logged"


@pytest.mark.parametrize("cause", ["CA of public", CI_ISSUER])
@pytest.mark.parametrize("later", [timedelta(0), 200 * DAY])
def test_what_the_control_plane_can_certify_anew_it_may_also_date(cause, later):
    """The embedded form: its CA, its word on time, and nothing gained by dating back."""
    shop = KeylessWorkshop(form=Form.EMBEDDED)
    shop.custodies = {cause: OURS}
    raw = shop.sign(said(shop), by=[shop.authority])

    assert result_of(raw, shop.trust(), NOW + later)


def test_a_log_of_certificates_alone_certifies_nobody():
    shop = KeylessWorkshop(form=Form.EMBEDDED)
    shop.custodies = {"CT log of public": OURS}
    raw = shop.sign(said(shop), by=[shop.authority])

    assert result_of(raw, shop.trust()).result.code == "certificate-time"


def test_the_control_plane_s_word_still_makes_invalid():
    """Its own CA certified, and its own authority says that it was too late."""
    shop = KeylessWorkshop(form=Form.EMBEDDED)
    shop.custodies = {"CA of public": OURS}
    leaf = shop.leaf(at=NOW - 11 * MINUTE)
    raw = shop.sign(said(shop), leaf, by=[shop.authority])

    assert result_of(raw, shop.trust()).result.code == "certificate-window"


def test_an_identity_s_end_is_judged_today_if_nobody_outside_says_when():
    """The embedded form: a window that ended voids what is dated into it (T3)."""
    shop = KeylessWorkshop(form=Form.EMBEDDED)
    shop.custodies = {"CA of public": OURS}
    shop.claims = [claimed("ci", "author", not_after=NOW + DAY)]
    raw = shop.sign(said(shop), by=[shop.authority])

    assert result_of(raw, shop.trust(), NOW)
    assert result_of(raw, shop.trust(), NOW + 2 * DAY).result.code == "outside-window"


def test_survivors_outlive_a_revocation_and_nothing_else_does():
    shop = KeylessWorkshop()
    kept, other = shop.sign(said(shop)), shop.sign(said(shop))
    signed_again = shop.sign(say(shop.artifact(identity="ci"), DATA, b"more"))
    gone = Revocation(
        "ci",
        NOW + DAY,
        "workflow stolen",
        survivors=Survivors(attestations=frozenset({shop.digest_of(kept)})),
    )
    trust = shop.trust(policy=shop.policy(revocations=(gone,)))

    assert result_of(kept, trust)
    # The same statement is the same attestation, whoever's minutes it was signed in.
    assert result_of(other, trust)
    assert result_of(signed_again, trust).result.code == "revoked"


def test_a_subject_belongs_to_whom_it_belonged_when_the_certificate_was_issued():
    """The same subject, registered anew after a theft: the thief's past is not saved."""
    shop = KeylessWorkshop()
    old = claimed("ci", "author", not_after=NOW)
    new = claimed("ci-2", "author", not_before=NOW)
    shop.claims = [old, new]
    stolen = Revocation("ci", NOW, "workflow stolen")
    trust = shop.trust(policy=shop.policy(revocations=(stolen,)))
    before = shop.sign(said(shop), shop.leaf(at=NOW - 5 * MINUTE), at=NOW - 5 * MINUTE)
    after = shop.sign(said(shop, "ci-2"), shop.leaf(at=NOW), at=NOW)

    assert result_of(before, trust).result.code == "revoked"
    assert result_of(after, trust).require().identity.id == "ci-2"


def test_certificates_are_checked_once_and_windows_every_time():
    shop = KeylessWorkshop()
    raw = shop.sign(said(shop))
    assert result_of(raw, shop.trust())

    assert result_of(raw, retired(shop, "ct_logs")).result.code == "ct-log-window"
    assert result_of(raw, retired(shop, "certificate_authorities")).result.code == (
        "ca-window"
    )
    assert result_of(raw, shop.trust())


@pytest.mark.parametrize(
    "der", [b"\0", b"\x30\x03\x02\x01\x01", b"not a certificate"], ids=repr
)
def test_rubbish_for_a_certificate_is_refused(der):
    shop = KeylessWorkshop()
    raw = document(shop.sign(said(shop)))
    raw["verificationMaterial"]["certificate"]["rawBytes"] = b64encode(der)

    code = result_of(dumps_json(raw), shop.trust()).result.code

    assert code == "certificate-format"


@pytest.mark.filterwarnings("ignore")
def test_a_certificate_with_one_bit_changed_is_never_believed():
    shop = KeylessWorkshop()
    raw = document(shop.sign(said(shop)))
    holder = raw["verificationMaterial"]["certificate"]
    der = bytearray(x509_bytes(raw))
    trust = shop.trust()
    for place in range(0, len(der), 3):
        der[place] ^= 1
        holder["rawBytes"] = b64encode(bytes(der))
        der[place] ^= 1
        assert result_of(dumps_json(raw), trust).result.code is not None


def x509_bytes(raw: dict) -> bytes:
    leaf = parse_attestation(dumps_json(raw)).leaf
    assert isinstance(leaf.certificate, x509.Certificate)
    return leaf.der
