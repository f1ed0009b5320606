# SPDX-License-Identifier: Apache-2.0
"""The pages of the findings are in the wheel, and say what the documentation says."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bundle.lint.pages import ADDRESS, read_pages

ROOT = Path(__file__).parents[3]
WRITTEN = {p.stem: p for p in (ROOT / "docs/rules").glob("*.md") if p.stem != "index"}
ASK = """
import sys
sys.path[:0] = [sys.argv[1]]
from bundle.lint import pages
assert pages.__file__.startswith(sys.argv[1]), pages.__file__
print(*pages.read_pages())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d"]
    subprocess.run([*words, str(folder)], cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_every_written_page_is_read_in_order():
    assert list(read_pages()) == sorted(WRITTEN)
    for code, page in read_pages().items():
        assert page.text == WRITTEN[code].read_text()
        assert page.address == f"{ADDRESS}{code}"


def test_severity_is_that_of_the_index_and_a_title_is_one_plain_sentence():
    index = (ROOT / "docs/rules/index.md").read_text()
    rows = re.findall(r"^\| \[([a-z-]+)\]\(\S+\) \| (\w+) \|", index, re.MULTILINE)
    assert dict(rows) == {code: page.severity for code, page in read_pages().items()}
    for page in read_pages().values():
        assert page.title
        assert "](" not in page.title
        assert "\n" not in page.title


def test_the_wheel_holds_every_page(wheel):
    held = {
        Path(name).stem
        for name in zipfile.ZipFile(wheel).namelist()
        if name.startswith("bundle/lint/rule_pages/")
    }
    assert held == {*WRITTEN, "index"}


def test_an_installed_wheel_reads_its_own_pages(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    asked = [sys.executable, "-c", ASK, str(tmp_path / "site")]
    done = subprocess.run(
        asked, cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == sorted(WRITTEN)
