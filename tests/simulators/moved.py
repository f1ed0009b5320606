# SPDX-License-Identifier: Apache-2.0
"""The move of a simulated workspace from embedded to sovereign, and who kept its keys.

``move`` does what admins and Control Plane do, with the product's own functions; each
part can be replaced by a lie. ``Relics`` is everything of the embedded form that a thief
may have copied before: root and targets keys, online keys, custodial identities.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from tuf.api.metadata import Metadata, Root

from bundle.embedded import Embedded, EmbeddedGround
from bundle.gate.candidate import POLICY_TARGET, attestations_target
from bundle.move import judge_move, open_next_root
from bundle.tuf.adopt import adopt_root
from bundle.tuf.documents import RoleKeys
from bundle.tuf.handed_in import stage_targets
from bundle.tuf.keys import role_key
from bundle.tuf.proposal import TrustProposal, build_proposal
from bundle.tuf.proposal_signing import assemble, sign_proposal
from bundle.tuf.repository import Repository
from bundle.tuf.root_draft import (
    RootKeys,
    admin_keys,
    draft_root,
    online_keys,
    sign_root,
)
from bundle.tuf.rootchain import RootChain
from keys.digest import Digest
from signer.form import Custody, Form
from signer.predicates.root_change import RootChangePredicate
from signer.predicates.trust_change import (
    MADE_SOVEREIGN,
    Change,
    TrustChangePredicate,
)
from signer.statement import Subject, build_statement
from signer.trust import Trust
from signer.trust_policy import TrustPolicy
from tests.simulators.memory_key import MemoryKey
from tests.simulators.signing import Person
from tests.simulators.tuf_mirror import Workspace as TufWorkspace
from tests.simulators.workspace import SimulatedWorkspace
from trustacks.moving import Wish, moved_policy

ADMINS = ("ann", "ben")
KEPT = (
    *("author", "releaser", "runner", "approver", "linter", "retirer"),
    *("asker", "waiver"),
)


@dataclass(frozen=True)
class Relics:
    """What was the Control Plane's alone, and may be in anybody's hands now."""

    tuf: TufWorkspace
    people: dict[str, Person]


@dataclass
class Draft:
    """A move that admins have drafted, and not yet signed.

    Attributes:
        house: The workspace.
        ground: What is in force.
        root: The next root, signed by the new admins alone.
        proposal: The first trust.
        files: What it lists.
        tuf: Keys from now on.
        admins: The new admin identities.
    """

    house: SimulatedWorkspace
    ground: EmbeddedGround
    root: bytes
    proposal: TrustProposal
    files: dict[str, bytes]
    tuf: TufWorkspace = field(repr=False)
    admins: dict[str, Person] = field(repr=False)

    @property
    def chain(self) -> RootChain:
        return open_next_root(self.root, self.ground)

    def judge(self) -> Trust:
        return judge_move(
            self.proposal, self.chain, self.ground, self.files, at=self.house.at
        )

    def signed(self) -> tuple[bytes, bytes]:
        """Targets and root as both old and new keys signed them."""
        old = self.ground.chain.current
        new = self.chain.current
        given = [sign_proposal(self.proposal, new, k) for k in self.tuf.targets_keys]
        given += [
            sign_proposal(self.proposal, old, k) for k in self.house.tuf.targets_keys
        ]
        targets = assemble(self.proposal, new, given, previous=old)
        root = self.root
        for key in self.house.tuf.root_keys:
            root = sign_root(root, key, previous=old)
        return targets, root


def embedded_bytes(house: SimulatedWorkspace) -> Embedded:
    """What is in force, as a client would fetch it."""
    current = house.repository.current()
    revision = house.view().revision
    lines = None
    if revision is not None:
        name = attestations_target(revision)
        lines = house.repository.read(name, max_bytes=1 << 27)
    return Embedded(
        roots=current.roots,
        targets=current.targets,
        release=current.release,
        policy=house.repository.read(POLICY_TARGET, max_bytes=1 << 27),
        trusted_root=house.repository.read(
            "trust/trusted_root.json", max_bytes=1 << 27
        ),
        attestations=lines,
    )


def next_keys(house: SimulatedWorkspace) -> TufWorkspace:
    """Keys that nobody had before: two admins', and three online."""
    online = [MemoryKey.ed25519() for _ in range(3)]
    return replace(
        house.tuf,
        custody=Custody.EXTERNAL,
        root_keys=[MemoryKey.ecdsa() for _ in range(2)],
        targets_keys=[MemoryKey.ecdsa() for _ in range(2)],
        release_key=online[0],
        snapshot_key=online[1],
        timestamp_key=online[2],
    )


