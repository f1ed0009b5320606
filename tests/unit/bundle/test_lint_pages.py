# SPDX-License-Identifier: Apache-2.0
"""Every finding has a page, and every page a finding."""

import re
from pathlib import Path

from bundle.rego import errors
from bundle.rego.errors import EvaluationError, RegoParseError
from bundle.rego.reader import UnknownSyntaxError

ROOT = Path(__file__).parents[3]
SOURCES = [ROOT / "bundle/confine.py", ROOT / "bundle/rule.py"]
SOURCES += [ROOT / "trustacks/rule_signature.py"]
SOURCES += [
    *(ROOT / "bundle/lint").rglob("*.py"),
    *(ROOT / "bundle/rego").rglob("*.py"),
    *(ROOT / "trustacks/drafting").rglob("*.py"),
    *(ROOT / "trustacks/review").rglob("*.py"),
]
CALL = re.compile(
    r'(?:[Ff]inding|_error)\(\s*(?:subject,|syntax,|layer,)?\s*"([a-z-]+)"'
)
RETURNED = re.compile(
    r'"(rule-id-[a-z]+|package-duplicate|metadata-field|citation-field)"'
)


def codes():
    found = {"case-file-format", RegoParseError.code, UnknownSyntaxError.code}
    found |= {"metadata-field", "citation-field"}
    found |= {f"change-{verdict}" for verdict in ("looser", "incomparable", "unknown")}
    for value in vars(errors).values():
        if isinstance(value, type) and issubclass(
            value, RegoParseError | EvaluationError
        ):
            found.add(value.code)
    for path in SOURCES:
        text = path.read_text()
        found |= set(CALL.findall(text)) | set(RETURNED.findall(text))
    # an environment's fault, not a finding
    return found - {"engine-unavailable", "opa-unsuitable"}


def pages():
    return {path.stem for path in (ROOT / "docs/rules").glob("*.md")} - {"index"}


def test_every_code_has_a_page():
    assert codes() - pages() == set()


def test_every_page_is_of_a_code():
    assert pages() - codes() == set()


def test_every_page_says_its_code_and_severity():
    for path in (ROOT / "docs/rules").glob("*.md"):
        text = path.read_text()
        if path.stem != "index":
            assert text.startswith(f"# {path.stem}\n\nSeverity: ")
            assert f"({path.name})" in (ROOT / "docs/rules/index.md").read_text()
