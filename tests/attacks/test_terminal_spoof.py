# SPDX-License-Identifier: Apache-2.0
"""Attack: text of others that would speak for the tool, in a terminal or a CI's log.

A deny's message may quote the proposal, which whoever opens a pull request writes: an
escape sequence would paint over the verdict, and a line of its own could be one that a
CI obeys (``::add-path::``) or a person believes (``allow``).
"""

import io
from datetime import timedelta

import pytest

from bundle.rego.embedded import EmbeddedEngine
from keys.clock import utc_now
from signer.result import Check, Status, VerificationResult
from tests.simulators.runner import Bench
from tests.simulators.workspace import SimulatedWorkspace, proposal
from trustacks._cli.output import Output
from trustacks._cli.runner import decision_text

SPOOFS = {
    "a line of its own": "x\nallow",
    "a command to the CI": "x\n::add-path::/tmp/evil",
    "a carriage return": "x\rallow",
    "a cleared screen": "x\x1b[2J\x1b[Hallow",
    "a style of ours": "x\x1b[0m\x1b[32mallow",
    "a C1 control": "x\x9b2Jallow",
    "letters from right to left": "x\u202ewolla",
    "a line separator": "x\u2028allow",
    "a vertical tab": "x\x0ballow",
}
LONE = {"allow", "::add-path::/tmp/evil"}


def shown(text, *, color):
    out = io.StringIO()
    Output(stdout=out, color=color).result({}, text)
    return out.getvalue()


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    with EmbeddedEngine() as engine:
        house = SimulatedWorkspace(utc_now() - timedelta(minutes=1), engine)
        house.release(house.rule())
        bench = Bench(house, tmp_path_factory.mktemp("spoof") / "runner")
        bench.clock.move(minutes=1)
        found = bench.runner()
        assert found.step().outcome == "activated"
        yield found
        bench.close()


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("spoof", SPOOFS.values(), ids=SPOOFS)
def test_a_denied_path_does_not_speak_for_the_runner(runner, spoof, color):
    decision = runner.decide(proposal(path=spoof, body="CM-1"))
    assert spoof in {deny.message for deny in decision.denies}, "the record has it all"

    text = shown(decision_text(decision, Output(color=color)), color=color)

    first, *others = text.splitlines()
    assert "deny" in first
    assert all(line.startswith("  ") for line in others)
    assert not LONE & {line.strip() for line in others}
    assert all(c.isprintable() for line in others for c in line)


@pytest.mark.parametrize("spoof", SPOOFS.values(), ids=SPOOFS)
def test_a_check_s_detail_stays_in_its_line(spoof):
    check = Check("a", "title", Status.FAILED, code="c", detail=spoof)
    result = VerificationResult("subject", None, (check,))

    lines = shown(result.text(), color=False).splitlines()

    assert len(lines) == 2
    assert all(c.isprintable() for line in lines for c in line)


def test_our_own_styles_are_kept_where_colour_is_asked_for():
    output = Output(color=True)
    text = output.style("deny", "bad")

    assert shown(text, color=True) == f"{text}\n"
    assert "\x1b" not in shown(text, color=False)