def draft(
    house: SimulatedWorkspace,
    *,
    keep: Collection[str] = KEPT,
    admins: tuple[str, ...] = ADMINS,
    tuf: TufWorkspace | None = None,
    root: Callable[[Metadata[Root]], None] = lambda _: None,
    policy: Callable[[TrustPolicy], TrustPolicy] = lambda p: p,
    change: Change | None = None,
    files: dict[str, bytes] | None = None,
    workspace: Digest | None = None,
    ahead: int = 1,
) -> Draft:
    """Draft a move as admins would; each of the arguments is a lie to tell."""
    tuf = tuf or next_keys(house)
    ground = EmbeddedGround.open(embedded_bytes(house), at=house.at)
    unsigned = Metadata[Root].from_bytes(
        draft_root(
            RootKeys(
                root=admin_keys(k.public_key for k in tuf.root_keys),
                targets=admin_keys(k.public_key for k in tuf.targets_keys),
                snapshot=online_keys([tuf.snapshot_key.public_key]),
                timestamp=online_keys([tuf.timestamp_key.public_key]),
            ),
            at=house.at,
            previous=ground.chain.current,
            workspace=ground.chain.workspace,
        )
    )
    root(unsigned)
    signed = unsigned.to_bytes()
    for key in tuf.root_keys:
        signed = sign_root(signed, key)
    people = {name: house.person(name, "admin") for name in admins}
    wish = Wish(
        house.policy().layers,
        {name: one.key.public_key for name, one in people.items()},
        keep,
    )
    made = policy(moved_policy(ground, wish, at=house.at))
    listed = {**house.trust_files(), **(files or {}), POLICY_TARGET: made.to_bytes()}
    proposal = build_proposal(
        workspace or ground.chain.workspace,
        ground.base,
        ground.base.version + ahead,
        listed,
        role_key(tuf.release_key.public_key, Custody.CONTROL_PLANE),
        change or Change(kind=MADE_SOVEREIGN),
        checkpoint=house.log.checkpoint().decode(),
        at=house.at,
    )
    return Draft(house, ground, signed, proposal, listed, tuf, people)


def publish(
    made: Draft, *, judged: bool = True, logged: bool = True, by: str = "ann"
) -> Relics:
    """Publish a drafted move, in the order of the Control Plane's writes.

    Args:
        made: The move.
        judged: Whether anybody looked at it.
        logged: Whether the root's event is logged.
        by: Who attests the trust: a new admin, or somebody of before.
    """
    house = made.house
    if judged:
        made.judge()
    targets, root = made.signed()
    relics = Relics(house.tuf, dict(house.people))
    policy = TrustPolicy.parse(made.files[POLICY_TARGET])
    old, new = house.tuf, made.tuf
    both = RoleKeys(
        (),
        old.release_key,
        old.snapshot_key,
        old.timestamp_key,
        others=lambda: [new.release_key, new.snapshot_key, new.timestamp_key],
    )
    if logged:
        _log_root(made, root)
    _log_trust(made, targets, {**house.people, **made.admins}[by])
    staged = stage_targets(house.storage, targets, made.files, at=house.at)
    Repository(house.storage, both).publish_targets(staged, at=house.at)
    adopt_root(house.storage, both, root, at=house.at)
    house.tuf = replace(new, root=root)
    house.form = Form.SOVEREIGN
    house.people |= made.admins
    for end in policy.revocations:
        house.ended[house.people.pop(end.identity).identity] = end
    house.policy_version = policy.version
    house.policy_changes = {"floor": policy.floor}
    return relics


def move(house: SimulatedWorkspace, **lies) -> Relics:
    """Make a workspace sovereign; return what is left of the embedded form."""
    return publish(draft(house, **lies))


def _log_root(made: Draft, root: bytes) -> None:
    """The embedded admin logs the root."""
    house, ground = made.house, made.ground
    note = house.log.checkpoint().decode()
    version = ground.chain.current.version + 1
    said = RootChangePredicate(
        workspace=house.workspace,
        root_version=version,
        previous=ground.chain.digest,
        at=house.at,
        checkpoint=note,
    )
    subject = Subject(f"{version}.root.json", Digest.of(root))
    house.attest(build_statement([subject], said), by=house.people["admin"])


def _log_trust(made: Draft, targets: bytes, by: Person) -> None:
    """A new admin logs the trust."""
    house, ground = made.house, made.ground
    trust = TrustChangePredicate(
        workspace=house.workspace,
        targets_version=made.proposal.version,
        policy=Digest.of(made.files[POLICY_TARGET]),
        previous=ground.base.digest,
        change=made.proposal.change,
        at=house.at,
        checkpoint=made.proposal.checkpoint,
    )
    subject = Subject(f"{made.proposal.version}.targets.json", Digest.of(targets))
    house.attest(build_statement([subject], trust), by=by)
