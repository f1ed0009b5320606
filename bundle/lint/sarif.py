# SPDX-License-Identifier: Apache-2.0
"""Findings as SARIF 2.1.0, the form that code scanning services read.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/. Paths are relative to the top of the
repository (``%SRCROOT%``), so the file says nothing of the machine that wrote it. A
fingerprint covers what was found and in which file, never the line: a finding stays
the same one when lines above it come or go.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from bundle.finding import Finding
from bundle.lint.pages import ADDRESS, read_pages
from bundle.lint.report import LINTER_VERSION
from keys import __version__
from keys.digest import Digest
from keys.strict import dumps_json

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# As many as code scanning shows of one run; errors are kept first.
MAX_RESULTS: Final = 5_000
_BASE: Final = "%SRCROOT%"
_LEVELS: Final[Mapping[str, str]] = {
    "error": "error",
    "warning": "warning",
    "hint": "note",
}


def to_sarif(findings: Iterable[Finding], *, root: Path | str) -> dict[str, Any]:
    """Return findings as a SARIF log with one run.

    Args:
        findings: In any order.
        root: The top of the repository that their paths lie in.
    """
    found = sorted(set(findings), key=_order)
    kept = sorted(found, key=lambda f: list(_LEVELS).index(f.severity))[:MAX_RESULTS]
    kept.sort(key=_order)
    codes = sorted({finding.code for finding in kept})
    top = Path(root).resolve()
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(codes)},
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {
                    _BASE: {"description": {"text": "The top of the repository."}}
                },
                "invocations": [_invocation(len(found) - len(kept))],
                "results": _results(kept, codes, top),
            }
        ],
    }


def _order(finding: Finding) -> tuple[str, int, int, str, str]:
    place = (finding.path, finding.line, finding.column)
    return (*place, finding.code, finding.message)


def _driver(codes: Sequence[str]) -> dict[str, Any]:
    return {
        "name": "trustacks",
        "version": __version__,
        "semanticVersion": __version__,
        "informationUri": "https://trustacks.com/",
        "rules": [_rule(code) for code in codes],
        "properties": {"linter_version": LINTER_VERSION},
    }


def _rule(code: str) -> dict[str, Any]:
    rule = {"id": code, "helpUri": f"{ADDRESS}{code}"}
    page = read_pages().get(code)
    if page is None:
        return rule
    return {
        **rule,
        "shortDescription": {"text": f"{page.title}."},
        "help": {"text": page.prose, "markdown": page.prose},
        "defaultConfiguration": {"level": _LEVELS[page.severity]},
    }


def _invocation(left_out: int) -> dict[str, Any]:
    said = {"level": "warning", "message": {"text": f"{left_out} findings more"}}
    notes = [said] if left_out else []
    return {"executionSuccessful": True, "toolExecutionNotifications": notes}


def _results(
    findings: Sequence[Finding], codes: Sequence[str], top: Path
) -> list[dict[str, Any]]:
    seen: Counter[str] = Counter()
    results = []
    for finding in findings:
        location = _location(finding.path, top)
        what = [finding.code, location["uri"], _plain(finding.message)]
        mark = Digest.of(dumps_json(what)).hex[:32]
        seen[mark] += 1
        results.append(
            {
                "ruleId": finding.code,
                "ruleIndex": codes.index(finding.code),
                "level": _LEVELS[finding.severity],
                "message": {"text": f"{_plain(finding.message)}\n{_fix(finding)}"},
                "locations": [{"physicalLocation": _physical(finding, location)}],
                "partialFingerprints": {
                    # The one that code scanning tells findings apart by.
                    "primaryLocationLineHash": f"{mark}:{seen[mark]}"
                },
            }
        )
    return results


def _physical(finding: Finding, location: dict[str, Any]) -> dict[str, Any]:
    region = {
        "startLine": max(finding.line, 1),
        "startColumn": max(finding.column, 1),
    }
    return {"artifactLocation": location, "region": region}


def _location(path: str, top: Path) -> dict[str, str]:
    placed = Path(path)
    # The folder is resolved and the file is not: a link is where it lies.
    placed = placed.parent.resolve() / placed.name
    if not placed.is_relative_to(top):
        return {"uri": placed.as_uri()}
    uri = quote(os.fsencode(placed.relative_to(top).as_posix()))
    return {"uri": uri, "uriBaseId": _BASE}


def _fix(finding: Finding) -> str:
    return f"fix: {_plain(finding.fix)}"


def _plain(text: str) -> str:
    """Return text that no reader takes for a link, or writes over a line with.

    In SARIF ``[words](place)`` is a link even in plain text, and messages quote files
    of others.
    """
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return shown.replace("](", "] (")
