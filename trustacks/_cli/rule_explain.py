# SPDX-License-Identifier: Apache-2.0
"""``trustacks rule explain``: what a finding's code means, and what to write instead.

On a terminal the page is laid out; into a pipe it goes as it is in the documentation.
"""

import difflib
import shutil
import textwrap
from typing import Final

import click

from bundle.lint.pages import Page, read_pages
from trustacks._cli.lazy import command
from trustacks._cli.output import Output, columns
from trustacks._cli.page_text import page_text
from trustacks._cli.session import Session
from trustacks.errors import UnknownCodeError

# Prose is read no wider than this, however wide the terminal is (columns).
_WIDEST: Final = 80


@command("explain")
@click.argument("code", required=False)
def explain(session: Session, *, code: str | None) -> None:
    """Explain CODE, the code of a finding, or list all codes."""
    output = session.output
    if code is None:
        pages = list(read_pages().values())
        value = {"codes": [_listed(page) for page in pages]}
        output.result(value, lambda: _list_text(pages, output))
        return
    page = find_page(code)
    output.result(page.to_json(), lambda: _page_text(page, output))


def find_page(code: str) -> Page:
    """Return the page of a code.

    Raises:
        UnknownCodeError: There is none; the hint names those that look like it.
    """
    pages = read_pages()
    if code in pages:
        return pages[code]
    close = difflib.get_close_matches(code, pages, n=3)
    raise UnknownCodeError(
        f"expected the code of a finding, got {code[:80]!r}",
        hint=f"one of {', '.join(close)}" if close else "trustacks rule explain",
        close=close,
    )


def _listed(page: Page) -> dict[str, str]:
    return {"code": page.code, "severity": page.severity, "title": page.title}


def _page_text(page: Page, output: Output) -> str:
    if not output.stdout.isatty():
        return page.text
    return page_text(page.text, width=_width(), style=output.style)


def _list_text(pages: list[Page], output: Output) -> str:
    rows = [(page.code, page.severity, page.title) for page in pages]
    if not output.stdout.isatty():
        return columns(rows)
    margin = max(len(code) for code, _, _ in rows) + 2
    return "\n".join(
        output.style(code, "bold") + _hanging(title, margin)[len(code) :]
        for code, _, title in rows
    )


def _hanging(text: str, margin: int) -> str:
    space = " " * margin
    return textwrap.fill(text, _width(), initial_indent=space, subsequent_indent=space)


def _width() -> int:
    return min(shutil.get_terminal_size().columns, _WIDEST)
