# SPDX-License-Identifier: Apache-2.0
"""The page of each finding's code, as it is in the documentation.

The wheel carries the pages in this package (``pyproject.toml`` puts them there); in a
source tree they are read where they are written, in ``docs/rules``.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

# The page's address; it is in the SARIF that others keep.
ADDRESS: Final = "https://trustacks.com/rules/"
_SUFFIX: Final = ".md"
_SEVERITY: Final = re.compile(r"Severity: (error|warning|hint)\.")
_LINK: Final = re.compile(r"\[([^\]\n]+)\]\([^)\s]+\)")
_SENTENCE: Final = re.compile(r"[.:;](?:\s|$)")


@dataclass(frozen=True, slots=True)
class Page:
    """What a finding's code means.

    Attributes:
        code: Stable.
        severity: ``error``, ``warning`` or ``hint``.
        title: The first sentence.
        text: The whole page, Markdown.
    """

    code: str
    severity: str
    title: str
    text: str

    @property
    def prose(self) -> str:
        """The page without links, which lead nowhere outside the documentation."""
        return _LINK.sub(r"\1", self.text)

    @property
    def address(self) -> str:
        """Where the page is published."""
        return f"{ADDRESS}{self.code}"

    def to_json(self) -> dict[str, Any]:
        """Return the page as ``--json`` shows it."""
        return {
            "code": self.code,
            "title": self.title,
            "severity": self.severity,
            "address": self.address,
            "text": self.text,
        }


@cache
def read_pages() -> dict[str, Page]:
    """Return every page by its code, in the order of the codes."""
    found = (path for path in _folder().iterdir() if path.name.endswith(_SUFFIX))
    pages = (_page(path) for path in found if path.name != f"index{_SUFFIX}")
    return {page.code: page for page in sorted(pages, key=lambda page: page.code)}


def _folder() -> Traversable:
    installed = files("bundle.lint") / "rule_pages"
    if installed.is_dir():
        return installed
    return Path(__file__).parents[2] / "docs" / "rules"


def _page(path: Traversable) -> Page:
    text = path.read_text(encoding="utf-8")
    said = _SEVERITY.search(text)
    body = text.split("\n\n")[2:] or [""]
    title = _SENTENCE.split(_LINK.sub(r"\1", " ".join(body[0].split())))[0]
    severity = said[1] if said else "error"
    return Page(path.name.removesuffix(_SUFFIX), severity, title, text)
