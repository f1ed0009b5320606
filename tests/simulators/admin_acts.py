# SPDX-License-Identifier: Apache-2.0
"""What the admins of a sovereign workspace have a server do while it is killed.

They sign at their own desks, in a copy of the workspace (``server_crashes.taped``): a
change of trust that registers an identity, a root with another admin's keys, a root and
a trust with other online keys. ``online-keys.md`` is three acts: keys are made, the
root names them and both sign, and a day later the old ones sign no more.
"""

from datetime import timedelta
from pathlib import Path

from bundle.tuf.proposal import TrustProposal
from keys.clock import utc_now
from keys.errors import StorageError
from keys.strict import b64decode
from tests.simulators.desk import PAGE_URL, Desk, serving
from tests.simulators.server_crashes import Act, Hands, Post, Prepared, taped
from tests.simulators.server_stores import NAME
from tests.simulators.settled import LOGIN, approve, copied

_ROLES = ("release", "snapshot", "timestamp")
_ROOT = "metadata/2.root.json"
# After one of these the timestamp is due, and after two the old keys sign no more.
_HALF_A_DAY = timedelta(hours=13)


def root_of(desk: Path) -> bytes:
    """Return the first root of a desk's workspace."""
    return (desk / "desk/acme.root.json").read_bytes()


def send(hands: Hands) -> bool:
    """Send what was signed, in its order."""
    return all(hands.post(*one) is not None for one in hands.prepared.sent)


def prepared(before: Path, posted: list[Post]) -> Prepared:
    """Return what was posted in a copy, to be sent to the workspace as it was."""
    return Prepared(before / "server", root_of(before), utc_now(), sent=tuple(posted))


# -------------------------------------------------------------------------- trust


def _registration(before: Path, folder: Path) -> Prepared:
    """Dan has proved his key, and two admins sign that he may author."""
    with copied(before, folder / "proved") as made:
        token = "trustacks workspace token create --role author --days 90"
        made.must("Ann", f"{token} --subject dan --out dan.token")
        login = LOGIN.replace(PAGE_URL, made.url)
        made.must("Dan", f"{login} --token-file dan.token")
        made.must("Dan", "trustacks keys create dan")
        register = "trustacks identity register dan --principal dan@acme.example"
        may = "--permission author --namespace acme --proof-out dan.proof"
        made.must("Dan", f"{register} {may}")
    with copied(folder / "proved", folder / "aside") as made, taped() as posted:
        made.must("Ann", "trustacks identity register --proof dan.proof")
        approve(made)
    return prepared(folder / "proved", posted)


def _release_key(before: Path, folder: Path) -> Prepared:
    """Two admins sign the trust that names another key of the release role."""
    with copied(before, folder / "made") as made:
        made.must("Ann", "trustacks root online release --out release-2.pub")
    with copied(folder / "made", folder / "aside") as made, taped() as posted:
        made.must("Ann", "trustacks trust change --release-key release-2.pub")
        approve(made)
    return prepared(folder / "made", posted)


def _require_trust(hands: Hands) -> None:
    """Proposal, signatures and trust are there as they were acknowledged."""
    proposed, *_, published = hands.prepared.sent
    proposal = TrustProposal.parse(b64decode(proposed.body["proposal"]))
    found = hands.get(f"/trust/proposals/{proposal.id}")
    signed = {one["key"] for one in found.get("signatures", ())}
    for said in hands.acknowledged:
        assert found
        if said.place.endswith("/signatures"):
            assert said.body["key"] in signed
    in_force = found.get("status") == "in-force"
    assert in_force or not hands.has_acknowledged(published.place)
    event, possession = published.body["event"], proposed.body.get("possession")
    logged, proved = hands.logged(event, (possession or {}).get("proof", event))
    assert logged or not in_force
    assert proved or not (found and possession)


# ------------------------------------------------------------------------- admins


