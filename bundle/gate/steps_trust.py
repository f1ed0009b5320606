# SPDX-License-Identifier: Apache-2.0
"""The gate's steps on time, metadata, trust policy and layers; see ``check``."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bundle.gate import forward
from bundle.gate.candidate import Candidate
from bundle.gate.named import (
    check_survivors_logged,
    kept_by,
    open_named,
    say_named,
)
from bundle.gate.trust import (
    check_one_purpose,
    check_pinned,
    open_constitution,
    open_packs,
)
from bundle.gate.verdict import AcceptedTrust
from bundle.layers import Layer
from bundle.marks import Marks
from bundle.rego.engine import Module
from bundle.tuf.view import read_view
from signer.form import Form
from signer.steps import StepRecorder
from signer.trust import Trust
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot

# Said in every result: which form this is, and what it is worth (DESIGN 2).
FORM_NOTES: Final = {
    Form.SOVEREIGN: "sovereign: external custody only",
    Form.EMBEDDED: "embedded: the Control Plane can sign for anyone here",
}


TRUST_PLAN: Final = (
    ("clock", "the clock did not go back"),
    ("metadata", "TUF metadata from the pinned root"),
    ("marks", "root and targets did not go back"),
    ("trust-files", "trust and layers as the targets list them"),
    ("trust-policy", "trust policy of this workspace"),
    ("survivors", "what the admins kept of whom they ended"),
    ("custody", "custody of everyone who decides"),
    ("keys", "one key, one purpose"),
    ("targets-log", "the log that the admins saw"),
)


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers below the overlay, pinned and by their publishers.

    Attributes:
        constitution: The constitution.
        packs: The packs, by name.
    """

    constitution: Layer
    packs: tuple[Layer, ...]

    @property
    def all(self) -> tuple[Layer, ...]:
        """Constitution and packs."""
        return (self.constitution, *self.packs)

    @property
    def modules(self) -> tuple[Module, ...]:
        """The Rego of all of them."""
        return tuple(module for layer in self.all for module in layer.modules)


def check_trust(
    steps: StepRecorder, candidate: Candidate, *, marks: Marks | None, at: datetime
) -> AcceptedTrust:
    """Steps on time, metadata and trust policy: what holds without any release."""
    with steps("clock"):
        forward.check_clock(marks, at)
    with steps("metadata") as note:
        view = read_view(
            candidate.roots, candidate.targets, candidate.release_role, at=at
        )
        note(f"root {view.root_version}, targets {view.targets_version}, {view.form}")
    with steps("marks") as note:
        forward.check_workspace_kept(marks, view)
        forward.check_root_forward(marks, view)
        forward.check_targets_forward(marks, view)
        note("fresh: no state" if marks is None else "as high as before, or higher")
    with steps("trust-files"):
        check_pinned(candidate.trust_files(), view.files, what="targets")
    with steps("trust-policy") as note:
        policy = TrustPolicy.parse(candidate.policy)
        trusted_root = TrustedRoot.parse(candidate.trusted_root)
        trust = Trust(
            workspace=view.workspace,
            form=view.form,
            policy=policy,
            trusted_root=trusted_root,
        )
        note(f"version {policy.version}, {len(policy.identities)} identities")
    with steps("survivors") as note:
        named = open_named(candidate.named, policy)
        check_survivors_logged(policy, trusted_root)
        trust = replace(trust, kept=kept_by(named))
        note(say_named(named))
    with steps("custody") as note:
        policy.require_custody(view.form)
        note(FORM_NOTES[view.form])
    with steps("keys"):
        check_one_purpose(view, trust)
    with steps("targets-log") as note:
        log = forward.open_embedded_checkpoint(view.checkpoint, trusted_root)
        forward.check_log_same(marks, log)
        note(f"{log.size} entries")
    marked = forward.mark_view(view, log, at).over(marks)
    return AcceptedTrust(view, trust, marked)


def check_layers(
    steps: StepRecorder, candidate: Candidate, accepted: AcceptedTrust
) -> Layers:
    """The step on constitution and packs."""
    policy = accepted.trust.policy
    with steps("layers") as note:
        layers = Layers(
            open_constitution(candidate, policy), open_packs(candidate, policy)
        )
        note(", ".join(f"{one.name} {one.version}" for one in layers.all))
    return layers
