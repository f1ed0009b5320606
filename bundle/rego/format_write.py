# SPDX-License-Identifier: Apache-2.0
"""Lay out a module: tabs by nesting, blanks as ``opa fmt`` sets them.

An author's line ends are kept where they say something: one element, one statement or
one ``with`` a line, and a blank line between paragraphs. Elsewhere they go.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from bundle.rego.format_parts import Part, cut, is_comment
from bundle.rego.format_tokens import Group, Item, Token, is_operand

_CLOSES: Final = {"(": ")", "[": "]", "{": "}"}


class Writer:
    """Text that grows, a level of nesting, and a comment that waits for a line end."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._level = 0
        self._waiting: list[str] = []

    def text(self) -> str:
        """Return what was written."""
        return "".join(self._text)

    def write(self, text: str) -> None:
        """Write within a line."""
        self._text.append(text)

    def line(self, more: int = 0) -> None:
        """End the line, and begin one with ``more`` levels of nesting."""
        self._level += more
        self._text += ["".join(f" {comment}" for comment in self._waiting), "\n"]
        self._waiting = []
        self._text.append("\t" * self._level)

    def blank(self) -> None:
        """Leave a blank line before the line that was begun."""
        self._text.insert(-1, "\n")

    def beside(self, comment: Token | None) -> None:
        """Keep a comment for the end of the line."""
        if comment is not None:
            self._waiting.append(comment.text)

    # -- terms

    def inline(self, items: Sequence[Item]) -> None:
        """Write terms and operators on one line, unless a comment ends it."""
        deeper = 0
        for index, item in enumerate(items):
            if index and _spaced(items, index):
                self.write(" ")
            if isinstance(item, Group):
                self.group(item)
            elif is_comment(item):
                self.beside(item)
                self.line(0 if deeper else 1)
                deeper = 1
            else:
                self.write(item.text)
        self._level -= deeper

    def group(self, group: Group) -> None:
        """Write a bracket and what is in it."""
        if group.name is not None:
            self.write(f".{group.name}")
            return
        self.write(group.open.text)
        bar = next((i for i, item in enumerate(group.items) if _is_bar(item)), None)
        if group.kind in ("body", "every"):
            self._body(group)
        elif bar is not None and group.kind in ("array", "braces"):
            self._comprehension(group, bar)
        elif group.kind in ("index", "head", "parens"):
            self.inline(group.items)
        else:
            self._elements(group)
        self.write(_CLOSES[group.open.text])

    def _elements(self, group: Group) -> None:
        parts = cut(group.items, at=",")
        rows = [part.row for part in parts if part.items]
        if group.kind != "call":
            rows.insert(0, group.row)
        commented = any(part.above or part.beside for part in parts)
        if not commented and all(row <= before for before, row in pairwise(rows)):
            for number, part in enumerate(parts):
                self.write(", " if number else "")
                self.inline(part.items)
            return
        self._rows(group, parts)

    def _rows(self, group: Group, parts: Sequence[Part]) -> None:
        """Write elements in lines, as many in each as the author did."""
        row = 0
        self._beside_open(group, parts)
        for number, part in enumerate(parts):
            ended = bool(parts[number - 1].beside) if number else True
            if number == 0 or ended or part.above or not part.items or part.row > row:
                self.line(1 if number == 0 else 0)
            else:
                self.write(" ")
            self.above(part)
            if part.items:
                self.inline(part.items)
                self.write(",")
                self.beside(part.beside)
                row = part.row
        self.line(-1)

    def _comprehension(self, group: Group, bar: int) -> None:
        head, parts = group.items[:bar], cut(group.items[bar + 1 :], at=";")
        named = any(isinstance(item, Token) and item.is_(":") for item in head)
        if head[0].row > group.row and not named:
            self.line()
        self.inline(head)
        self.write(" |")
        first = group.row if named else head[0].row
        rows = [first, *(part.row for part in parts if part.items)]
        commented = any(part.above or part.beside for part in parts)
        if commented or any(row > before for before, row in pairwise(rows)):
            self.line(1)
            self._statements(parts)
            self.line(-1)
            return
        for number, part in enumerate(parts):
            self.write("; " if number else " ")
            self.inline(part.items)

    # -- statements

    def _body(self, group: Group) -> None:
        parts = cut(group.items, at=";")
        if group.kind == "every" and _one_line(parts, group.since):
            self.write(" ")
            self.statement(parts[0].items)
            self.write(" ")
            return
        self._beside_open(group, parts)
        self.line(1)
        self._statements(parts)
        self.line(-1)

    def _statements(self, parts: Sequence[Part]) -> None:
        for number, part in enumerate(parts):
            if number:
                self.line()
                before = parts[number - 1].end_row
                if part.items and part.row > before + 1:
                    self.blank()
            self.above(part)
            if part.items:
                self.statement(part.items)
                self.beside(part.beside)

    def statement(self, items: Sequence[Item]) -> None:
        """Write a statement or rule; a ``with`` may begin a line of its own."""
        starts = [i for i, item in enumerate(items) if _is_with(item)]
        row = items[starts[0] - 1].end_row if starts else 0
        deeper = 0
        for begin, end in pairwise([0, *starts, len(items)]):
            if begin:
                if items[begin].row > row:
                    self.line(0 if deeper else 1)
                    deeper = 1
                else:
                    self.write(" ")
                row = items[begin].row
            self.inline(items[begin:end])
        self._level -= deeper

    # -- comments

    def _beside_open(self, group: Group, parts: Sequence[Part]) -> None:
        """Keep a comment behind the bracket that opens where it is."""
        if parts and parts[0].above and parts[0].above[0].row == group.open.row:
            self.beside(parts[0].above.pop(0))

    def above(self, part: Part) -> None:
        """Write the comments on lines of their own, and their paragraphs."""
        rows = [comment.row for comment in part.above]
        rows += [part.row] if part.items else []
        for number, comment in enumerate(part.above):
            self.write(comment.text)
            if number + 1 < len(rows):
                self.line()
                if rows[number + 1] > comment.row + 1:
                    self.blank()


def _one_line(parts: Sequence[Part], row: int) -> bool:
    """Say whether a body is one statement without comments, in this row."""
    if len(parts) != 1 or parts[0].above or parts[0].beside:
        return False
    return parts[0].row == row


def _is_bar(item: Item) -> bool:
    return isinstance(item, Token) and item.is_("|")


def _is_with(item: Item) -> bool:
    return isinstance(item, Token) and item.is_("with")


def _spaced(items: Sequence[Item], index: int) -> bool:
    """Say whether a blank stands before an item."""
    last, item = items[index - 1], items[index]
    if is_comment(item) or is_comment(last):
        return False
    if isinstance(item, Group) and item.kind in ("call", "index", "head", "arguments"):
        return False
    if isinstance(item, Token) and item.is_(",", ":", ".", ";"):
        return False
    if not isinstance(last, Token):
        return True
    if last.is_("-") and not is_operand(items[index - 2] if index > 1 else None):
        return False
    return not last.is_(".")
