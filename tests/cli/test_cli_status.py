# SPDX-License-Identifier: Apache-2.0
"""``trustacks status`` says what expires when, and what should have been renewed."""

from datetime import timedelta

from bundle.tuf.roles import TERMS, RoleTerm
from trustacks import lives


def test_every_role_has_its_seconds_and_nobody_is_warned(alice):
    shown = alice.must("status", "--json")
    found = shown.value["lives"]
    assert set(TERMS) <= found.keys()
    day = timedelta(days=1).total_seconds()
    assert day / 2 < found["timestamp"]["seconds"] <= day
    assert not any(life["due"] for life in found.values())
    assert "half of its life" not in shown.err
    assert f"until {found['root']['expires']}" in alice.must("status").out


def test_a_role_past_half_of_its_life_is_a_warning_that_says_who_renews_it(
    alice, monkeypatch
):
    older = {**TERMS, "timestamp": RoleTerm(timedelta(days=3), "")}
    monkeypatch.setattr(lives, "TERMS", older)
    shown = alice.must("status", "--json")
    assert shown.value["lives"]["timestamp"]["due"]
    (line,) = [x for x in shown.err.splitlines() if "half of its life" in x]
    assert "timestamp" in line
    assert "refresh job" in shown.err
