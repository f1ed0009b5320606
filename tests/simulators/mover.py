# SPDX-License-Identifier: Apache-2.0
"""Two admins who make a service's embedded workspace sovereign, by its API alone.

What they sign is built with the functions that the command line uses; a lie can be put
in the place of any part.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from bundle.embedded import EmbeddedGround
from bundle.gate.candidate import POLICY_TARGET, TRUSTED_ROOT_TARGET
from bundle.trust_instances import parts_of
from bundle.tuf.keys import role_key
from bundle.tuf.proposal import ProposalSignature, TrustProposal, build_proposal
from bundle.tuf.proposal_signing import assemble, sign_proposal
from bundle.tuf.root_draft import (
    RootKeys,
    admin_keys,
    draft_root,
    online_keys,
    sign_root,
)
from bundle.tuf.rootchain import open_roots
from control_plane.workflows.move_checks import MoveGround
from keys.digest import Digest
from keys.public import PublicKey
from keys.strict import b64decode, b64encode
from signer.form import Custody
from signer.predicates.trust_change import (
    MADE_SOVEREIGN,
    Change,
    TrustChangePredicate,
)
from signer.statement import Subject
from tests.simulators.memory_key import MemoryKey
from tests.simulators.service import Signer, Workspace
from trustacks.moving import Wish, moved_policy


@dataclass
class Mover:
    """The admins, their keys, and what they have made so far."""

    workspace: Workspace
    roots: list[MemoryKey] = field(default_factory=lambda: _keys(2))
    targets: list[MemoryKey] = field(default_factory=lambda: _keys(2))
    admin: Signer = field(default_factory=lambda: Signer("ann", MemoryKey.ecdsa()))
    root: bytes = b""
    proposal: TrustProposal | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    signatures: list[ProposalSignature] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"{self.workspace.path}/move"

    @property
    def at(self):
        return self.workspace.server.clock()

    @property
    def ground(self) -> EmbeddedGround:
        return MoveGround.of(self._opened(), self.at).embedded

    def _opened(self):
        return self.workspace.server.services.workspaces.open(self.workspace.name)

    def online(self) -> dict[str, Any]:
        answer = self.workspace.http.post(f"{self.path}/online-keys", json={})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def draft(self, *, keep: Collection[str] = ()) -> None:
        """Draft and sign root and trust."""
        online, ground = self.online(), self.ground
        keys = {name: PublicKey.from_pem(online[name]) for name in _ROLES}
        draft = draft_root(
            RootKeys(
                root=admin_keys(k.public_key for k in self.roots),
                targets=admin_keys(k.public_key for k in self.targets),
                snapshot=online_keys([keys["snapshot"]]),
                timestamp=online_keys([keys["timestamp"]]),
            ),
            at=self.at,
            previous=ground.chain.current,
            workspace=ground.chain.workspace,
        )
        for key in self.roots:
            draft = sign_root(draft, key)
        self.root = draft
        published = self._opened().published()
        wish = Wish(
            ground.trust.policy.layers,
            {self.admin.id: self.admin.key.public_key},
            keep,
        )
        policy = moved_policy(ground, wish, at=self.at)
        trusted_root = published.files[TRUSTED_ROOT_TARGET]
        self.files = {
            **published.files,
            POLICY_TARGET: policy.to_bytes(),
            TRUSTED_ROOT_TARGET: parts_of(policy.instances, trusted_root),
        }
        self.proposal = build_proposal(
            ground.chain.workspace,
            ground.base,
            ground.base.version + 1,
            self.files,
            role_key(keys["release"], Custody.CONTROL_PLANE),
            Change(kind=MADE_SOVEREIGN),
            checkpoint=online["checkpoint"],
            at=self.at,
        )
        new = open_roots([self.root]).current
        self.signatures = [sign_proposal(self.proposal, new, k) for k in self.targets]

    def hand_over(self, **changes: Any):
        """Ask for the embedded key's signature."""
        body = {
            "root": b64encode(self.root),
            "proposal": b64encode(self.proposal.to_bytes()),
            "signatures": [one.to_json() for one in self.signatures],
            "files": [b64encode(data) for data in self.files.values()],
        }
        return self.workspace.http.post(self.path, json={**body, **changes})

    def handed(self) -> ProposalSignature:
        answer = self.hand_over()
        assert answer.status_code == 200, answer.text
        said = answer.json()
        key = Digest.parse(said["key"]).hex
        return ProposalSignature(key, b64decode(said["signature"]))

    def finished_body(self, *, by: Signer | None = None) -> dict[str, Any]:
        """What finishes the move, with a new admin's event."""
        old, new = self.ground.chain.current, open_roots([self.root]).current
        given = [*self.signatures, self.handed()]
        targets = assemble(self.proposal, new, given, previous=old)
        version = self.proposal.version
        predicate = TrustChangePredicate(
            workspace=self.workspace.digest,
            targets_version=version,
            policy=Digest.of(self.files[POLICY_TARGET]),
            previous=self.proposal.base.digest,
            change=self.proposal.change,
            at=self.at,
            checkpoint=self.proposal.checkpoint,
        )
        subject = Subject(f"{version}.targets.json", Digest.of(targets))
        event = self.workspace.sign_pending([subject], predicate, by or self.admin)
        return {
            "root": b64encode(self.root),
            "signatures": [one.to_json() for one in given],
            "event": b64encode(event),
        }

    def finish(self, body: dict[str, Any]):
        return self.workspace.http.post(
            f"{self.path}/{self.proposal.id}/finish", json=body
        )


_ROLES = ("release", "snapshot", "timestamp")


def _keys(count: int) -> list[MemoryKey]:
    return [MemoryKey.ecdsa() for _ in range(count)]
