# SPDX-License-Identifier: Apache-2.0
"""The README's embedding is at most ten lines, and is run as it stands there."""

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def embedding() -> str:
    block = re.search(
        r"^```python\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE
    )
    assert block
    return block[1]


def test_it_takes_ten_lines():
    lines = [line for line in embedding().splitlines() if line.strip()]
    assert len(lines) <= 10
