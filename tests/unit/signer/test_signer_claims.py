# SPDX-License-Identifier: Apache-2.0
"""OIDC identities in a trust policy: what may be registered, and whose a claim is."""

from dataclasses import replace
from datetime import timedelta

import pytest

from keys.digest import Digest
from keys.errors import FieldFormatError, FormatError
from keys.fields import Fields
from keys.strict import dumps_json, loads_json
from signer.credential import OidcCredential
from signer.custody import CustodyTable
from signer.errors import (
    ClaimReusedError,
    CredentialKindError,
    CustodyError,
    ForeignIssuerError,
    KeyReusedError,
    UnknownCustodyError,
    UnknownInstanceError,
    UnknownSignerError,
    UnsafeIssuerError,
    UnsafeSubjectError,
    UnsafeTrustPolicyError,
    WrongInstanceError,
)
from signer.form import Custody, Form
from signer.identity import Identity
from signer.instances import SigstoreInstance
from signer.limits import MAX_INSTANCES, MAX_ISSUER_CHARS, MAX_PATTERNS
from signer.revocation import Revocation
from signer.subject_pattern import SubjectPattern
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot
from tests.simulators.instance import SimulatedInstance
from tests.simulators.signing import END, NOW, Workshop, person

SHOP = Workshop()
DAY = timedelta(days=1)
CA, CT = Digest.of(b"the CA's certificate"), b"c" * 32
OTHER_CA, OTHER_CT = Digest.of(b"another CA's certificate"), b"d" * 32
GITHUB = "https://token.actions.githubusercontent.com"
PEOPLE = "https://idp.example.com"
PUBLIC = SigstoreInstance(
    certificate_authorities=frozenset({CA}),
    ct_logs=frozenset({CT}),
    issuers=frozenset({GITHUB, PEOPLE}),
)
PRIVATE = SigstoreInstance(
    certificate_authorities=frozenset({OTHER_CA}),
    ct_logs=frozenset({OTHER_CT}),
    issuers=frozenset({PEOPLE}),
)
WORKFLOW = "https://github.com/acme/overlay/.github/workflows/release.yml"
MAIN = f"{WORKFLOW}@refs/heads/main"
TAGS = (
    r"^https://github\.com/acme/overlay/\.github/workflows/release\.yml"
    r"@refs/tags/v[0-9]+$"
)


def claimed(
    name: str,
    subject: str,
    *permissions: str,
    instance: str = "public",
    issuer: str = GITHUB,
    **terms: object,
) -> Identity:
    keyed = person(name, *(permissions or ("release",)), **terms).identity
    kind = SubjectPattern.anchored if subject[0] == "^" else SubjectPattern.exactly
    return replace(keyed, credential=OidcCredential(instance, issuer, kind(subject)))


def custodies(**changes: object) -> CustodyTable:
    outside = Custody.EXTERNAL
    table = replace(
        SHOP.policy().custody,
        certificate_authorities={CA: outside, OTHER_CA: outside},
        ct_logs={CT: outside, OTHER_CT: outside},
        issuers={GITHUB: outside, PEOPLE: outside},
    )
    return replace(table, **changes)


def policy(*identities: Identity, **changes: object) -> TrustPolicy:
    given = {
        "identities": (*SHOP.policy().identities, *identities),
        "instances": {"public": PUBLIC, "private": PRIVATE},
        "custody": custodies(),
    }
    return SHOP.policy(**given | changes)


CI = claimed("ci", MAIN)
REVOKED = Revocation("ci", NOW, "workflow stolen")


def ended(at=NOW, *, final: bool = True, name: str = "ci") -> tuple[Revocation, ...]:
    return (replace(REVOKED, identity=name, revoked_at=at, final=final),)


# ------------------------------------------------------------------ what is refused

