# SPDX-License-Identifier: Apache-2.0
"""An outside timestamp authority is trusted on the admins' word, and dropped the same."""

from dataclasses import replace

import pytest

from bundle.trust_authorities import drop_authority, pin_authorities
from bundle.trust_instances import Pinning
from keys.digest import Digest
from keys.errors import FormatError
from signer.errors import CustodyError, TrustedRootFormatError, UnknownAuthorityError
from signer.form import Custody
from signer.limits import MAX_TRUSTED_PARTS
from signer.predicates.artifact import ArtifactPredicate
from signer.trust import Expected, Trust
from signer.trusted_root import TrustedRoot, build_trusted_root
from signer.verify import verify_attestation
from tests.simulators.keyless import KeylessWorkshop
from tests.simulators.signing import BEGIN, NOW, SimulatedAuthority, say

DATA = b"the bytes that are attested"
EXTERNAL, OURS = Custody.EXTERNAL, Custody.CONTROL_PLANE


def document(*authorities):
    """A TrustedRoot as the authorities' owner hands it over."""
    return build_trusted_root(
        logs=(), authorities=[(one.uri, one.chain, BEGIN) for one in authorities]
    )


class Alone(KeylessWorkshop):
    """A workspace whose only authority is the Control Plane's."""

    def custody_table(self):
        table = super().custody_table()
        return replace(table, authorities={self.authority.digest: OURS})

    def document(self):
        since = BEGIN
        fulcios = self.instances.values()
        return build_trusted_root(
            logs=[(f"https://{self.log.origin}", self.log.key.public_key, since)],
            authorities=[(self.authority.uri, self.authority.chain, since)],
            certificate_authorities=[(f.uri, f.chain, since) for f in fulcios],
            ct_logs=[
                (f.ct_log.base_url, f.ct_log.key.public_key, since) for f in fulcios
            ],
        )

    def trusting(self, made: Pinning) -> Trust:
        return Trust(
            workspace=self.workspace,
            form=self.form,
            policy=made.policy,
            trusted_root=TrustedRoot.parse(made.trusted_root),
        )


@pytest.fixture
def shop():
    return Alone()


def pinned(shop, *authorities, custody=EXTERNAL, on=None):
    before = (on.policy, on.trusted_root) if on else (shop.policy(), shop.document())
    return pin_authorities(*before, given=document(*authorities), custody=custody)


def code_of(shop, raw, made):
    asked = Expected(ArtifactPredicate.type, (Digest.of(DATA),))
    trust = shop.trusting(made)
    return verify_attestation(raw, trust=trust, expected=asked, at=NOW).result.code


def test_a_certificate_counts_once_somebody_outside_is_trusted_to_say_when(shop):
    said = say(shop.artifact(identity="ci"), DATA)
    both, alone = shop.sign(said), shop.sign(said, by=[shop.authority])
    before = Pinning(shop.policy(), shop.document())
    assert code_of(shop, alone, before) == "certificate-time"
    assert code_of(shop, both, before) == "no-trusted-time"
    after = pinned(shop, shop.outside)
    assert code_of(shop, alone, after) == "certificate-time"
    assert code_of(shop, both, after) is None


def test_one_that_is_said_to_be_the_control_plane_s_makes_nothing_valid(shop):
    both = shop.sign(say(shop.artifact(identity="ci"), DATA))
    made = pinned(shop, shop.outside, custody=OURS)
    assert code_of(shop, both, made) == "certificate-time"


def test_nothing_else_of_the_document_is_taken(shop):
    given = KeylessWorkshop()
    full = build_trusted_root(
        logs=[("https://log", given.log.key.public_key, BEGIN)],
        authorities=[(shop.outside.uri, shop.outside.chain, BEGIN)],
    )
    before = shop.policy(), shop.document()
    made = pin_authorities(*before, given=full, custody=EXTERNAL)
    old, new = (TrustedRoot.parse(one) for one in (before[1], made.trusted_root))
    assert (new.logs, new.ct_logs) == (old.logs, old.ct_logs)
    assert new.certificate_authorities == old.certificate_authorities
    assert [one.digest for one in new.authorities] == [
        shop.authority.digest,
        shop.outside.digest,
    ]
    assert made.policy == replace(before[0], custody=made.policy.custody)


def test_the_control_plane_s_own_is_not_made_external(shop):
    """By its certificate in an outsider's document, or by another of its key."""
    own = pinned(shop, shop.authority, shop.outside, custody=OURS)
    assert own.policy.custody.of_authority(shop.authority.digest) is OURS
    twin = SimulatedAuthority("https://tsa.example.net")
    twin.key = shop.authority.key
    twin.chain = twin.certified()
    with pytest.raises(CustodyError):
        shop.trusting(pinned(shop, twin))
    with pytest.raises(CustodyError):
        pinned(shop, shop.authority)


def test_the_same_again_is_the_same(shop):
    once = pinned(shop, shop.outside)
    assert pinned(shop, shop.outside, on=once) == once


def test_what_was_added_is_dropped_and_nothing_else_is(shop):
    before = Pinning(shop.policy(), shop.document())
    after = pinned(shop, shop.outside)
    assert drop_authority(after.policy, after.trusted_root, shop.outside.digest) == (
        before
    )
    for stays in (shop.authority.digest, Digest.of(b"nobody")):
        with pytest.raises(UnknownAuthorityError) as refused:
            drop_authority(after.policy, after.trusted_root, stays)
        assert refused.value.code == "unknown-authority"


def test_a_document_without_an_authority_is_refused(shop):
    with pytest.raises(TrustedRootFormatError):
        pinned(shop)
    for data in (b"", b"{}", b"[]"):
        with pytest.raises(FormatError):
            pin_authorities(
                shop.policy(), shop.document(), given=data, custody=EXTERNAL
            )


def test_as_many_as_a_trusted_root_has_and_no_more(shop):
    many = [SimulatedAuthority(f"https://{i}") for i in range(MAX_TRUSTED_PARTS)]
    made = pinned(shop, *many[1:])
    assert len(TrustedRoot.parse(made.trusted_root).authorities) == MAX_TRUSTED_PARTS
    with pytest.raises(FormatError):
        pinned(shop, *many)
