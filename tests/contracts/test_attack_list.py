# SPDX-License-Identifier: Apache-2.0
"""``make attacks`` names attacks of the list, tests that exist and codes of ours."""

import ast
from pathlib import Path

import pytest

from deploy.attacks import ALSO, NOTES, table
from tests.attacks.test_trust_attacks import ATTACKS, LIST
from tests.contracts.test_threat_model import codes
from tests.simulators.thief import MIRROR, PLANE

ATTACK_TESTS = Path(__file__).parents[1] / "attacks"


@pytest.mark.parametrize("name", LIST)
def test_every_attack_is_tried_by_a_mirror_and_by_a_control_plane(name):
    assert {MIRROR, PLANE} <= {one.by for one in ATTACKS if one.name == name}


def test_nothing_is_tried_that_the_list_does_not_name():
    assert {one.name for one in ATTACKS} == set(LIST)
    assert ALSO.keys() | NOTES.keys() <= set(LIST)


@pytest.mark.parametrize("named", [test for tests in ALSO.values() for test in tests])
def test_every_other_test_exists(named):
    file, _, function = named.partition("::")
    tree = ast.parse((ATTACK_TESTS / file).read_text())
    assert function in {n.name for n in ast.walk(tree) if hasattr(n, "name")}


def test_every_code_is_one_of_ours():
    assert {code for one in ATTACKS for code in (one.code, one.fresh)} <= codes()


def test_the_table_has_a_line_for_each_way():
    assert table().count("\n") == len(ATTACKS) + 1