LAX = {
    "unknown instance": (
        lambda: policy(claimed("x", MAIN, instance="nobody's")),
        UnsafeTrustPolicyError,
    ),
    "instance that is not pinned": (
        lambda: policy(claimed("x", MAIN, instance="staging")),
        UnknownInstanceError,
    ),
    "issuer of another instance": (
        lambda: policy(claimed("x", MAIN, instance="private")),
        ForeignIssuerError,
    ),
    "one subject twice": (
        lambda: policy(CI, claimed("x", MAIN)),
        ClaimReusedError,
    ),
    "subject of a pattern": (
        lambda: policy(claimed("x", TAGS), claimed("y", f"{WORKFLOW}@refs/tags/v1")),
        ClaimReusedError,
    ),
    "two patterns of one subject": (
        lambda: policy(claimed("x", TAGS), claimed("y", TAGS.replace("[0-9]+", "1"))),
        ClaimReusedError,
    ),
    "subject of somebody suspended": (
        lambda: policy(CI, claimed("x", MAIN), revocations=ended(final=False)),
        ClaimReusedError,
    ),
    "subject of somebody revoked, in the time before": (
        lambda: policy(
            CI, claimed("x", MAIN, not_before=NOW - DAY), revocations=ended()
        ),
        ClaimReusedError,
    ),
    "more patterns than can be compared": (
        lambda: policy(
            *(
                claimed(f"x{n}", rf"^https://h/a/{n}/[a-z]+$")
                for n in range(MAX_PATTERNS + 1)
            )
        ),
        UnsafeTrustPolicyError,
    ),
    "CA in two instances": (
        lambda: policy(
            instances={
                "public": PUBLIC,
                "private": replace(PRIVATE, certificate_authorities=frozenset({CA})),
            }
        ),
        UnsafeTrustPolicyError,
    ),
    "CT log in two instances": (
        lambda: policy(
            instances={
                "public": PUBLIC,
                "private": replace(PRIVATE, ct_logs=frozenset({CT})),
            }
        ),
        UnsafeTrustPolicyError,
    ),
    "name that is none": (
        lambda: policy(instances={"Public Good": PUBLIC}),
        UnsafeTrustPolicyError,
    ),
    "CA of no custody": (
        lambda: policy(custody=custodies(certificate_authorities={})),
        UnknownCustodyError,
    ),
    "CT log of no custody": (
        lambda: policy(custody=custodies(ct_logs={})),
        UnknownCustodyError,
    ),
    "issuer of no custody": (
        lambda: policy(custody=custodies(issuers={GITHUB: Custody.EXTERNAL})),
        UnknownCustodyError,
    ),
    "instance without a CA": (
        lambda: replace(PUBLIC, certificate_authorities=frozenset()),
        UnsafeTrustPolicyError,
    ),
    "instance without a CT log": (
        lambda: replace(PUBLIC, ct_logs=frozenset()),
        UnsafeTrustPolicyError,
    ),
    "instance without an issuer": (
        lambda: replace(PUBLIC, issuers=frozenset()),
        UnsafeTrustPolicyError,
    ),
    "instance of an issuer that is none": (
        lambda: replace(PUBLIC, issuers=frozenset({"idp.example.com"})),
        UnsafeIssuerError,
    ),
    "pattern that ends nowhere": (
        lambda: claimed("x", TAGS[:-1]),
        UnsafeSubjectError,
    ),
    "threshold that nobody reaches": (
        lambda: policy(CI, thresholds={"release": 3}),
        UnsafeTrustPolicyError,
    ),
}


@pytest.mark.parametrize(
    ("build", "refusal"), [pytest.param(*row, id=name) for name, row in LAX.items()]
)
def test_a_lax_policy_cannot_be_built(build, refusal):
    with pytest.raises(refusal) as refused:
        build()
    assert type(refused.value) is refusal


@pytest.mark.parametrize(
    "issuer",
    [
        "",
        "idp.example.com",
        "http://idp.example.com",
        "ftp://idp.example.com",
        "https://",
        "https:///path",
        "https://jane@idp.example.com",
        "https://@idp.example.com",
        "https://idp.example.com#x",
        "https://idp.example.com#",
        "https://idp.example.com?x",
        "https://idp.example.com?",
        "https://idp.example.com/a b",
        "https://idp.example.com/\n",
        "https://idp.exämple.com",
        "https://[::1",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "https://h/" + "a" * MAX_ISSUER_CHARS,
    ],
)
def test_an_issuer_is_an_https_address_and_nothing_more(issuer):
    with pytest.raises(UnsafeIssuerError) as refused:
        OidcCredential("public", issuer, SubjectPattern.exactly("jane"))
    assert refused.value.code == "unsafe-issuer"


