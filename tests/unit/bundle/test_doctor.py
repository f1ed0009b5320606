# SPDX-License-Identifier: Apache-2.0
"""What the doctor says of a workspace, one change at a time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bundle.diagnosis import SENTENCES, State
from bundle.doctor import SOON_DAYS, examine
from bundle.rego.embedded import EmbeddedEngine
from keys.digest import Digest
from signer.credential import OidcCredential
from signer.custody import CustodyTable
from signer.form import Custody
from signer.instances import SigstoreInstance
from signer.pins import Floor, Freshness
from signer.revocation import NOTHING, Revocation, Survivors
from signer.subject_pattern import SubjectPattern
from tests.simulators.instance import GITHUB, MAIN, TAGS
from tests.simulators.signing import NOW
from tests.simulators.workspace import DAY, SimulatedWorkspace

CA, CT = Digest.of(b"the CA"), b"c" * 32

# What is said of any workspace, because trust cannot show or mend it yet.
ALWAYS = {"T10", "T7", "Input", "Trust events", "Principals"}


@pytest.fixture(scope="module")
def engine():
    with EmbeddedEngine() as engine:
        yield engine


@pytest.fixture
def house(engine):
    """As healthy as a workspace gets today."""
    house = SimulatedWorkspace(NOW, engine, sovereign=True)
    house.people["second"] = house.person("second", "author")
    release = house.release(house.rule())
    house.publish_trust(
        floor=Floor(1, release.digest),
        thresholds={"rule": 2, "release": 1},
        custody=CustodyTable(
            {house.log.log_id: Custody.CONTROL_PLANE},
            {house.authority.digest: Custody.EXTERNAL},
        ),
    )
    return house


def examined(house, at=NOW, **policy):
    accepted = house.check(floor=house.releases[-1].known).trust
    trust = replace(accepted.trust, policy=house.policy(**policy))
    return examine(accepted.view, trust, at=at)


def test_a_healthy_workspace(house):
    found = examined(house)
    assert found.holds
    assert {one.sentence for one in found.symptoms} == ALWAYS
    assert found.state("T1") is State.HOLDS
    assert found.to_json()["holds"] is True
    named = [one["sentence"] for one in found.to_json()["sentences"]]
    assert named == list(SENTENCES)


def test_every_symptom_names_what_mends_it(house):
    for one in examined(house, floor=None, thresholds={}).symptoms:
        assert one.mend.split()[0] in ("trustacks", "none")
        assert one.says


def test_an_embedded_workspace_lacks_custody_and_form(engine):
    house = SimulatedWorkspace(NOW, engine)
    house.release(house.rule())
    accepted = house.check().trust
    found = examine(accepted.view, accepted.trust, at=NOW)
    assert not found.holds
    assert {one.sentence for one in found.symptoms if one.state is State.LACKS} == {
        "T1",
        "T8",
    }


def test_relics_of_the_embedded_form_are_weak_until_nothing_of_them_survives(house):
    relic = house.person("relic", "author", custody=Custody.CONTROL_PLANE)
    honest = house.person("honest", "author")
    house.people |= {"relic": relic, "honest": honest}
    kept = Survivors(frozenset({Digest.of(b"a rule")}))

    def ended(*survivors):
        names = ("relic", "honest")
        return examined(
            house,
            revocations=tuple(
                Revocation(name, NOW, "left", some)
                for name, some in zip(names, survivors, strict=True)
            ),
        )

    (found,) = ended(kept, kept).of("T8")
    assert found.state is State.WEAK
    assert "as relic survives" in found.says
    assert "identity revoke relic" in found.mend
    assert not ended(NOTHING, kept).of("T8")


def given(house, *permissions, name="other", **terms):
    house.people[name] = house.person(name, *permissions, **terms)
    return {}


def keyless(house, subject, *, inside="", issuer=GITHUB):
    """An OIDC identity, of whose instance the Control Plane has a part."""
    custody = dict.fromkeys(("ca", "ct", "issuer"), Custody.EXTERNAL)
    custody |= {inside: Custody.CONTROL_PLANE} if inside else {}
    kind = SubjectPattern.anchored if subject[0] == "^" else SubjectPattern.exactly
    given(house, "release", name="workflow")
    ci = replace(
        house.people.pop("workflow").identity,
        credential=OidcCredential("public", issuer, kind(subject)),
    )
    instance = SigstoreInstance(
        certificate_authorities=frozenset({CA}),
        ct_logs=frozenset({CT}),
        issuers=frozenset({issuer}),
    )
    return {
        "identities": (*house.policy().identities, ci),
        "instances": {"public": instance},
        "custody": replace(
            house.policy().custody,
            authorities={house.authority.digest: Custody.EXTERNAL},
            certificate_authorities={CA: custody["ca"]},
            ct_logs={CT: custody["ct"]},
            issuers={issuer: custody["issuer"]},
        ),
    }


SYMPTOMS = {
    "a CA that the Control Plane has": (
        lambda h: keyless(h, MAIN, inside="ca"),
        ("T1", State.LACKS, f"sign as workflow: release; by CA {CA}"),
    ),
    "a CT log that the Control Plane has": (
        lambda h: keyless(h, MAIN, inside="ct"),
        ("T1", State.LACKS, "sign as workflow: release; by CT log"),
    ),
    "an issuer that the Control Plane has": (
        lambda h: keyless(h, MAIN, inside="issuer"),
        ("T1", State.LACKS, f"sign as workflow: release; by issuer {GITHUB}"),
    ),
    "a pattern of subjects": (
        lambda h: keyless(h, TAGS),
        ("T2", State.WEAK, "workflow is every subject like ^https"),
    ),
    "an issuer on this machine": (
        lambda h: keyless(h, MAIN, issuer="http://localhost:8080"),
        ("T2", State.LACKS, "http://localhost:8080 is on this machine"),
    ),
    "an author whose key the Control Plane has": (
        lambda h: given(h, "author", custody=Custody.CONTROL_PLANE),
        ("T1", State.LACKS, "the Control Plane can sign as other: author"),
    ),
    "no timestamp authority outside": (
        lambda h: {
            "custody": CustodyTable(
                {h.log.log_id: Custody.CONTROL_PLANE},
                {h.authority.digest: Custody.CONTROL_PLANE},
            )
        },
        ("T3", State.WEAK, "no timestamp authority is outside"),
    ),
    "an identity that ends soon": (
        lambda h: given(h, "release", not_after=NOW + timedelta(days=SOON_DAYS)),
        ("T3", State.WEAK, "other ends at 2026-04-01"),
    ),
    "no floor": (lambda h: {"floor": None}, ("T4", State.WEAK, "no floor is signed")),
    "an author whom nobody can approve": (
        lambda h: {
            "revocations": tuple(
                Revocation(one, NOW, "left") for one in ("approver", "linter")
            )
        },
        ("T5", State.WEAK, "nobody but author@example.com can stand behind"),
    ),
    "decide and mark": (
        lambda h: {"freshness": Freshness(stale_until=NOW + DAY)},
        ("T6", State.LACKS, "Runners decide past expiry"),
    ),
    "releases that live long": (
        lambda h: {"freshness": Freshness(release_max_seconds=20 * 86_400)},
        ("T6", State.WEAK, "withheld from Runners for 20 days"),
    ),
    "an admin who writes rules": (
        lambda h: given(h, "author", principal="admin@example.com"),
        ("Principals", State.WEAK, "admin@example.com is an admin, and author as"),
    ),
    "one author is enough": (
        lambda h: {"thresholds": {"rule": 1}},
        ("Principals", State.WEAK, "one principal is enough for a rule"),
    ),
    "one release identity is enough": (
        lambda h: {},
        ("Principals", State.WEAK, "one principal is enough for a release"),
    ),
    "nobody to spare behind a release": (
        lambda h: given(h, "release") | {"thresholds": {"rule": 1, "release": 2}},
        ("Principals", State.WEAK, "2 principals must sign a release, and 2 may"),
    ),
    "a Runner that may do more": (
        lambda h: given(h, "report", "retire"),
        ("Runners' keys", State.LACKS, "other reports as a Runner, and may retire"),
    ),
    "a grace": (
        lambda h: {"freshness": Freshness(revocation_grace_seconds=60)},
        ("Rollback", State.WEAK, "still decides for 60 seconds"),
    ),
}


@pytest.mark.parametrize("name", SYMPTOMS)
def test_says(house, name):
    change, (sentence, state, says) = SYMPTOMS[name]
    found = examined(house, **change(house))
    assert [
        one for one in found.of(sentence) if one.state is state and says in one.says
    ], found.of(sentence)
    assert found.holds is (state is not State.LACKS)


@pytest.mark.parametrize("what", ["root", "targets"])
def test_says_what_expires_soon(house, what):
    accepted = house.check(floor=house.releases[-1].known).trust
    expires = getattr(accepted.view, f"{what}_expires")

    def said(at):
        found = examine(accepted.view, accepted.trust, at=at).of("T6")
        return any(one.says.startswith(what) for one in found)

    assert said(expires - timedelta(days=SOON_DAYS))
    assert not said(expires - timedelta(days=SOON_DAYS, seconds=1))


@pytest.mark.parametrize(
    "end",
    [
        lambda h: {"revocations": (Revocation("other", NOW, "left"),)},
        lambda h: given(
            h,
            "author",
            custody=Custody.CONTROL_PLANE,
            not_after=NOW - timedelta(seconds=1),
        ),
    ],
    ids=["revoked", "ended"],
)
def test_who_is_not_in_force_is_no_symptom(house, end):
    given(house, "author", custody=Custody.CONTROL_PLANE)
    assert examined(house, **end(house)).holds
