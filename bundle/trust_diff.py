# SPDX-License-Identifier: Apache-2.0
"""What a change of trust means, in sentences that an admin can be asked to sign.

Pure: two trust policies and the file lists around them. The admin's own client calls it
with its own pinned state on the left (DESIGN T9), so that no server words the question.
Whatever differs and has no sentence here is reported as such: a diff that leaves
something out would be worse than none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bundle.difference import Difference, Direction
from bundle.trust_diff_parts import (
    diff_custody,
    diff_files,
    diff_instances,
    diff_layers,
    diff_parts,
)
from keys.clock import format_instant
from keys.digest import Digest
from signer.credential import KeyCredential, OidcCredential
from signer.identity import Identity
from signer.pins import Freshness
from signer.revocation import NOTHING, Revocation, Survivors
from signer.trust_laws import THRESHOLDS
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot

__all__ = [
    "Difference",
    "Direction",
    "TrustSide",
    "diff_numbers",
    "diff_trust",
    "text_of",
]


@dataclass(frozen=True, slots=True)
class TrustSide:
    """One side of a diff.

    Attributes:
        policy: The trust policy.
        files: Digest of every trust file and layer, by target name.
        release_key: Of the release role, by SHA-256 of its SubjectPublicKeyInfo.
        trusted_root: Logs and authorities; without it they are one file among others.
    """

    policy: TrustPolicy
    files: Mapping[str, Digest]
    release_key: str
    trusted_root: TrustedRoot | None = None


def diff_trust(old: TrustSide | None, new: TrustSide) -> tuple[Difference, ...]:
    """Return every difference; none on the left is the first trust of a workspace."""
    found = [*_identities(old.policy if old else None, new.policy)]
    found += diff_numbers(old.policy if old else None, new.policy)
    if old is not None:
        found += _ends(old.policy, new.policy)
        found += _floor(old.policy, new.policy)
    if old is not None and old.release_key != new.release_key:
        says = f"key {old.release_key[:16]} becomes {new.release_key[:16]}"
        found.append(Difference("release role", says, "loosens"))
    found += diff_instances(old.policy.instances if old else {}, new.policy.instances)
    found += diff_parts(old.trusted_root if old else None, new.trusted_root)
    found += diff_custody(old.policy if old else None, new.policy)
    found += diff_layers(old.policy.layers if old else None, new.policy.layers)
    found += diff_files(old.files if old else {}, new.files)
    return tuple(found)


def text_of(differences: tuple[Difference, ...]) -> str:
    """Return a diff for people: what loosens stands first and is marked."""
    marks = {"loosens": "!", "tightens": "-", "neutral": " "}
    order = ("loosens", "tightens", "neutral")
    lines = [
        f"{marks[one.direction]} {one.what}: {one.says}"
        for direction in order
        for one in differences
        if one.direction == direction
    ]
    return "\n".join(lines or ["  no difference"])


def _identities(old: TrustPolicy | None, new: TrustPolicy) -> Iterator[Difference]:
    before = {one.id: one for one in old.identities} if old else {}
    after = {one.id: one for one in new.identities}
    for name, one in after.items():
        if name not in before:
            yield Difference(f"identity {name}", f"added: {_terms(one)}", "loosens")
            yield from _heirs(one, new)
        elif before[name] != one:
            yield from _changed(before[name], one)
    for name in before.keys() - after.keys():
        says = "removed, not revoked: its id could be used again"
        yield Difference(f"identity {name}", says, "loosens")


def _heirs(one: Identity, new: TrustPolicy) -> Iterator[Difference]:
    """Say whose subject an identity takes over: that one may have been revoked."""
    known = one.credential
    if not isinstance(known, OidcCredential):
        return
    for other in new.identities:
        theirs = other.credential
        if other is one or not isinstance(theirs, OidcCredential):
            continue
        if known.overlaps(theirs):
            says = f"may sign from now on with a subject that {other.id} had"
            yield Difference(f"identity {one.id}", says, "loosens")


def _terms(one: Identity) -> str:
    return (
        f"{one.principal} may {', '.join(sorted(one.permissions))} for "
        f"{', '.join(sorted(one.namespaces))}, {one.custody} custody, "
        f"{format_instant(one.not_before)} to {format_instant(one.not_after)}, "
        f"{_known_by(one)}"
    )


def _known_by(one: Identity) -> str:
    """Say what an identity is recognised by, and by whose word."""
    known = one.credential
    if isinstance(known, KeyCredential):
        return f"key {known.public_key.key_id[:16]}"
    kind = "every subject like" if known.subject.is_pattern else "subject"
    return f"{kind} {known.subject.text} of {known.issuer} by {known.instance}"


def _changed(old: Identity, new: Identity) -> Iterator[Difference]:
    before, after = old.to_json(), new.to_json()
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was != now:
            says = f"{name}: {_short(was)} becomes {_short(now)}"
            yield Difference(f"identity {new.id}", says, "loosens")


def _ends(old: TrustPolicy, new: TrustPolicy) -> Iterator[Difference]:
    before = {one.identity: one for one in old.revocations}
    after = {one.identity: one for one in new.revocations}
    for name, one in after.items():
        if name not in before:
            says = f"{_ended(one)}: {one.reason}"
            yield Difference(f"identity {name}", says, "tightens")
        elif before[name] != one:
            was, now = _ended(before[name]), _ended(one)
            says = f"its end changes: before, {was}; now, {now}: {one.reason}"
            nothing = replace(before[name], survivors=NOTHING, reason=one.reason)
            direction: Direction = "tightens" if one == nothing else "loosens"
            yield Difference(f"identity {name}", says, direction)
    for name in before.keys() - after.keys():
        yield Difference(f"identity {name}", "is revoked no longer", "loosens")
    withdrawn = new.withdrawn_waivers - old.withdrawn_waivers
    for digest in sorted(map(str, withdrawn)):
        yield Difference("waiver", f"withdrawn: {digest}", "tightens")
    for digest in sorted(map(str, old.withdrawn_waivers - new.withdrawn_waivers)):
        yield Difference("waiver", f"withdrawn no longer: {digest}", "loosens")


def _ended(end: Revocation) -> str:
    """Say how an identity ended; when decides whose a subject is from then on."""
    how = "revoked" if end.final else "suspended"
    return f"{how} at {format_instant(end.revoked_at)}, {_kept(end.survivors)}"


def _kept(survivors: Survivors) -> str:
    """Say what survives an end: every digest, because an admin signs for each."""
    said = [f"attestation {one}" for one in sorted(survivors.attestations)]
    said += [f"all that release {one} lists" for one in sorted(survivors.releases)]
    if tree := survivors.tree:
        said.append(
            f"all of theirs among the first {tree.size} entries of {tree.origin}, "
            f"tree {tree.root.hex()}"
        )
    return f"surviving: {'; '.join(said)}" if said else "nothing survives"


def diff_numbers(old: TrustPolicy | None, new: TrustPolicy) -> Iterator[Difference]:
    """Yield what differs in thresholds, ages and the version; first, from defaults."""
    known = old.thresholds if old else {}
    for name in sorted({*known, *new.thresholds}):
        least = THRESHOLDS[name].least
        before, after = (one.get(name, least) for one in (known, new.thresholds))
        if before != after:
            direction: Direction = "loosens" if after < before else "tightens"
            says = f"{before} becomes {after} principals"
            yield Difference(f"threshold {name}", says, direction)
    ages = old.freshness if old else Freshness()
    before_ages, after_ages = ages.to_json(), new.freshness.to_json()
    for name, value in before_ages.items():
        if after_ages[name] != value:
            longer = _later(value, after_ages[name])
            says = f"{value} becomes {after_ages[name]}"
            direction = "loosens" if longer else "tightens"
            yield Difference(f"freshness {name}", says, direction)
    if old is not None and new.version <= old.version:
        says = f"{old.version} becomes {new.version}"
        yield Difference("trust policy version", says, "loosens")


def _later(old: Any, new: Any) -> bool:
    if old is None or new is None:
        return old is None
    return bool(new > old)


def _floor(old: TrustPolicy, new: TrustPolicy) -> Iterator[Difference]:
    before, after = old.floor, new.floor
    if before == after:
        return
    if after is None:
        yield Difference(
            "floor", "removed: a fresh Runner may start anywhere", "loosens"
        )
        return
    lower = before is not None and after.revision < before.revision
    said = f"{before.revision if before else '(none)'} becomes {after.revision}"
    direction: Direction = "loosens" if lower else "tightens"
    yield Difference("floor", f"revision {said}, release {after.digest}", direction)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - one line
