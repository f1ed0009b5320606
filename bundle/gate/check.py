# SPDX-License-Identifier: Apache-2.0
"""The gate: whether a release may be activated. One function for everyone.

The Runner asks before it activates, the publisher before it publishes, the auditor
with a past ``at``. Pure: bytes, marks and an instant in, a result out; Rego is parsed
and compiled through the engine that is given.

Order, and the sentence of DESIGN that each step enacts::

    clock         T7   now is not below the last accepted time
    metadata      2,T8 roots from the pin, targets, release role; the form is derived
    marks         T7   root and targets are not older, and not others of equal version
    trust-files   Scope every trust file and layer is the one that targets list
    trust-policy  T9   trust policy and trusted root, of this workspace
    survivors     T3   what outlives an end is there, as the admins named it
    custody       T1   nothing that decides is in the Control Plane's reach
    keys          Principals  one key, one purpose
    targets-log   T10  targets embed a checkpoint of a log that did not shrink
    layers        3.3  constitution and packs: pinned, and signed by their publishers
    listed        T4   the highest listed revision, and its files as listed
    release       2    signed by a registered identity that may release
    current       T4   made for the current targets, layers and trust
    fresh         T6   not expired, and not for longer than allowed
    forward       T7   not below the mark, nor another at its revision; above the floor
    chain         T4   every release back to the one that is known, without a gap
    release-log   T10  the checkpoints along the chain do not shrink
    archive       8    the archive and its content are those released; its manifest
    confinement   3.4  packages, references, builtins and files, checked here again
    inventory     T4   archive and released inventory hold the same rules
    rules         2    each rule signed by an author of its namespace, tested, linted
    retirements   T5   each id out of force has a retirement that still holds
    thresholds    Principals  enough distinct principals signed release and rules
    approvals     T5   each word of a second principal that the rules rest on
    moved         T5   the same of what the releases before it changed, nothing more
    rule-chain    T5   heads only move forward; nothing is dropped
    changes       T5   a second principal behind every change, for exactly that change
    waivers       Waivers  of packs' rules, by two principals, none withdrawn
    compile       5    constitution, packs and overlay load and answer together

A step that is deleted is ``not_run``, and then nothing is accepted.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from bundle.gate import forward
from bundle.gate.candidate import Candidate
from bundle.gate.steps_bundle import check_bundle, check_together
from bundle.gate.steps_release import Word, check_listed, check_word
from bundle.gate.steps_rules import check_rules, check_waivers
from bundle.gate.steps_trust import TRUST_PLAN, Layers, check_layers, check_trust
from bundle.gate.verdict import AcceptedTrust, GateResult, VerifiedRelease
from bundle.marks import Known, Marks
from bundle.rego.engine import Engine
from bundle.rule import RuleModule
from signer.steps import StepRecorder

PLAN: Final = (
    *TRUST_PLAN,
    ("layers", "constitution and packs by their publishers"),
    ("listed", "the highest listed release"),
    ("release", "release attestation"),
    ("current", "made for the current targets, layers and trust"),
    ("fresh", "not expired"),
    ("forward", "not below what is known"),
    ("chain", "chain of releases"),
    ("release-log", "the log along the chain"),
    ("archive", "archive as released"),
    ("confinement", "overlay keeps to itself"),
    ("inventory", "inventory and archive agree"),
    ("rules", "rule attestations"),
    ("retirements", "retirement attestations"),
    ("thresholds", "enough principals behind release and rules"),
    ("approvals", "approvals of rules in force"),
    ("moved", "attestations of earlier changes"),
    ("rule-chain", "chain of each rule"),
    ("changes", "a second principal behind each change"),
    ("waivers", "waivers"),
    ("compile", "constitution, packs and overlay load and answer together"),
)


def check_release(
    candidate: Candidate,
    *,
    marks: Marks | None,
    at: datetime,
    engine: Engine,
    floor: Known | None = None,
) -> GateResult:
    """Judge a release.

    Args:
        candidate: Its bytes, and those that it stands on.
        marks: What was accepted before; ``None`` is fresh.
        at: The instant that is decided for.
        engine: Parses and compiles.
        floor: A release that the operator knows, for a Runner without state.
    """
    steps = StepRecorder(PLAN)
    accepted = release = None
    with steps:
        accepted = check_trust(steps, candidate, marks=marks, at=at)
        layers = check_layers(steps, candidate, accepted)
        check_listed(steps, candidate, accepted)
        word = check_word(steps, candidate, accepted, marks=marks, floor=floor, at=at)
        rules = check_bundle(steps, candidate, word, layers, engine)
        check_rules(steps, candidate, word, rules, at=at)
        waivers = check_waivers(steps, word, layers, at=at)
        check_together(steps, engine, layers, rules, at=at)
        release = replace(_release(accepted, layers, word, rules), waivers=waivers)
    subject = f"release {candidate.revision}"
    result = steps.result(subject=subject, at=at, facts=_facts(accepted, release))
    return GateResult(result, release if result else None, accepted)


def _release(
    accepted: AcceptedTrust,
    layers: Layers,
    word: Word,
    rules: tuple[RuleModule, ...],
) -> VerifiedRelease:
    head = word.head
    return VerifiedRelease(
        revision=head.release.revision,
        digest=head.digest,
        archive=word.archive,
        content=word.content,
        rules=rules,
        constitution=layers.constitution,
        packs=layers.packs,
        accepted=accepted,
        predicate=head.release,
        attestation=head.raw,
        attestations=word.others,
        cosigned=word.cosigned,
        marks=forward.mark_release(accepted.marks, head.known, word.log),
    )


def _facts(
    accepted: AcceptedTrust | None, release: VerifiedRelease | None
) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if accepted:
        facts["workspace"] = str(accepted.view.workspace)
        facts["form"] = accepted.view.form.value
        facts["targets"] = accepted.view.targets_version
    if release:
        facts["revision"] = release.revision
        facts["release"] = str(release.digest)
        facts["archive"] = str(release.archive)
        facts["content"] = str(release.content)
    return facts
