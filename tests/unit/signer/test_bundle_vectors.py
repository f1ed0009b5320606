# SPDX-License-Identifier: Apache-2.0
"""The vectors that other implementations run: each is answered as its file says."""

import pytest

from tests.simulators.bundle_cases import CASES
from tests.simulators.vectors import FOLDER, FORMAT, judge, read

FILES = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_vector_is_answered_as_it_says(path):
    vector = read(path)

    result = judge(vector).result

    assert (vector["format"], vector["name"]) == (FORMAT, path.stem)
    assert result.code == vector["expected"]
    failure = result.first_failure
    assert (failure.id if failure else None) == vector["step"]


def test_there_is_one_file_for_each_case_and_it_says_the_same():
    written = {path.stem: read(path) for path in FILES}

    assert {
        case.name: (case.code, case.step, case.about) for case in CASES
    } == {
        name: (vector["expected"], vector["step"], vector["about"])
        for name, vector in written.items()
    }  # fmt: skip


def test_the_readme_names_every_field_and_every_code():
    text = (FOLDER / "README.md").read_text()
    vectors = [read(path) for path in FILES]

    fields = {f"`{name}`" for vector in vectors for name in vector}
    codes = {f"`{v['expected']}`" for v in vectors if v["expected"]}

    assert {word for word in fields | codes if word not in text} == set()