@pytest.mark.parametrize(
    "issuer",
    [
        GITHUB,
        "https://idp.example.com:8443/realms/acme",
        "http://localhost:8080",
        "http://127.0.0.5:8080/oidc",
        "http://[::1]:8080",
        "https://h/" + "a" * (MAX_ISSUER_CHARS - 10),
    ],
)
def test_an_issuer_may_have_a_port_and_a_path(issuer):
    assert OidcCredential("public", issuer, SubjectPattern.exactly("jane"))


# ------------------------------------------------------------------ whose a claim is


def test_a_claim_finds_its_identity():
    ours = policy(CI, claimed("tags", TAGS))

    found = ours.identity_by_claim("public", GITHUB, [MAIN], issued=NOW)
    tagged = ours.identity_by_claim(
        "public", GITHUB, [f"{WORKFLOW}@refs/tags/v7"], issued=NOW
    )
    assert (found.id, tagged.id) == ("ci", "tags")


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(("public", GITHUB, [f"{MAIN}2"]), id="another subject"),
        pytest.param(("public", PEOPLE, [MAIN]), id="another issuer"),
        pytest.param(("public", f"{GITHUB}/", [MAIN]), id="an issuer with a slash"),
        pytest.param(("public", GITHUB, []), id="no subject"),
        pytest.param(("public", GITHUB, [MAIN, MAIN]), id="one subject twice"),
        pytest.param(("public", GITHUB, [MAIN, "x"]), id="two subjects"),
    ],
)
def test_a_claim_of_nobody_is_refused(claim):
    with pytest.raises(UnknownSignerError):
        policy(CI).identity_by_claim(*claim, issued=NOW)


def test_a_claim_of_another_instance_is_refused():
    jane = claimed("jane", "jane@example.com", instance="public", issuer=PEOPLE)
    with pytest.raises(WrongInstanceError) as refused:
        policy(jane).identity_by_claim(
            "private", PEOPLE, ["jane@example.com"], issued=NOW
        )
    assert refused.value.code == "wrong-instance"


def test_a_ca_belongs_to_one_instance():
    ours = policy()

    assert (ours.instance_of(CA), ours.instance_of(OTHER_CA)) == ("public", "private")
    with pytest.raises(WrongInstanceError):
        ours.instance_of(Digest.of(b"a stranger's certificate"))


@pytest.mark.parametrize(
    ("issued", "holder"),
    [
        (NOW - DAY, "ci"),
        (NOW, "ci2"),
        (NOW + DAY, "ci2"),
        (END + DAY, "ci2"),
    ],
)
def test_a_subject_belongs_to_one_identity_at_a_time(issued, holder):
    renewed = claimed("ci2", MAIN, not_before=NOW)
    ours = policy(CI, renewed, revocations=ended())

    found = ours.identity_by_claim("public", GITHUB, [MAIN], issued=issued)
    assert found.id == holder
    swapped = policy(renewed, CI, revocations=ended())
    found = swapped.identity_by_claim("public", GITHUB, [MAIN], issued=issued)
    assert found.id == holder


def test_nobody_inherits_what_was_certified_in_a_gap():
    renewed = claimed("ci2", MAIN, not_before=NOW + DAY)
    ours = policy(CI, renewed, revocations=ended())

    found = ours.identity_by_claim("public", GITHUB, [MAIN], issued=NOW + DAY / 2)
    assert found.id == "ci"


def test_whoever_was_revoked_before_the_begin_never_held_it():
    early = claimed("early", MAIN, not_before=NOW + DAY)
    late = claimed("late", MAIN, not_before=NOW + DAY)
    for pair in ((early, late), (late, early)):
        ours = policy(*pair, revocations=ended(NOW, name="early"))
        found = ours.identity_by_claim("public", GITHUB, [MAIN], issued=NOW + 2 * DAY)
        assert found.id == "late"


def test_an_identity_with_a_claim_has_no_key():
    assert CI.public_key is None
    with pytest.raises(CredentialKindError):
        CI.require_key()
    with pytest.raises(UnknownSignerError):
        policy(CI).identity_by_key("")


# ------------------------------------------------------------------ custody