def _other_admin(before: Path, folder: Path) -> Prepared:
    """Ann and Ben sign a root in which Dora comes for Cleo."""
    with copied(before, folder / "aside") as made, taped() as posted:
        for role in ("root", "targets"):
            made.must("Dora", f"trustacks keys create dora-{role}")
            made.must("Dora", f"trustacks keys show dora-{role} --out dora-{role}.pub")
        keys = " ".join(
            f"--{role}-key {who}-{role}.pub"
            for role in ("root", "targets")
            for who in ("ann", "ben", "dora")
        )
        _publish_root(made, keys)
    return prepared(before, posted)


def _publish_root(made: Desk, keys: str) -> None:
    """Have two admins sign the next root, and publish it."""
    made.must("Ann", f"trustacks root draft 2.root.json {keys}")
    made.must("Ann", "trustacks root sign 2.root.json --key ann-root")
    made.must("Ben", "trustacks root sign 2.root.json --key ben-root")
    made.must("Ben", "trustacks root publish 2.root.json --admin-key ben-admin")


def _require_root(hands: Hands) -> None:
    """A root that was acknowledged is there, and so is its event, once."""
    (sent,) = hands.prepared.sent
    found = hands.admin.get(f"/w/{NAME}/{_ROOT}")
    there = found.status_code == 200
    assert not there or found.content == b64decode(sent.body["root"])
    assert there or not hands.has_acknowledged(sent.place)
    assert hands.logged(sent.body["event"]) == (True,) or not there


# -------------------------------------------------------------------- online keys


def _no_keys(before: Path, _: Path) -> Prepared:
    """Nobody has asked for further online keys yet."""
    place = "/trust/online-keys"
    return prepared(before, [Post(place, {"role": role}) for role in _ROLES])


def _require_keys(hands: Hands) -> None:
    """Every key that was acknowledged is held."""
    store = hands.services.keystore
    for said in hands.acknowledged:
        held = [key.public_key.pem for key in store.further(NAME, said.body["role"])]
        assert said.answer["public_key"] in held


def _online_root(before: Path, folder: Path) -> list[Post]:
    """Two admins sign a root with other online keys, and publish it in a copy."""
    with copied(before, folder / "made") as made:
        for role in ("timestamp", "snapshot"):
            made.must("Ann", f"trustacks root online {role} --out {role}-2.pub")
    with copied(folder / "made", folder / "aside") as made, taped() as posted:
        named = "--timestamp-key timestamp-2.pub --snapshot-key snapshot-2.pub"
        _publish_root(made, named)
    return posted


def _dual_signed(before: Path, folder: Path) -> Prepared:
    """Two admins sign a root with other online keys."""
    posted = _online_root(before, folder)
    return prepared(folder / "made", posted)


def _a_day_later(before: Path, folder: Path) -> Prepared:
    """The root with other online keys was published, and old keys signed along."""
    _online_root(before, folder)
    at = utc_now() + _HALF_A_DAY
    state = folder / "aside/server"
    with serving(state, lambda: at) as (_, services):
        assert services.workspaces.open(NAME).refresh(at=at)
    return Prepared(state, root_of(before), at + _HALF_A_DAY)


def _renew(hands: Hands) -> bool:
    services = hands.services
    try:
        services.workspaces.open(NAME).refresh(at=services.clock())
    except StorageError:
        return False
    return True


def _require_released(hands: Hands) -> None:
    assert list(hands.released()) == [1]


ACTS = (
    Act("trust change sent to a server", _registration, send, _require_trust),
    Act("root rotation sent to a server", _other_admin, send, _require_root),
    Act("online keys made by a server", _no_keys, send, _require_keys),
    Act(
        "online keys named by a root sent to a server",
        _dual_signed,
        send,
        _require_root,
        between="renewed",
    ),
    Act(
        "release key named by trust sent to a server",
        _release_key,
        send,
        _require_trust,
    ),
    Act("old online keys dropped by a server", _a_day_later, _renew, _require_released),
)
