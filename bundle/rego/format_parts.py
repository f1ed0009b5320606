# SPDX-License-Identifier: Apache-2.0
"""Cut the items of a bracket into what is laid out as one: statements and elements."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bundle.rego.format_tokens import Group, Item, Token

_INFIX: Final = (
    *(":=", "=", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "|", "&"),
    *(",", ":", "."),
)
_WANTS_MORE: Final = (
    *_INFIX,
    *("as", "default", "else", "every", "if", "import", "in", "not", "package", "some"),
    "with",
)
_GOES_ON: Final = (*_INFIX, "as", "else", "if", "in", "with")


@dataclass(slots=True)
class Part:
    """A statement, element, import or rule with the comments that belong to it.

    Attributes:
        above: Comments on lines of their own before it.
        items: Empty only in the last part, for comments that stand at the end.
        beside: The comment at its end, if there is one.
    """

    above: list[Token] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    beside: Token | None = None

    @property
    def row(self) -> int:
        """Where it begins, its comments aside."""
        return self.items[0].row

    @property
    def end_row(self) -> int:
        """Where it ends."""
        return self.items[-1].end_row

    def starts(self, *words: str) -> bool:
        """Say whether it begins with one of these words."""
        first = self.items[0]
        return isinstance(first, Token) and first.is_(*words)


def cut(items: Sequence[Item], *, at: str | None) -> list[Part]:
    """Cut items into parts, all comments kept.

    Args:
        items: What is in a bracket, or the whole module.
        at: ``,`` for elements; ``;`` for statements, which also end with a line that
            does not go on; none for rules, which end with such a line only.
    """
    parts, part, after = list[Part](), Part(), _following(items)
    for index, item in enumerate(items):
        if isinstance(item, Token) and item.kind == "comment":
            part = _comment(parts, part, item, after[index], at)
            continue
        separator = at is not None and isinstance(item, Token) and item.is_(at)
        if part.items and (separator or (at != "," and _ends(part.items[-1], item))):
            parts.append(part)
            part = Part()
        if not separator:
            part.items.append(item)
    return [*parts, part] if part.items or part.above else parts


def _comment(
    parts: list[Part], part: Part, item: Token, following: Item | None, at: str | None
) -> Part:
    """Give a comment its place; return the part that is open then."""
    if not part.items:
        beside = bool(parts) and not part.above and parts[-1].beside is None
        if beside and item.row == parts[-1].end_row:
            parts[-1].beside = item
        else:
            part.above.append(item)
        return part
    if _inside(part.items[-1], following, at):
        part.items.append(item)
        return part
    if item.row == part.end_row and part.beside is None:
        part.beside = item
    elif _separator(following):
        part.above.append(item)
    else:
        parts.append(part)
        return Part(above=[item])
    return part


def _inside(last: Item, following: Item | None, at: str | None) -> bool:
    """Say whether the part goes on behind a comment."""
    if following is None or _separator(following):
        return False
    return at == "," or not _ends(last, following)


def _following(items: Sequence[Item]) -> list[Item | None]:
    """Return for each item the next one that is no comment."""
    after: list[Item | None] = []
    following: Item | None = None
    for item in reversed(items):
        after.append(following)
        following = following if is_comment(item) else item
    return after[::-1]


def is_comment(item: Item) -> bool:
    """Say whether it is a comment."""
    return isinstance(item, Token) and item.kind == "comment"


def _separator(item: Item | None) -> bool:
    return isinstance(item, Token) and item.text in (",", ";")


def _ends(last: Item, item: Item) -> bool:
    """Say whether a line ended between two items, and the statement with it."""
    if item.row == last.end_row or is_comment(last):
        return False
    if isinstance(item, Group) and item.kind in ("body", "every"):
        return False
    if isinstance(last, Token) and last.is_(*_WANTS_MORE):
        return False
    return not (isinstance(item, Token) and item.is_(*_GOES_ON))
