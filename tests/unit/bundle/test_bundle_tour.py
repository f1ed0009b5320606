# SPDX-License-Identifier: Apache-2.0
"""The examples in the docstrings run, and the tours name every room."""

import doctest
from pathlib import Path

import pytest

import bundle
import bundle.storage
import bundle.tuf


@pytest.mark.parametrize("module", [bundle, bundle.storage])
def test_the_examples_of_a_docstring_run(module):
    failed, tried = doctest.testmod(module)

    assert (failed, tried > 0) == (0, True)


@pytest.mark.parametrize("package", [bundle, bundle.tuf])
def test_the_tour_names_what_there_is(package):
    folder = Path(package.__file__).parent
    rooms = {path.stem for path in folder.glob("*.py")} - {"__init__", "errors"}
    rooms |= {
        f"{path.name}/" for path in folder.iterdir() if (path / "__init__.py").exists()
    }

    assert {room for room in rooms if room not in package.__doc__} == set()