INSIDE = Custody.CONTROL_PLANE


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"certificate_authorities": {CA: INSIDE}}, id="through its CA"),
        pytest.param({"issuers": {GITHUB: INSIDE}}, id="through its issuer"),
        pytest.param({"ct_logs": {CT: INSIDE}}, id="through its CT log"),
    ],
)
def test_control_plane_custody_reaches_through(changes):
    table = custodies()
    inside = {name: {**getattr(table, name), **rows} for name, rows in changes.items()}
    ours = policy(CI, custody=replace(table, **inside))

    assert ours.custody_of(CI) is INSIDE
    ours.require_custody(Form.EMBEDDED)
    with pytest.raises(CustodyError) as refused:
        ours.require_custody(Form.SOVEREIGN)
    assert refused.value.code == "custody"


def test_custody_elsewhere_does_not_reach():
    table = custodies(
        certificate_authorities={CA: Custody.EXTERNAL, OTHER_CA: INSIDE},
        ct_logs={CT: Custody.EXTERNAL, OTHER_CT: INSIDE},
        issuers={GITHUB: Custody.EXTERNAL, PEOPLE: INSIDE},
    )
    ours = policy(CI, custody=table)

    assert ours.custody_of(CI) is Custody.EXTERNAL
    ours.require_custody(Form.SOVEREIGN)
    mine = replace(CI, custody=INSIDE)
    assert policy(mine, custody=table).custody_of(mine) is INSIDE


def test_a_revoked_claim_stands_in_nobodys_way():
    ours = policy(CI, custody=custodies(issuers={GITHUB: INSIDE, PEOPLE: INSIDE}))
    replace(ours, revocations=ended()).require_custody(Form.SOVEREIGN)


# ------------------------------------------------------------------ the document


def test_a_policy_with_claims_is_read_as_it_was_written():
    ours = policy(CI, claimed("tags", TAGS))

    again = TrustPolicy.parse(ours.to_bytes())
    assert again == ours
    assert again.to_bytes() == ours.to_bytes()


def test_a_policy_without_claims_says_nothing_of_them():
    said = loads_json(SHOP.policy().to_bytes(), max_bytes=1 << 20)

    assert "instances" not in said
    assert set(said["custody"]) == {"logs", "timestamp_authorities"}


def edited(**changes: object) -> bytes:
    said = loads_json(policy(CI).to_bytes(), max_bytes=1 << 20)
    for path, value in changes.items():
        *where, last = path.split("__")
        place = said
        for step in where:
            place = place[int(step) if step.isdigit() else step]
        place[last] = value
    return dumps_json(said)


KEY = SHOP.people["author"].key.public_key.pem
OIDC = CI.to_json()["oidc"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"identities__4__public_key": KEY}, id="a key besides"),
        pytest.param({"identities__4__oidc": None}, id="no subject"),
        pytest.param({"identities__4__oidc__subject_pattern": TAGS}, id="two subjects"),
        pytest.param({"identities__4__oidc__more": 1}, id="a further field"),
        pytest.param({"instances__0__more": 1}, id="an instance with more"),
        pytest.param({"instances__0__ct_logs": ["x"]}, id="no base64"),
        pytest.param({"custody__issuers": {}}, id="no rows, written out"),
        pytest.param({"custody__ct_logs": {"*": "external"}}, id="no log id"),
        pytest.param(
            {"identities__4__oidc": {**OIDC, "subject": "a" * 1025}}, id="too long"
        ),
    ],
)
def test_a_document_of_another_shape_is_refused(changes):
    with pytest.raises((FormatError, UnsafeTrustPolicyError)):
        TrustPolicy.parse(edited(**changes))


def test_an_instance_is_there_once_and_none_is_not_written_out():
    said = loads_json(policy().to_bytes(), max_bytes=1 << 20)
    row = said["instances"][0]
    for instances in ([], [row, row]):
        with pytest.raises(UnsafeTrustPolicyError):
            TrustPolicy.parse(dumps_json(said | {"instances": instances}))
    assert TrustPolicy.parse(dumps_json(said | {"instances": [row]}))


def test_instances_have_a_bound():
    rows = [
        {
            "name": f"i{n}",
            "certificate_authorities": [str(Digest.of(f"{n}".encode()))],
            "ct_logs": ["Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2M="],
            "issuers": [GITHUB],
        }
        for n in range(MAX_INSTANCES + 1)
    ]
    with pytest.raises(FieldFormatError):
        TrustPolicy.parse(edited(instances=rows))


