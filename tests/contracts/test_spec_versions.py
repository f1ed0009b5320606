# SPDX-License-Identifier: Apache-2.0
"""A citation names a standard that docs/spec-versions.md lists, in the listed form."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("keys", "signer", "bundle", "control_plane", "trustacks")
PAGE = (ROOT / "docs" / "spec-versions.md").read_text()
# What a citation looks like; prose such as "C2SP notes" is none.
FORMS = re.compile(
    r"RFC \d+|C2SP [a-z]+-[a-z-]+|TUF \d[\d.]*\d|DSSE \d[\d.]*\d"
    r"|in-toto attestation v\d|POSIX\.1-\d{4}|SEC \d\b|FIPS \d+-\d"
    r"|fulcio [a-z]+-[a-z]+|Sigstore client specification|protobuf-specs|OPA \d[\d.]*\d"
    r"|in-toto specification v\d\.\d|in-toto test-result v\d|in-toto svr v\d|SLSA v\d\.\d"
    r"|PKCS #\d+ v\d[\d.]*\d|JSON Schema \d{4}-\d{2}"
)
ROW = re.compile(
    r"^\| `([^`]+)` \|([^|]*)\|([^|]*)\| <(https://[^>]+)> \|", re.MULTILINE
)
SOURCES = sorted(p for name in PACKAGES for p in (ROOT / name).rglob("*.py"))


def rows() -> list[tuple[str, str, str, str]]:
    return [(m[1], m[2].strip(), m[3].strip(), m[4]) for m in ROW.finditer(PAGE)]


LISTED = {name for name, *_ in rows()}


def citations(path: Path) -> set[str]:
    # A citation may be wrapped: in a comment, or in a docstring.
    text = re.sub(r"\s*\n\s*(#\s*)?", " ", path.read_text())
    return {m.group() for m in FORMS.finditer(text)}


def test_every_row_of_a_standard_was_read():
    assert len(rows()) == PAGE.count("\n| `")


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_row_has_a_form_a_date_and_the_standard_s_own_address(row):
    name, _, date, _ = row
    assert FORMS.fullmatch(name)
    assert re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", date)


def test_a_standard_is_listed_once():
    names = [name for name, *_ in rows()]
    assert len(set(names)) == len(names)


def test_every_citation_names_a_listed_standard():
    unlisted = {
        str(path.relative_to(ROOT)): unknown
        for path in SOURCES
        if (unknown := citations(path) - LISTED)
    }
    assert unlisted == {}


def test_a_citation_in_another_form_would_be_found(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("# TUF 1.0.2 and RFC\n#  99999\n")
    assert citations(wrong) - LISTED == {"TUF 1.0.2", "RFC 99999"}
