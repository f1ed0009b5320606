# SPDX-License-Identifier: Apache-2.0
"""Rego as tokens, and as a tree of brackets: all that a formatter needs to know.

Nothing is thrown away but blanks and line ends; where each token stood stays with it,
because line ends are what an author says with layout.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from bundle.rego.engine import Module
from bundle.rego.errors import RegoParseError

TokenKind = Literal["name", "number", "string", "comment", "operator", "bracket"]
TermKind = Literal["call", "arguments", "index", "head", "array", "braces", "parens"]
GroupKind = TermKind | Literal["body", "every"]

_TOKEN: Final = re.compile(
    r'(?P<string>"(?:[^"\\\n]|\\.)*+"|`[^`]*+`)|(?P<comment>#[^\n]*+)'
    r"|(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)"
    r"|(?P<number>\d[\d.]*(?:[eE][+-]?\d+)?)"
    r"|(?P<operator>:=|==|!=|<=|>=|[-<>=+*/%|&:;,.])|(?P<bracket>[\[\](){}])"
    r"|(?P<blank>[ \t\n]+)"
)
_OPENS: Final = {"(": ")", "[": "]", "{": "}"}
_KEYWORDS: Final = """
    as contains default else every if import in not package some with
"""
# Words after which an operand stands; `contains` is one unless it is called.
KEYWORDS: Final = frozenset(_KEYWORDS.split())
_WORDS: Final = KEYWORDS | {"false", "null", "true"}
_FIELD: Final = re.compile(r'"([A-Za-z_][A-Za-z0-9_]*)"')


@dataclass(frozen=True, slots=True)
class Token:
    """A token.

    Attributes:
        row: Where it begins, from 1.
        end_row: Where it ends: a raw string may be long.
        tight: Whether it stands right against the token before it.
    """

    kind: TokenKind
    text: str
    row: int
    end_row: int
    tight: bool

    def is_(self, *texts: str) -> bool:
        """Say whether it is one of these operators or words."""
        return self.kind in ("operator", "name") and self.text in texts


@dataclass(slots=True)
class Group:
    """A bracket, what is in it, and the bracket that closes it.

    Attributes:
        kind: ``body`` and ``every`` hold statements, the others hold terms; ``head``
            and ``arguments`` are index and call in the head of a rule.
        row: Where it begins.
        since: Where what it belongs to begins: the row of the word ``every``.
    """

    kind: GroupKind
    open: Token
    row: int
    since: int
    items: "list[Item]" = field(default_factory=list)
    end_row: int = 0

    @property
    def name(self) -> str | None:
        """The name that an index is, if it could stand behind a dot."""
        if self.kind != "index" or len(self.items) != 1:
            return None
        (item,) = self.items
        return field_name(item) if isinstance(item, Token) else None


Item = Token | Group


def read_tokens(module: Module) -> Iterator[Token]:
    """Yield the tokens of a module.

    Raises:
        RegoParseError: A character that begins none.
    """
    source, at, row, tight = module.source, 0, 1, False
    while at < len(source):
        found = _TOKEN.match(source, at)
        if found is None:
            column = at - source.rfind("\n", 0, at)
            reason = f"expected Rego, got {source[at]!r}"
            raise RegoParseError(module.path, row, column, reason)
        text, at = found.group(), found.end()
        lines = text.count("\n")
        if found.lastgroup == "blank":
            tight = False
        else:
            kind: TokenKind = found.lastgroup  # type: ignore[assignment]
            kept = text.rstrip() if kind == "comment" else text
            yield Token(kind, kept, row, row + lines, tight)
            tight = True
        row += lines


def read_groups(module: Module) -> list[Item]:
    """Return the tokens of a module as a tree of brackets.

    Raises:
        RegoParseError: As ``read_tokens``, or a bracket without its other half.
    """
    top: list[Item] = []
    inside, open_groups = top, list[Group]()
    for token in read_tokens(module):
        if token.kind != "bracket":
            inside.append(token)
        elif token.text in _OPENS:
            group = _opened(token, inside)
            inside.append(group)
            open_groups.append(group)
            inside = group.items
        elif not open_groups or _OPENS[open_groups[-1].open.text] != token.text:
            reason = f"expected no {token.text!r} here"
            raise RegoParseError(module.path, token.row, 1, reason)
        else:
            open_groups.pop().end_row = token.row
            inside = open_groups[-1].items if open_groups else top
    if open_groups:
        last = open_groups[-1].open
        reason = f"expected {_OPENS[last.text]!r} for {last.text!r}, got the end"
        raise RegoParseError(module.path, last.row, 1, reason)
    return top


def field_name(token: Token) -> str | None:
    """Return what a literal says if it could stand behind a dot."""
    found = _FIELD.fullmatch(token.text)
    return None if found is None or found[1] in _WORDS else found[1]


def is_operand(item: Item | None, following: Token | None = None) -> bool:
    """Say whether a term ends here: a name, a literal or a closed bracket."""
    if item is None:
        return False
    if isinstance(item, Group):
        return item.kind not in ("body", "every")
    if item.kind == "name" and item.text in KEYWORDS:
        called = following is not None and following.tight and following.text == "("
        return item.text == "contains" and called
    return item.kind in ("name", "number", "string")


def _opened(token: Token, before: list[Item]) -> Group:
    code = (i for i in reversed(before) if isinstance(i, Group) or i.kind != "comment")
    last = next(code, None)
    every = _every(before) if token.text == "{" and is_operand(last, token) else None
    if every is not None:
        return Group("every", token, token.row, every.row)
    return Group(_kind(token, last), token, token.row, token.row)


def _kind(token: Token, last: Item | None) -> GroupKind:
    term_before = is_operand(last, token)
    if token.text == "(":
        return "call" if term_before and token.tight else "parens"
    if token.text == "[":
        return "index" if term_before and token.tight else "array"
    if isinstance(last, Token) and last.is_("if", "else"):
        return "body"
    # Rego sets no two terms side by side: a brace behind one opens a body.
    follows = last is not None and token.row == last.end_row
    return "body" if term_before and follows else "braces"


def _every(before: list[Item]) -> Token | None:
    """Return the `every` whose body would begin now, if its domain is complete."""
    for item in reversed(before):
        if isinstance(item, Group) and item.kind in ("body", "every"):
            return None
        if isinstance(item, Token):
            if item.is_("every"):
                return item
            if item.is_("if", "else", ";", ":="):
                return None
    return None
