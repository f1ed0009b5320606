# SPDX-License-Identifier: Apache-2.0
"""What the property of DESIGN 2 lacks in one workspace, by the sentences of DESIGN 9.

Pure: computed from the verified metadata and trust that somebody is pinned to, and from
an instant; no server is asked. The property holds if nothing is ``LACKS``. ``WEAK``
says what holds, and could be stronger or soon will not. ``UNSEEN`` is a sentence that
the admins' trust cannot show, and where to look instead: silence is not health.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from bundle.diagnosis import SENTENCES, Diagnosis, State, Symptom
from bundle.tuf.view import TufView
from keys.clock import format_instant
from signer.claims import control_plane_ways
from signer.credential import OidcCredential
from signer.form import Custody, Form
from signer.identity import SOVEREIGN_PERMISSIONS, Identity
from signer.pins import DEFAULT_RELEASE_LIFE_S
from signer.revocation import NOTHING
from signer.trust import Trust
from signer.trust_laws import THRESHOLDS
from signer.trust_policy import TrustPolicy

__all__ = ["SENTENCES", "SOON_DAYS", "Diagnosis", "State", "Symptom", "examine"]

# Days. Long enough for two admins to meet before somebody's window ends.
SOON_DAYS: Final = 30

_FLOOR: Final = "trustacks trust change --floor REVISION:DIGEST"
_REGISTER: Final = "trustacks identity register"
_MOVE: Final = "trustacks ceremony move --out FOLDER"


def examine(view: TufView, trust: Trust, *, at: datetime) -> Diagnosis:
    """Return what the property lacks.

    Args:
        view: The verified metadata.
        trust: What the admins signed.
        at: The instant that is asked about.
    """
    policy = trust.policy
    in_force = tuple(
        one
        for one in policy.identities
        if policy.revocation(one.id) is None and one.not_after >= at
    )
    found = [
        *_custody(view, policy, in_force),
        *_keyless(policy, in_force),
        *_time(trust),
        *_floor(policy),
        *_seconds(in_force),
        *_freshness(view, policy, at),
        *_log(),
        *_principals(policy, in_force),
        *_ending(in_force, at),
        *_runners(in_force),
        *_grace(policy),
        *_unseen(),
    ]
    ordered = sorted(found, key=lambda one: SENTENCES.index(one.sentence))
    return Diagnosis(view.form, at, tuple(ordered))


def _custody(
    view: TufView, policy: TrustPolicy, in_force: tuple[Identity, ...]
) -> Iterator[Symptom]:
    if view.form is Form.EMBEDDED:
        says = "the pinned root is embedded: the Control Plane holds the admin keys"
        yield Symptom("T1", State.LACKS, says, _MOVE)
        says = "whoever is pinned to this root reports embedded for ever"
        mend = f"{_MOVE}; after it: trustacks login --root, trustacks runner pin"
        yield Symptom("T8", State.LACKS, says, mend)
    for one in in_force:
        held = sorted(one.permissions & SOVEREIGN_PERMISSIONS)
        for way in control_plane_ways(one, policy.instances, policy.custody):
            if held:
                says = f"the Control Plane can sign as {one.id}: {', '.join(held)}"
                mend = f"trustacks identity revoke {one.id}"
                yield Symptom("T1", State.LACKS, f"{says}; by {way}", mend)
    if view.form is Form.SOVEREIGN:
        yield from _relics(policy)


def _relics(policy: TrustPolicy) -> Iterator[Symptom]:
    """Yield what outlives identities that could have been the Control Plane."""
    for end in policy.revocations:
        one = policy.identity(end.identity)
        if end.survivors == NOTHING or policy.custody_of(one) is Custody.EXTERNAL:
            continue
        says = f"what the Control Plane could have signed as {one.id} survives in part"
        mend = (
            "trustacks rule sign --again, release, then "
            f"{_FLOOR} and trustacks identity revoke {one.id}"
        )
        yield Symptom("T8", State.WEAK, says, mend)


def _keyless(policy: TrustPolicy, in_force: tuple[Identity, ...]) -> Iterator[Symptom]:
    for one in in_force:
        known = one.credential
        if isinstance(known, OidcCredential) and known.subject.is_pattern:
            says = f"{one.id} is every subject like {known.subject.text}"
            mend = f"trustacks identity rotate {one.id} --to NEW --oidc-subject TEXT"
            yield Symptom("T2", State.WEAK, says, mend)
    for issuer, custody in policy.custody.issuers.items():
        if issuer.startswith("http:") and custody is Custody.EXTERNAL:
            says = f"issuer {issuer} is on this machine, and is said to be elsewhere"
            mend = "trustacks trust instance add --issuer-custody control-plane"
            yield Symptom("T2", State.LACKS, says, mend)


def _time(trust: Trust) -> Iterator[Symptom]:
    custody = trust.policy.custody
    external = [
        one
        for one in trust.trusted_root.authorities
        if custody.of_authority(one.digest) is Custody.EXTERNAL
    ]
    if not external:
        says = (
            "no timestamp authority is outside the Control Plane: what an identity "
            "signed ends with its window, whenever it was signed"
        )
        mend = "trustacks identity rotate, before a window ends"
        yield Symptom("T3", State.WEAK, says, mend)


def _floor(policy: TrustPolicy) -> Iterator[Symptom]:
    if policy.floor is None:
        says = "no floor is signed: each fresh Runner needs one from its operator"
        yield Symptom("T4", State.WEAK, says, _FLOOR)
        says = "a fresh Runner starts where its operator says, on any release above"
        yield Symptom("T7", State.WEAK, says, _FLOOR)


def _seconds(in_force: tuple[Identity, ...]) -> Iterator[Symptom]:
    authors = _principals_of(in_force, "author")
    seconds = _principals_of(in_force, "approve") | _principals_of(in_force, "lint")
    for author in sorted(authors):
        if not seconds - {author}:
            says = f"nobody but {author} can stand behind a change of theirs"
            mend = f"{_REGISTER} --permission approve"
            yield Symptom("T5", State.WEAK, says, mend)


def _freshness(view: TufView, policy: TrustPolicy, at: datetime) -> Iterator[Symptom]:
    ages, soon = policy.freshness, at + timedelta(days=SOON_DAYS)
    for what, expires, mend in (
        ("root", view.root_expires, "trustacks root draft"),
        ("targets", view.targets_expires, "trustacks trust change --targets-days 90"),
    ):
        if expires <= soon:
            says = f"{what} expires at {format_instant(expires)}: Runners deny then"
            yield Symptom("T6", State.WEAK, says, mend)
    if ages.stale_until is not None and ages.stale_until > at:
        until = format_instant(ages.stale_until)
        says = f"until {until} Runners decide past expiry, and mark it"
        yield Symptom("T6", State.LACKS, says, "trustacks trust change --stale-until")
    if ages.release_max_seconds > DEFAULT_RELEASE_LIFE_S:
        days = ages.release_max_seconds / 86_400
        says = f"a release may be withheld from Runners for {days:g} days"
        yield Symptom("T6", State.WEAK, says, "trustacks trust change --release-days 7")


def _log() -> Iterator[Symptom]:
    says = "no witness outside the workspace signs the log: replay says unwitnessed"
    yield Symptom("T10", State.WEAK, says, "trustacks audit replay --anchor FILE")


def _principals(
    policy: TrustPolicy, in_force: tuple[Identity, ...]
) -> Iterator[Symptom]:
    admins = _principals_of(in_force, "admin")
    for one in in_force:
        held = sorted(one.permissions & SOVEREIGN_PERMISSIONS)
        if one.principal in admins and held:
            says = f"{one.principal} is an admin, and {', '.join(held)} as {one.id}"
            mend = f"trustacks identity revoke {one.id}"
            yield Symptom("Principals", State.WEAK, says, mend)
    for name in ("rule", "release"):
        threshold = policy.thresholds.get(name, 1)
        if threshold > 1:
            yield from _left(name, threshold, in_force)
            continue
        says = f"one principal is enough for a {name}"
        mend = f"trustacks trust change --threshold {name}=2"
        yield Symptom("Principals", State.WEAK, says, mend)


def _left(
    name: str, threshold: int, in_force: tuple[Identity, ...]
) -> Iterator[Symptom]:
    """Say where the end of one more identity would stop everything."""
    counted = THRESHOLDS[name]
    left = len(counted.principals(in_force))
    if left > threshold:
        return
    may = " or ".join(sorted(counted.permissions))
    says = f"{threshold} principals must sign a {name}, and {left} may {may}"
    yield Symptom("Principals", State.WEAK, says, f"{_REGISTER} --permission {may}")


def _ending(in_force: tuple[Identity, ...], at: datetime) -> Iterator[Symptom]:
    for one in in_force:
        if one.not_after <= at + timedelta(days=SOON_DAYS):
            says = f"{one.id} ends at {format_instant(one.not_after)}"
            mend = f"trustacks identity rotate {one.id}"
            yield Symptom("T3", State.WEAK, says, mend)


def _runners(in_force: tuple[Identity, ...]) -> Iterator[Symptom]:
    for one in in_force:
        more = sorted(one.permissions - {"report"})
        if "report" in one.permissions and more:
            says = f"{one.id} reports as a Runner, and may {', '.join(more)}"
            mend = f"trustacks identity revoke {one.id}"
            yield Symptom("Runners' keys", State.LACKS, says, mend)


def _grace(policy: TrustPolicy) -> Iterator[Symptom]:
    grace = policy.freshness.revocation_grace_seconds
    if grace:
        says = f"a release that lost its trust still decides for {grace} seconds"
        mend = "trustacks trust change --grace-seconds 0"
        yield Symptom("Rollback", State.WEAK, says, mend)


def _unseen() -> Iterator[Symptom]:
    """Say what no trust can show, so that nobody takes silence for health."""
    says = "a Runner's marks lie with the Runner"
    yield Symptom("T7", State.UNSEEN, says, "trustacks runner status")
    says = "where a Runner's context comes from is in its decisions"
    yield Symptom("Input", State.UNSEEN, says, "trustacks runner status")
    says = "that every version has its event is shown by replay"
    yield Symptom("Trust events", State.UNSEEN, says, "trustacks audit replay")


def _principals_of(in_force: tuple[Identity, ...], permission: str) -> set[str]:
    return {one.principal for one in in_force if one.may(permission)}
