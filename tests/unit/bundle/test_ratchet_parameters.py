# SPDX-License-Identifier: Apache-2.0
import pytest

pytest.importorskip("z3", reason="SKIPPED: the extra prove is not installed")

from bundle.ratchet.child import Prover
from bundle.ratchet.errors import ParameterDeclarationError, ParameterValueError
from bundle.ratchet.parameters import (
    check_parameters,
    prove_monotone,
    read_parameters,
)
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import Module

HEADER = """# METADATA
# custom:
#   params:
#     min_approvals:
#       type: int
#       direction: {direction}
#       default: "2"
#       min: "1"
#       max: "10"
#     strict:
#       type: bool
#       direction: "true"
#       default: "false"
#     labels:
#       type: set
#       direction: superset
#       default: [skip-ci]
#     window:
#       type: window
#       direction: inside
#       default: "22:00-02:00"
package proposal

import rego.v1

"""


@pytest.fixture(scope="module")
def engine():
    with EmbeddedEngine() as engine:
        yield engine


@pytest.fixture(scope="module")
def prover():
    with Prover() as prover:
        yield prover


def parent(body, direction="up"):
    text = HEADER.format(direction=direction)
    return Module("parent.rego", f'{text}deny contains "m" if {{\n\t{body}\n}}\n')


@pytest.fixture
def declared(engine):
    return read_parameters([parent("input.a")], engine=engine)


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"min_approvals": 2},
        {"min_approvals": 10},
        {"strict": True},
        {"labels": ["skip-ci", "force"]},
        {"window": "22:00-02:00"},
        {"window": "23:00-01:00"},
    ],
    ids=str,
)
def test_a_value_at_least_as_strict_is_accepted(declared, chosen):
    assert check_parameters(declared, chosen) == {
        "min_approvals": 2,
        "strict": False,
        "labels": ("skip-ci",),
        "window": "22:00-02:00",
        **chosen,
    }


@pytest.mark.parametrize(
    "chosen",
    [
        {"min_approvals": 1},
        {"min_approvals": 11},
        {"min_approvals": True},
        {"min_approvals": "3"},
        {"min_approvals": 2.5},
        {"strict": 1},
        {"labels": ["force"]},
        {"labels": ["skip-ci", "skip-ci"]},
        {"labels": "skip-ci"},
        {"window": "21:59-02:00"},
        {"window": "22:00-02:01"},
        {"window": "22:00-22:00"},
        {"window": "late"},
        {"unheard_of": 1},
    ],
    ids=str,
)
def test_a_looser_or_ill_typed_value_is_refused(declared, chosen):
    with pytest.raises(ParameterValueError) as refused:
        check_parameters(declared, chosen)
    assert refused.value.code == "parameter-value"


@pytest.mark.parametrize(
    ("body", "direction", "holds"),
    [
        ("count(input.approvals) < data.proposal.params.min_approvals", "up", True),
        ("count(input.approvals) < data.proposal.params.min_approvals", "down", None),
        ("input.size > data.proposal.params.min_approvals", "down", True),
        ("input.n == data.proposal.params.min_approvals", "up", None),
        (
            "not enough\n}\n\nenough if {\n\tcount(input.approvals) >= data.proposal.params.min_approvals",
            "up",
            True,
        ),
    ],
    ids=["below", "the other way", "above", "exactly", "in a helper"],
)
def test_a_parent_is_proved_monotone_or_not(engine, prover, body, direction, holds):
    module = parent(body, direction)
    declared = read_parameters([module], engine=engine)
    found = prove_monotone([module], declared[0], engine=engine, prover=prover)
    assert found.holds is holds, found


def test_a_switch_is_proved_monotone(engine, prover):
    module = parent("input.a\n\tdata.proposal.params.strict")
    declared = read_parameters([module], engine=engine)
    assert prove_monotone([module], declared[1], engine=engine, prover=prover).holds


def test_a_set_has_no_proof(engine, prover, declared):
    found = prove_monotone(
        [parent("input.a")], declared[2], engine=engine, prover=prover
    )
    assert found.holds is None


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("type: int", "type: float"),
        ("direction: up", "direction: sideways"),
        ('default: "2"', 'default: "two"'),
        ('default: "2"', 'default: "11"'),
        ('max: "10"', 'most: "10"'),
        ("min_approvals", "Min-Approvals"),
        ('default: "22:00-02:00"', 'default: "22-02"'),
    ],
    ids=lambda v: v,
)
def test_a_declaration_with_a_wrong_field_is_refused(engine, line, instead):
    module = parent("input.a")
    module = Module(module.path, module.source.replace(line, instead))
    with pytest.raises(ParameterDeclarationError):
        read_parameters([module], engine=engine)
