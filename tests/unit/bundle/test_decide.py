# SPDX-License-Identifier: Apache-2.0
"""Every layer and every rule answers for itself, and no answer is a deny."""

from datetime import UTC, datetime

import pytest

from bundle.decide import Stack, prepare_input, replay_input
from bundle.errors import EvaluatedAtRefusedError, InputFormatError, NoAnswerError
from bundle.layers import read_layer
from bundle.limits import MAX_DENIES, MAX_INPUT_BYTES, MAX_MESSAGE_CHARS
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import Module
from bundle.rego.limits import Limits
from bundle.rego.templates import library
from bundle.rule import RuleModule, read_rule
from keys.errors import JsonFormatError, LimitExceededError
from keys.strict import loads_json
from tests.simulators.workspace import (
    CONSTITUTION,
    PACK,
    TICKET,
    WINDOW,
    layer_archive,
    proposal,
    rule_text,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
BOMB = "count([z | x := numbers.range(1, 3000)[_]; y := numbers.range(1, 3000)[_]; z := x * y]) > 0"


@pytest.fixture(scope="module")
def engine():
    with EmbeddedEngine() as engine:
        yield engine


def layer(kind, name, **files):
    return read_layer(layer_archive(kind, name, "1.0.0", files))


@pytest.fixture(scope="module")
def constitution():
    files = {"proposal.rego": CONSTITUTION, "overlay_lib.rego": library().source}
    return layer("constitution", "constitution", **files)


@pytest.fixture(scope="module")
def pack():
    return layer("pack", "change-control", **{"pack.rego": PACK})


def rule(engine, text, rule_id=TICKET) -> RuleModule:
    """A rule that was not confined: what if confinement had a hole?"""
    module = Module(f"rules/{rule_id}/{rule_id}.rego", text)
    honest = read_rule(module, engine.parse(module))
    return RuleModule(module.path, text.encode(), honest.package, honest.metadata)


@pytest.fixture
def ask(engine, constitution, pack):
    def ask(value, *rules):
        stack = Stack(engine, constitution=constitution, packs=[pack], rules=rules)
        return stack.denies(prepare_input(value, at=NOW))

    return ask


def said(denies):
    return [(d.layer, d.rule_id, d.code) for d in denies]


def test_nothing_denies_what_no_rule_speaks_against(ask, engine):
    assert ask(proposal(body="CM-1"), rule(engine, rule_text())) == ()


def test_each_layer_denies_in_its_own_name_with_its_citation(ask, engine):
    denies = ask(proposal(path="etc/x", change_kind="bot"), rule(engine, rule_text()))
    assert said(denies) == [
        ("constitution", "proposal.allowed_paths", None),
        ("pack", "change_control.no_bots", None),
        ("overlay", TICKET, None),
    ]
    assert [d.citation["id"] for d in denies] == [
        "PATHS-001",
        "BOT-001",
        "CM-TICKET-REQUIRED-001",
    ]
    assert denies[0].message == "etc/x"


def test_a_rule_cannot_deny_in_another_s_name(ask, engine):
    text = rule_text().replace(f'{{"rule_id": "{TICKET}"', '{"rule_id": "proposal.x"')
    (deny,) = ask(proposal(), rule(engine, text))
    assert (deny.layer, deny.rule_id) == ("overlay", TICKET)


@pytest.mark.parametrize(
    "item", ['"text"', "7", "true", '{"message": 7}', '{"other": 1}', "null", "[1]"]
)
def test_whatever_a_rule_puts_into_deny_denies(ask, engine, item):
    text = rule_text().replace(f'{{"rule_id": "{TICKET}", "message": message}}', item)
    (deny,) = ask(proposal(), rule(engine, text))
    assert (deny.rule_id, deny.code) == (TICKET, None)


def test_an_error_of_one_rule_denies_and_takes_no_other_deny_away(ask, engine):
    broken = rule_text(WINDOW).replace(
        'target_tier == "prod"', "startswith(input.context.target, target_tier)"
    )
    denies = ask(
        proposal(path="etc/x"),
        rule(engine, rule_text()),
        rule(engine, broken, WINDOW),
    )
    assert said(denies) == [
        ("constitution", "proposal.allowed_paths", None),
        ("overlay", TICKET, None),
        ("overlay", WINDOW, "evaluation-error"),
    ]


def test_a_rule_without_deny_denies(ask, engine):
    text = rule_text().replace("deny contains", "denied contains")
    assert said(ask(proposal(body="CM-1"), rule(engine, text))) == [
        ("overlay", TICKET, "evaluation-error")
    ]


def test_a_rule_that_takes_the_engine_down_takes_no_other_rule_with_it(
    constitution, pack
):
    text = rule_text(WINDOW).replace('target_tier == "prod"', BOMB)
    with EmbeddedEngine(limits=Limits(evaluate_seconds=0.5)) as engine:
        stack = Stack(
            engine,
            constitution=constitution,
            packs=[pack],
            rules=[rule(engine, text, WINDOW), rule(engine, rule_text())],
        )
        denies = stack.denies(prepare_input(proposal(), at=NOW))
    assert [d.rule_id for d in denies] == [WINDOW, TICKET]
    assert denies[0].code in {"evaluation-timeout", "evaluation-memory"}
    assert denies[1].code is None


def test_an_overlay_cannot_change_what_the_constitution_says(ask, engine):
    """The hole of merged evaluation: a second body of a negated helper."""
    text = rule_text() + "\n"
    escape = RuleModule(
        "rules/x/x.rego",
        b"package proposal\n\nimport rego.v1\n\nallowed(path) if path\n",
        "overlay.acme_requires_change_ticket",
        rule(engine, text).metadata,
    )
    denies = ask(proposal(path="etc/x", body="CM-1"), escape)
    assert ("constitution", "proposal.allowed_paths", None) in said(denies)


def test_a_stack_that_does_not_answer_about_nothing_is_refused(
    engine, constitution, pack
):
    text = rule_text().replace(
        'target_tier == "prod"', "startswith(input, target_tier)"
    )
    stack = Stack(
        engine, constitution=constitution, packs=[pack], rules=[rule(engine, text)]
    )
    with pytest.raises(NoAnswerError) as caught:
        stack.require_answers(at=NOW)
    assert caught.value.evidence["rule_id"] == TICKET


# ------------------------------------------------------------------ the input


def test_the_instant_is_set_here_and_named_as_ours():
    document = prepare_input(proposal(), at=NOW)
    value = loads_json(document.data, max_bytes=10_000)
    assert value["context"]["evaluated_at"] == "2026-03-02T09:00:00Z"
    assert document.sources["context.evaluated_at"] == "runner"
    assert document.sources["context.target"] == "caller"
    assert set(document.sources.values()) == {"runner", "caller"}


def test_a_caller_s_instant_is_refused():
    with pytest.raises(EvaluatedAtRefusedError):
        prepare_input(proposal(evaluated_at="2026-03-02T09:00:00Z"), at=NOW)


def test_the_caller_s_own_object_is_not_changed():
    given = proposal()
    prepare_input(given, at=NOW)
    assert given == proposal()


BAD = {
    "not an object": ([], InputFormatError),
    "no context": ({"proposal": {"files": []}}, InputFormatError),
    "context of another kind": ({"proposal": {}, "context": 7}, InputFormatError),
    "an unknown field": (proposal(typo=1), InputFormatError),
    "not JSON": ({"proposal": object()}, InputFormatError),
    "a set": ({"proposal": {1}}, InputFormatError),
    "not a number": (proposal(service=float("nan")), InputFormatError),
    "half a surrogate pair": (
        proposal(body="\ud800"),
        (InputFormatError, JsonFormatError),
    ),
    "keys that are no strings": ({1: {}}, InputFormatError),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_proposal_is_refused_with_a_code(name):
    value, error = BAD[name]
    with pytest.raises(error):
        prepare_input(value, at=NOW)


def test_a_proposal_has_a_bound():
    room = MAX_INPUT_BYTES - len(prepare_input(proposal(), at=NOW).data) - 1000
    files = [{"path": "gitops/a", "content": "x" * room}]
    value = {**proposal(), "proposal": {"files": files}}
    assert prepare_input(value, at=NOW)
    files[0]["content"] += "x" * 2000
    with pytest.raises(LimitExceededError):
        prepare_input(value, at=NOW)


def test_a_recorded_input_is_read_again_for_its_own_instant_only():
    data = prepare_input(proposal(), at=NOW).data
    assert replay_input(data, at=NOW).data == data
    with pytest.raises(InputFormatError):
        replay_input(data, at=NOW.replace(hour=10))


# ------------------------------------------------------------------ bounds


def denying(engine, count, message="m"):
    text = rule_text().replace(
        f'deny contains {{"rule_id": "{TICKET}", "message": message}} if {{',
        'deny contains {"rule_id": "x", "message": sprintf("%s %d", [message, n])} if {\n'
        f"\tsome n in numbers.range(1, {count})",
    )
    text = text.replace("expected a change ticket like CM-1234", message)
    return rule(engine, text)


def test_reasons_are_bounded_and_the_rest_is_counted(ask, engine):
    assert len(ask(proposal(), denying(engine, MAX_DENIES))) == MAX_DENIES
    denies = ask(proposal(), denying(engine, MAX_DENIES + 1))
    assert len(denies) == MAX_DENIES + 1
    assert denies[-1].message == "and 1 more"
    assert denies[-1].code == "more"


def test_a_message_is_bounded(ask, engine):
    text = rule_text().replace(
        '"message": message}',
        '"message": concat("", [input.context.pull_request.title, message])}',
    )
    room = MAX_MESSAGE_CHARS - len(
        ask(proposal(), rule(engine, rule_text()))[0].message
    )
    titled = proposal()
    titled["context"]["pull_request"]["title"] = "x" * (room + 1)
    (cut,) = ask(titled, rule(engine, text))
    assert len(cut.message) == MAX_MESSAGE_CHARS
    assert cut.message.endswith("…")
    titled["context"]["pull_request"]["title"] = "x" * room
    (whole,) = ask(titled, rule(engine, text))
    assert len(whole.message) == MAX_MESSAGE_CHARS
    assert not whole.message.endswith("…")


@pytest.mark.parametrize(
    "item",
    [
        "{}",
        '{"rule_id": ""}',
        '{"rule_id": 7}',
        '{"rule_id": concat("", [s | numbers.range(1, 129)[_]; s := "x"])}',
    ],
)
def test_a_layer_s_deny_without_a_usable_id_carries_the_layer_s_name(engine, item):
    text = CONSTITUTION.replace(
        '{"rule_id": "proposal.allowed_paths", "message": path}', item
    )
    odd = layer("constitution", "constitution", **{"proposal.rego": text})
    stack = Stack(engine, constitution=odd, packs=[], rules=[])
    denies = stack.denies(prepare_input(proposal(path="etc/x"), at=NOW))
    assert denies
    assert {d.layer for d in denies} == {"constitution"}


def test_a_citation_that_no_record_can_hold_is_left_out(engine):
    text = CONSTITUTION.replace('"category": "scope",', '"category": "",')
    odd = layer("constitution", "constitution", **{"proposal.rego": text})
    stack = Stack(engine, constitution=odd, packs=[], rules=[])
    (deny,) = stack.denies(prepare_input(proposal(path="etc/x"), at=NOW))
    assert deny.citation is None
