# SPDX-License-Identifier: Apache-2.0
"""A release that no long-lived key signed, through the whole gate, and attacks on it.

Author and releaser are workflows of an outside Sigstore instance. The thief has the
Control Plane: its log, its timestamp authority, its online keys.
"""

from dataclasses import replace

from bundle.marks import Known
from signer.attestation import build_attestation, parse_attestation, with_entry
from signer.credential import OidcCredential
from signer.custody import CustodyTable
from signer.dsse import IN_TOTO, Envelope, pae
from signer.form import Custody
from signer.instances import SigstoreInstance
from signer.subject_pattern import SubjectPattern
from signer.tlog.entry import hashedrekord_body
from signer.trusted_root import build_trusted_root
from tests.simulators.fulcio import CaTerms, SimulatedFulcio
from tests.simulators.keyless import CI_ISSUER
from tests.simulators.memory_key import MemoryKey
from tests.simulators.signing import NOW, SimulatedAuthority
from tests.simulators.workspace import DAY, WINDOW, SimulatedWorkspace

BASE = "https://ci.example.com/acme/overlay/.github/workflows"
SUBJECTS = {
    "author": f"{BASE}/author.yml@refs/heads/main",
    "releaser": f"{BASE}/release.yml@refs/heads/main",
}


def credential_of(name: str) -> OidcCredential:
    subject = SubjectPattern.exactly(SUBJECTS[name])
    return OidcCredential("public", CI_ISSUER, subject)


class KeylessWorkspace(SimulatedWorkspace):
    """A workspace whose rules and releases nobody signs with a key.

    Attributes:
        fulcio: The instance that certifies; outside the Control Plane.
        stamping: The authorities that signers ask.
        certified_at: When certificates are issued.
    """

    def __init__(self, at, engine, *, outside: bool = True) -> None:
        self.fulcio = SimulatedFulcio(CaTerms(at=at - 60 * DAY))
        self.other = SimulatedFulcio(
            CaTerms(at=at - 60 * DAY), uri="https://fulcio.example.net"
        )
        self.outside = SimulatedAuthority("https://tsa.example.org")
        self.asks_outside, self.certified_at = outside, at
        super().__init__(at, engine, sovereign=True)

    def policy(self, **changes):
        outside = Custody.EXTERNAL
        instance = SigstoreInstance(
            certificate_authorities=frozenset({self.fulcio.digest}),
            ct_logs=frozenset({self.fulcio.ct_log.log_id}),
            issuers=frozenset({CI_ISSUER}),
        )
        other = SigstoreInstance(
            certificate_authorities=frozenset({self.other.digest}),
            ct_logs=frozenset({self.other.ct_log.log_id}),
            issuers=frozenset({CI_ISSUER}),
        )
        both = (self.fulcio, self.other)
        table = CustodyTable(
            {self.log.log_id: Custody.CONTROL_PLANE},
            {
                self.authority.digest: Custody.CONTROL_PLANE,
                self.outside.digest: outside,
            },
            {one.digest: outside for one in both},
            {one.ct_log.log_id: outside for one in both},
            {CI_ISSUER: outside},
        )
        keyed = super().policy(**changes)
        identities = tuple(
            replace(one, credential=credential_of(one.id))
            if one.id in SUBJECTS
            else one
            for one in keyed.identities
        )
        return replace(
            keyed,
            identities=identities,
            instances={"public": instance, "other": other},
            custody=table,
        )

    def trusted_root(self):
        begin = self.at - 30 * DAY
        both = (self.fulcio, self.other)
        return build_trusted_root(
            logs=[(f"https://{self.log.origin}", self.log.key.public_key, begin)],
            authorities=[
                (one.uri, one.chain, begin) for one in (self.authority, self.outside)
            ],
            certificate_authorities=[(one.uri, one.chain, begin) for one in both],
            ct_logs=[
                (one.ct_log.base_url, one.ct_log.key.public_key, begin) for one in both
            ],
        )

    def attest(self, statement, *, by, at=None):
        if by.id not in SUBJECTS:
            return super().attest(statement, by=by, at=at)
        key, when = MemoryKey.ecdsa(), at or self.at
        der = self.fulcio.certify(
            key, subject=SUBJECTS[by.id], issuer=CI_ISSUER, at=self.certified_at
        )
        signature = key.sign(pae(IN_TOTO, statement))
        stamping = [self.authority, *([self.outside] * self.asks_outside)]
        pending = parse_attestation(
            build_attestation(
                envelope=Envelope(IN_TOTO, statement, "", signature),
                key=key.public_key,
                timestamps=[one.stamp(signature, at=when) for one in stamping],
                certificate=der,
            )
        )
        body = hashedrekord_body(
            digest=pending.digest,
            signature=signature,
            key=key.public_key,
            certificate=der,
        )
        return with_entry(pending, self.log.append(body))


def checked(house, **how):
    newest = house.releases[0]
    return house.check(floor=Known(newest.predicate.revision, newest.digest), **how)


def code_of(house, **how) -> str | None:
    result = checked(house, **how).result
    return result.code


def test_a_release_that_no_key_signed_is_accepted_in_the_sovereign_form(engine):
    house = KeylessWorkspace(NOW, engine)
    house.release(house.rule())
    house.floor_at(house.releases[0])
    house.release_again()

    assert code_of(house) is None, checked(house).result.text()
    # The certificates ended days ago; somebody outside saw when they signed.
    assert code_of(house, at=NOW + 5 * DAY) is None


def test_a_control_plane_that_alone_says_when_is_refused(engine):
    house = KeylessWorkspace(NOW, engine, outside=False)
    house.release(house.rule())
    house.floor_at(house.releases[0])

    assert code_of(house) == "certificate-time"


def test_a_thief_with_an_old_certificate_s_key_dates_back_in_vain(engine):
    """The author's key of last week leaked; the Control Plane stamps last week."""
    house = KeylessWorkspace(NOW, engine)
    rule = house.rule()
    house.release(rule)
    house.floor_at(house.releases[0])
    house.asks_outside, house.certified_at = False, NOW - 7 * DAY
    forged = house.rule(WINDOW, at=NOW - 7 * DAY)
    house.asks_outside, house.certified_at = True, NOW
    house.release(rule, forged)

    assert code_of(house) == "certificate-time"


def test_a_certificate_of_another_trusted_instance_releases_nothing(engine):
    house = KeylessWorkspace(NOW, engine)
    house.release(house.rule())
    house.floor_at(house.releases[0])
    house.fulcio, house.other = house.other, house.fulcio
    forged = house.rule()
    house.fulcio, house.other = house.other, house.fulcio
    house.release(forged)

    assert code_of(house) == "wrong-instance"
