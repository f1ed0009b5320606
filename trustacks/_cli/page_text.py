# SPDX-License-Identifier: Apache-2.0
"""Lays out a page of our documentation for a terminal.

Our pages are headings, paragraphs, lists and fenced code; what is not known stays as
it was written.
"""

import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Final

Style = Callable[[str, str], str]

_LINK: Final = re.compile(r"\[([^\]\n]+)\]\([^)\s]+\)")
_FENCE: Final = "```"


def page_text(text: str, *, width: int, style: Style) -> str:
    """Return a page as lines of at most ``width`` columns; code is never broken.

    Args:
        text: Markdown.
        width: In columns.
        style: ``style(text, name)``, of the terminal.
    """
    return "\n\n".join(_laid_out(block, width, style) for block in _blocks(text))


def _blocks(text: str) -> Iterator[list[str]]:
    """Yield paragraphs, headings and whole code blocks, as lines."""
    block: list[str] = []
    for line in text.splitlines():
        in_code = bool(block) and block[0].startswith(_FENCE)
        ends = in_code and line.startswith(_FENCE)
        if in_code or line.strip():
            block.append(line)
        if block and (ends or not (in_code or line.strip())):
            yield block
            block = []
    if block:
        yield block


def _laid_out(block: list[str], width: int, style: Style) -> str:
    first = block[0]
    if first.startswith(_FENCE):
        code = (line for line in block[1:] if not line.startswith(_FENCE))
        return "\n".join(f"    {line}".rstrip() for line in code)
    if first.startswith("#"):
        return style(first.lstrip("# "), "bold")
    if first.startswith(("|", "- ")):
        return "\n".join(_LINK.sub(r"\1", line) for line in block)
    return textwrap.fill(
        _LINK.sub(r"\1", " ".join(block)),
        width,
        break_long_words=False,
        break_on_hyphens=False,
    )
