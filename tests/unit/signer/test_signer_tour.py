# SPDX-License-Identifier: Apache-2.0
"""The examples in the docstrings run, and the tour names every room."""

import doctest
import subprocess
import sys
from pathlib import Path

import pytest

import keys.fields
import signer
import signer.steps

SIGNER = Path(signer.__file__).parent


@pytest.mark.parametrize("module", [signer, signer.steps, keys.fields])
def test_the_examples_of_a_docstring_run(module):
    failed, tried = doctest.testmod(module)

    assert (failed, tried > 0) == (0, True)


def test_the_tour_names_what_there_is():
    helpers = {"pins", "revocation", "trusted_parts", "trusted_read", "verify_key"}
    helpers |= {"material", "bundle_evidence", "trust_laws", "__init__"}
    rooms = {path.stem for path in SIGNER.glob("*.py")} - helpers
    rooms |= {
        f"{path.name}/" for path in SIGNER.iterdir() if (path / "__init__.py").exists()
    }

    assert {room for room in rooms if room not in signer.__doc__} == set()


def test_reading_the_form_loads_no_cryptography():
    program = "import sys, signer.form; print('cryptography' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=SIGNER.parent,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "False\n"
