# SPDX-License-Identifier: Apache-2.0
"""How long roles and the newest release live, and when half of it is over."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from bundle.tuf.roles import TERMS
from trustacks.lives import NEWEST_RELEASE, lives_of

AT = datetime(2026, 3, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("role", TERMS)
def test_a_role_is_due_at_half_its_life_and_not_a_second_before(role):
    expires = AT + TERMS[role].life
    half = AT + TERMS[role].life / 2
    for at, due in ((half - SECOND, False), (half, True), (expires + SECOND, True)):
        (life,) = lives_of({role: expires}, None, at=at)
        assert (life.what, life.due) == (role, due)
        assert life.seconds == (expires - at).total_seconds()
        assert life.hint


def test_the_newest_release_is_due_at_half_its_own_life():
    head = SimpleNamespace(issued_at=AT, expires=AT + timedelta(days=7))
    half = AT + timedelta(days=3.5)
    for at, due in ((half - SECOND, False), (half, True)):
        (life,) = lives_of({}, head, at=at)
        assert (life.what, life.due) == (NEWEST_RELEASE, due)
    assert life.to_json() == {
        "expires": "2026-03-09T00:00:00Z",
        "seconds": 302400,
        "due": True,
    }