def test_a_claim_is_read_strictly():
    fields = Fields({**OIDC, "subject": None}, "oidc")
    with pytest.raises(FormatError):
        OidcCredential.parse(fields)


# ------------------------------------------------------------------ keys


def trusted(*instances: SimulatedInstance, root: TrustedRoot | None = None, **changes):
    """Trust with instances, each pinned under its host."""
    outside = Custody.EXTERNAL
    rows = {
        "certificate_authorities": {one.authority: outside for one in instances},
        "ct_logs": {one.log_id: outside for one in instances},
        "issuers": {PEOPLE: outside},
    }
    pinned = {
        one.host: SigstoreInstance(
            certificate_authorities=frozenset({one.authority}),
            ct_logs=frozenset({one.log_id}),
            issuers=frozenset({PEOPLE}),
        )
        for one in instances
    }
    parsed = [TrustedRoot.parse(one.trusted_root()) for one in instances]
    base = SHOP.trusted_root()
    trusted_root = root or replace(
        base,
        certificate_authorities=tuple(
            ca for one in parsed for ca in one.certificate_authorities
        ),
        ct_logs=tuple(log for one in parsed for log in one.ct_logs),
    )
    return SHOP.trust(
        policy=SHOP.policy(
            instances=pinned, custody=replace(SHOP.policy().custody, **rows), **changes
        ),
        trusted_root=trusted_root,
    )


HERE, THERE = SimulatedInstance(), SimulatedInstance("other.example.com")


def test_instances_with_keys_of_their_own_are_trusted():
    keys = trusted(HERE, THERE).key_ids

    for one in (HERE.ca, HERE.ct, THERE.ca, THERE.ct):
        assert one.public_key.key_id in keys


@pytest.mark.parametrize(
    "part", ["certificate_authorities", "ct_logs"], ids=["CA", "CT log"]
)
def test_a_part_of_the_trusted_root_needs_a_custody(part):
    trust = trusted(HERE)
    table = replace(trust.policy.custody, **{part: {}})
    bare = replace(trust.policy, instances={}, custody=table)
    with pytest.raises(UnknownCustodyError):
        replace(trust, policy=bare)


AUTHOR = SHOP.people["author"].key


@pytest.mark.parametrize(
    "instance",
    [
        pytest.param(SimulatedInstance(ca=AUTHOR), id="CA and identity"),
        pytest.param(SimulatedInstance(ct=AUTHOR), id="CT log and identity"),
        pytest.param(SimulatedInstance(ca=HERE.ca, ct=HERE.ca), id="CA and CT log"),
        pytest.param(SimulatedInstance(ct=SHOP.log.key), id="CT log and log"),
        pytest.param(SimulatedInstance(ca=SHOP.publisher), id="CA and publisher"),
    ],
)
def test_a_key_of_an_instance_has_no_other_purpose(instance):
    with pytest.raises(KeyReusedError) as refused:
        trusted(instance)
    assert refused.value.code == "key-reused"


def test_one_key_certifies_in_one_instance_however_often_it_is_certified():
    twin = SimulatedInstance("other.example.com", ca=HERE.ca)
    assert twin.authority != HERE.authority
    with pytest.raises(KeyReusedError):
        trusted(HERE, twin)


def test_one_root_may_stand_over_times_and_certificates():
    """As in the instance of one large host; neither is pinned by that root."""
    trust = trusted(HERE)
    (ca,), (tsa,) = (
        trust.trusted_root.certificate_authorities,
        trust.trusted_root.authorities,
    )
    above = tsa.chain[-1]
    shared = replace(ca, chain=(*ca.chain, above))
    root = replace(trust.trusted_root, certificate_authorities=(shared,))
    assert replace(trust, trusted_root=root)
    for taken in (
        replace(ca, chain=(*ca.chain, tsa.chain[0])),
        replace(ca, chain=(tsa.chain[0], *ca.chain)),
    ):
        root = replace(trust.trusted_root, certificate_authorities=(taken,))
        rows = {ca.digest: Custody.EXTERNAL, taken.digest: Custody.EXTERNAL}
        table = replace(trust.policy.custody, certificate_authorities=rows)
        policy_of_both = replace(trust.policy, custody=table)
        with pytest.raises(KeyReusedError):
            replace(trust, trusted_root=root, policy=policy_of_both)
