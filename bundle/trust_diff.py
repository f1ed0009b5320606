# SPDX-License-Identifier: Apache-2.0
"""What a change of trust means, in sentences that an admin can be asked to sign.

Pure: two trust policies and the file lists around them. The admin's own client calls it
with its own pinned state on the left (DESIGN T9), so that no server words the question.
Whatever differs and has no sentence here is reported as such: a diff that leaves
something out would be worse than none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from keys.clock import format_instant
from keys.digest import Digest
from signer.credential import KeyCredential, OidcCredential
from signer.identity import Identity
from signer.instances import Instances
from signer.pins import LayerPins
from signer.revocation import NOTHING, Survivors
from signer.trust_laws import THRESHOLDS
from signer.trust_policy import TrustPolicy

Direction = Literal["loosens", "tightens", "neutral"]

# The parts of an instance, and what each may do.
_PARTS: Final = {
    "certificate_authorities": "certificates for signers by CA",
    "ct_logs": "certificates seen by CT log",
    "issuers": "signers whom it names by issuer",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One sentence.

    Attributes:
        what: What it is about, such as ``identity jane.doe``.
        says: The sentence.
        direction: Whether more becomes possible, or less.
    """

    what: str
    says: str
    direction: Direction

    def to_json(self) -> dict[str, str]:
        """Return it as ``--json`` shows it."""
        return {"what": self.what, "says": self.says, "direction": self.direction}


@dataclass(frozen=True, slots=True)
class TrustSide:
    """One side of a diff.

    Attributes:
        policy: The trust policy.
        files: Digest of every trust file and layer, by target name.
        release_key: Of the release role, by SHA-256 of its SubjectPublicKeyInfo.
    """

    policy: TrustPolicy
    files: Mapping[str, Digest]
    release_key: str


def diff_trust(old: TrustSide | None, new: TrustSide) -> tuple[Difference, ...]:
    """Return every difference; none on the left is the first trust of a workspace."""
    found = [*_identities(old.policy if old else None, new.policy)]
    if old is not None:
        found += _ends(old.policy, new.policy)
        found += diff_numbers(old.policy, new.policy)
        found += _floor(old.policy, new.policy)
    if old is not None and old.release_key != new.release_key:
        says = f"key {old.release_key[:16]} becomes {new.release_key[:16]}"
        found.append(Difference("release role", says, "loosens"))
    found += _instances(old.policy.instances if old else {}, new.policy.instances)
    found += _custody(old.policy if old else None, new.policy)
    found += _layers(old.policy.layers if old else None, new.policy.layers)
    found += _files(old.files if old else {}, new.files)
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
        kept = _kept(one.survivors)
        if name not in before:
            ended = "revoked" if one.final else "suspended"
            says = f"{ended}, {kept}: {one.reason}"
            yield Difference(f"identity {name}", says, "tightens")
        elif before[name] != one:
            was = _kept(before[name].survivors)
            says = f"its revocation changes: before, {was}; now, {kept}: {one.reason}"
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


def diff_numbers(old: TrustPolicy, new: TrustPolicy) -> Iterator[Difference]:
    """Yield what differs in thresholds, ages and the version."""
    for name in sorted({*old.thresholds, *new.thresholds}):
        least = THRESHOLDS[name].least
        before, after = (one.thresholds.get(name, least) for one in (old, new))
        if before != after:
            direction: Direction = "loosens" if after < before else "tightens"
            says = f"{before} becomes {after} principals"
            yield Difference(f"threshold {name}", says, direction)
    before_ages, after_ages = old.freshness.to_json(), new.freshness.to_json()
    for name, value in before_ages.items():
        if after_ages[name] != value:
            longer = _later(value, after_ages[name])
            says = f"{value} becomes {after_ages[name]}"
            direction = "loosens" if longer else "tightens"
            yield Difference(f"freshness {name}", says, direction)
    if new.version <= old.version:
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


def _instances(old: Instances, new: Instances) -> Iterator[Difference]:
    for name in sorted({*old, *new}):
        what, was, now = f"instance {name}", old.get(name), new.get(name)
        if now is None:
            says = "removed: no certificate of it counts, also of what was signed"
            yield Difference(what, says, "tightens")
            continue
        before = was.to_json() if was else {}
        for kind, said in _PARTS.items():
            these, those = now.to_json()[kind], before.get(kind, [])
            for one in sorted({*these} - {*those}):
                yield Difference(what, f"{said} {one}: added", "loosens")
            for one in sorted({*those} - {*these}):
                yield Difference(what, f"{said} {one}: removed", "tightens")


def _custody(old: TrustPolicy | None, new: TrustPolicy) -> Iterator[Difference]:
    before = old.custody.to_json() if old else {}
    after = new.custody.to_json()
    for kind in sorted({*before, *after}):
        then, since = before.get(kind, {}), after.get(kind, {})
        for name in sorted({*then, *since}):
            was, now = then.get(name), since.get(name)
            if was != now:
                says = f"custody {was or '(none)'} becomes {now or '(none)'}"
                direction: Direction = "loosens" if now == "external" else "neutral"
                yield Difference(f"{kind.replace('_', ' ')} {name}", says, direction)


def _layers(old: LayerPins | None, new: LayerPins) -> Iterator[Difference]:
    before, after = _pins(old), _pins(new)
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        says = f"{was or '(none)'} becomes {now or '(none)'}"
        yield Difference(name, says, "loosens")


def _pins(layers: LayerPins | None) -> dict[str, str]:
    if layers is None:
        return {}
    pins = {"constitution": layers.constitution}
    pins |= {f"pack {name}": pin for name, pin in layers.packs.items()}
    return {
        name: f"{pin.digest} of publisher {pin.publisher.key_id[:16]}"
        for name, pin in pins.items()
    }


def _files(
    old: Mapping[str, Digest], new: Mapping[str, Digest]
) -> Iterator[Difference]:
    """Say what no sentence above covers: the trusted root, and layers' signatures."""
    for name in sorted({*old, *new}):
        if name == "trust/policy.json" or old.get(name) == new.get(name):
            continue
        says = f"{old.get(name, '(none)')} becomes {new.get(name, '(none)')}"
        direction: Direction = "loosens" if name.startswith("trust/") else "neutral"
        yield Difference(name, says, direction)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - one line
