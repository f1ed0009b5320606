# SPDX-License-Identifier: Apache-2.0
"""The move from embedded to sovereign, by its runbook, while a server is killed.

Admins have signed at their own desks; the last command of them is the act. From the
decision on, the next server carries the move out by itself.
"""

from pathlib import Path

from bundle.tuf.proposal import TrustProposal
from control_plane.keystore import ADMIN, ROOT, TARGETS
from control_plane.proposal_store import ProposalStore
from keys.strict import b64decode
from tests.simulators.admin_acts import prepared
from tests.simulators.desk import PAGES
from tests.simulators.server_crashes import (
    EMBEDDED,
    SOVEREIGN,
    Act,
    Hands,
    Post,
    Prepared,
    taped,
)
from tests.simulators.server_stores import NAME
from tests.simulators.settled import copied

PAGE = PAGES / "embedded-to-sovereign.md"
_EMBEDDED_KEYS = {ROOT, TARGETS, ADMIN, "identity-bot"}
_HAND_OVER = "/move"
_FINISH = "trustacks ceremony finish ceremony --token-file admin-token --key ben-admin"


def _no_keys(before: Path, _: Path) -> Prepared:
    """Nobody has begun the ceremony yet."""
    return prepared(before, [Post("/move/online-keys", {})])


def _make_keys(hands: Hands) -> bool:
    """Have the keys made; again gives the same."""
    (one,) = hands.prepared.sent
    return hands.post(*one) is not None


def _require_keys(hands: Hands) -> None:
    """Every key that was acknowledged is held, and all were told the same."""
    said = [one.answer for one in hands.acknowledged]
    for role in ("release", "snapshot", "timestamp"):
        held = [k.public_key.pem for k in hands.services.keystore.further(NAME, role)]
        told = {one[role] for one in said}
        assert told <= set(held)
        assert len(told) <= 1


def _signed(before: Path, folder: Path) -> Prepared:
    """Everybody has signed; the last command is given in a copy."""
    with copied(before, folder / "signed") as made:
        made.play(PAGE, until="4. The workspace is sovereign")
    with copied(folder / "signed", folder / "aside") as made, taped() as posted:
        made.must("Ben", _FINISH)
    return prepared(folder / "signed", posted)


def _move(hands: Hands) -> bool:
    """Hand over, unless that was answered, and finish: as the command does it."""
    handed, finish = hands.prepared.sent
    if not hands.has_acknowledged(_HAND_OVER) and hands.post(*handed) is None:
        return False
    return hands.post(*finish) is not None


def _require_whole(hands: Hands) -> None:
    """It is embedded with all of its keys, or sovereign with none; never lost."""
    handed, finish = hands.prepared.sent
    form = hands.get()["form"]
    keys = hands.services.settings.state / "keys" / NAME
    held = {path.stem for path in keys.glob("*.pem")} & _EMBEDDED_KEYS
    assert held == (_EMBEDDED_KEYS if form == EMBEDDED else set())
    assert form == SOVEREIGN or not hands.has_acknowledged(finish.place)
    assert hands.logged(finish.body["event"]) == (form == SOVEREIGN,)
    proposal = TrustProposal.parse(b64decode(handed.body["proposal"]))
    store = ProposalStore(hands.services.workspaces.storage(NAME))
    assert form == SOVEREIGN or not store.decisions()
    assert proposal.id in store.ids() or not hands.has_acknowledged(_HAND_OVER)
    assert list(hands.released()) == [1]


ACTS = (
    Act(
        "online keys of a move made by a server",
        _no_keys,
        _make_keys,
        _require_keys,
        EMBEDDED,
    ),
    Act(
        "move to the sovereign form by a server",
        _signed,
        _move,
        _require_whole,
        EMBEDDED,
        between="halfway",
    ),
)
