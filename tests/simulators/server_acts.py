# SPDX-License-Identifier: Apache-2.0
"""What a server does while it is killed (``server_crashes``)."""

import shutil
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

from control_plane import limits
from control_plane.jobs import refresh_all
from control_plane.workflows.garbage import collect_garbage
from keys.clock import utc_now
from keys.errors import StorageError
from keys.strict import b64decode, b64encode
from signer.attestation import join_jsonl, parse_jsonl
from tests.simulators import admin_acts, move_acts
from tests.simulators.admin_acts import root_of
from tests.simulators.desk import desk, serving
from tests.simulators.server_crashes import (
    EMBEDDED,
    SOVEREIGN,
    Act,
    Hands,
    Prepared,
    digest_of,
    taped,
)
from tests.simulators.server_stores import NAME
from tests.simulators.settled import copied, settle, settle_embedded

SECOND_RULE = "acme.deploy_window"
_DAY = timedelta(days=1)


def settled_desks(folder: Path) -> dict[str, Path]:
    """Make the desks that acts begin at, by the form of their workspace."""
    made = {SOVEREIGN: settle, EMBEDDED: settle_embedded}
    for form, begin in made.items():
        with desk(folder / form) as opened:
            begin(opened)
    return {form: folder / form for form in made}


# ------------------------------------------------------------------------ release


def _release(before: Path, folder: Path) -> Prepared:
    """CI has built and signed release 2, with one rule more, in a copy."""
    with copied(before, folder / "before") as made:
        new = f"trustacks rule new {SECOND_RULE} --from deploy-window"
        made.must("Jane", f"{new} --overlay policy")
        made.must("Jane", f"trustacks rule sign {SECOND_RULE} --overlay policy")
    with copied(folder / "before", folder / "aside") as made, taped() as posted:
        made.must("CI", "trustacks bundle release --overlay policy")
    sent = tuple(one for one in posted if one.place in ("/attestations", "/releases"))
    return Prepared(
        state=folder / "before/server",
        root=root_of(before),
        at=utc_now(),
        token=(before / "desk/ci.token").read_text().strip(),
        sent=sent,
    )


def _submit(hands: Hands) -> bool:
    """Log the release, then submit it as it was logged."""
    pending, whole = hands.prepared.sent
    logged = hands.post(*pending)
    if logged is None:
        return False
    *rules, _ = parse_jsonl(b64decode(whole.body["attestations"]))
    raw = b64decode(logged["attestation"])
    body = {
        "bundle": whole.body["bundle"],
        "attestations": b64encode(join_jsonl([*rules, raw])),
        "release": b64encode(raw),
    }
    return hands.post(whole.place, body) is not None


def _require_release(hands: Hands) -> None:
    """Whatever was said to be logged is there once; so is what was published."""
    pending = hands.prepared.sent[0].body["attestation"]
    if hands.logged(pending) != (True,):
        assert not hands.has_acknowledged("/attestations")
    if hands.has_acknowledged("/releases"):
        assert hands.released()[2] == digest_of(pending)


# ------------------------------------------------------------------------ garbage


def _littered(before: Path, folder: Path) -> Prepared:
    """A week of renewals, of which the older ones have been garbage for another one."""
    clock = SimpleNamespace(at=utc_now())
    state = shutil.copytree(before / "server", folder / "littered")
    with serving(state, lambda: clock.at) as (_, services):
        collect_garbage(services, NAME)
        for _ in range(8):
            clock.at += _DAY
            refresh_all(services)
        collect_garbage(services, NAME)
    return Prepared(state, root_of(before), clock.at + 8 * _DAY)


def _collect(hands: Hands) -> bool:
    try:
        collect_garbage(hands.services, NAME)
    except StorageError:
        return False
    return True


def _require_nothing_lost(hands: Hands) -> None:
    """Every release is there."""
    assert list(hands.released()) == [1]


ACTS = (
    Act("release sent to a server", _release, _submit, _require_release),
    Act(
        "garbage collection by a server",
        _littered,
        _collect,
        _require_nothing_lost,
        later=timedelta(seconds=limits.GARBAGE_LOOK_SECONDS),
    ),
    *admin_acts.ACTS,
    *move_acts.ACTS,
)
