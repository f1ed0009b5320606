# SPDX-License-Identifier: Apache-2.0
"""The rules of the terminal.

- Results go to stdout. Everything else goes to stderr as ``trustacks: ...``, lower
  case, no full stop; an error ends in its code: ``trustacks: expected ... [code]``.
- What to try next is a line of its own: ``trustacks: hint: ...``.
- ``--json`` on every command prints the value that the API returns, one document; a
  refusal without a result prints ``{code, message, hint, evidence}``.
- Exit 0 accepted, 1 refused, 2 misuse, 3 environment: a script can tell "bad" from
  "could not look".
- Colour and progress bars only on a terminal, and no colour with NO_COLOR.
- Never a traceback; never a partial output file. Secrets come from a file or a
  prompt, never from an argument, and are never printed, a new token once excepted.

Nothing here decides anything; rich is imported only when a bar is drawn.
"""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

from keys.strict import dumps_json

_STYLES = {"good": "32", "bad": "31", "dim": "2", "bold": "1"}
_LAID_OUT = str.maketrans("", "", "\n\t")
_OUR_STYLE = re.compile(r"(\x1b\[(?:0|1|2|31|32)m)")


@dataclass
class Output:
    """Where a command writes.

    Attributes:
        stdout: For results.
        stderr: For everything else.
        color: Whether stdout takes colour.
        as_json: Whether results are JSON; set by ``--json``.
        printed: Whether a result was written.
    """

    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    color: bool = False
    as_json: bool = False
    printed: bool = False

    def result(self, value: Any, text: str | Callable[[], str]) -> None:
        """Print a result: ``value`` as JSON with ``--json``, else ``text``."""
        if self.as_json:
            line = dumps_json(value).decode()
        else:
            line = self._fenced(text if isinstance(text, str) else text())
        self.printed = True
        self.stdout.write(line.rstrip("\n") + "\n")
        self.stdout.flush()

    def _fenced(self, text: str) -> str:
        """Return ``text`` with no escape sequence in it but our own styles."""
        kept = _OUR_STYLE.split(text) if self.color else [text]
        return "".join(p if _OUR_STYLE.fullmatch(p) else printable(p) for p in kept)

    def say(self, message: str) -> None:
        """Tell the person something that is not the result."""
        for line in printable(message).splitlines():
            self.stderr.write(f"trustacks: {line}\n")
        self.stderr.flush()

    def hint(self, message: str) -> None:
        """Tell the person what to try."""
        self.say(f"hint: {message}")

    def style(self, text: str, name: str) -> str:
        """Return ``text`` in a style, if stdout takes colour."""
        return f"\x1b[{_STYLES[name]}m{text}\x1b[0m" if self.color else text

    @contextmanager
    def progress(self, doing: str) -> Iterator[Callable[[int, int], None]]:
        """Show how far a long step is; draws only on a terminal.

        Yields:
            ``step(done, total)``.
        """
        if self.as_json or not self.stderr.isatty():
            yield lambda _done, _total: None
            return
        from rich.console import Console  # noqa: PLC0415 - only where a bar is drawn
        from rich.progress import Progress  # noqa: PLC0415 - only where a bar is drawn

        console = Console(file=self.stderr)
        with Progress(console=console, transient=True) as bar:
            task = bar.add_task(doing, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)


def open_output(*, no_color: bool) -> Output:
    """Return the output of this process."""
    return Output(color=sys.stdout.isatty() and not no_color)


def printable(text: str) -> str:
    """Return ``text`` with control characters made visible.

    Names and messages come from files and servers of others; an escape sequence in
    one of them must not move the cursor over what we printed before.
    """
    if text.translate(_LAID_OUT).isprintable():  # nearly every text is
        return text
    return "".join(
        c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in text
    )


def one_line(text: str) -> str:
    """Return ``text`` as it can stand in a line of ours without ending it.

    A CI reads commands from lines that begin in its own way, and people read a verdict
    from a line: a text that others wrote must not begin one.
    """
    return printable(" ".join(text.split()))


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Lay rows out in columns as wide as their widest cell."""
    if not rows:
        return ""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def pairs(values: Sequence[tuple[str, str]]) -> str:
    """Lay out names and values, one pair a line."""
    return columns([(f"{name}:", value) for name, value in values])
