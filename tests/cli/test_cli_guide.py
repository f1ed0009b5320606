# SPDX-License-Identifier: Apache-2.0
"""docs/guides/cli.md names every command and variable, and no other."""

import re

from tests.simulators.plane import ROOT
from trustacks._cli import environment
from trustacks._cli.table import COMMANDS

GUIDE = (ROOT / "docs" / "guides" / "cli.md").read_text()


def walk(table, path=("trustacks",)):
    for name, (place, _) in table.items():
        if isinstance(place, str):
            yield " ".join((*path, name))
        else:
            yield from walk(place, (*path, name))


def test_the_guide_names_every_command_once_and_no_other():
    named = re.findall(r"^\| `(trustacks [a-z -]+)` \|", GUIDE, re.MULTILINE)
    assert sorted(named) == sorted(walk(COMMANDS))


def test_the_guide_names_every_variable():
    said = set(re.findall(r"``([A-Z_]+)(?:=1)?``", environment.__doc__))
    assert said == set(re.findall(r"^\| `([A-Z_]+)` \|", GUIDE, re.MULTILINE))
