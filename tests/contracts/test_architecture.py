# SPDX-License-Identifier: Apache-2.0
"""The list of symbols in the architecture page is true."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = re.findall(
    r"^\| (.*?) \| `([a-z_/]+\.py)` \|$",
    (ROOT / "docs/architecture.md").read_text(),
    re.MULTILINE,
)


def test_there_is_a_list():
    assert len(ROWS) > 40


@pytest.mark.parametrize(("said", "file"), ROWS)
def test_a_symbol_is_where_the_page_says(said, file):
    source = (ROOT / file).read_text()
    for name in re.findall(r"`(\w+)`", said):
        defined = rf"^(class|def) {name}\b|^{name}\b.*=|^from .* import .*\b{name}\b|\b{name},?$"
        assert re.search(defined, source, re.MULTILINE), name
