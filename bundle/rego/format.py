# SPDX-License-Identifier: Apache-2.0
"""The formatter of rules: ``opa fmt``'s layout, and nothing but layout.

It moves blanks, line ends, imports within their paragraph, commas at the end of a list
and the semicolons that line ends replace. That it did no more is checked on every
file: the tokens and the syntax tree before and after are equal, or it refuses.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bundle.finding import Finding
from bundle.rego.ast import Syntax
from bundle.rego.engine import Engine, Module
from bundle.rego.errors import RegoParseError
from bundle.rego.format_parts import Part, cut, is_comment
from bundle.rego.format_same import shape, tokens_said
from bundle.rego.format_tokens import Group, Item, Token, read_groups
from bundle.rego.format_write import Writer
from bundle.rego.lexer import decode_module
from bundle.rego.reader import read_syntax


@dataclass(frozen=True, slots=True)
class Formatted:
    """What the formatter made of a file.

    Attributes:
        before: The bytes as they were.
        after: The bytes as they should be; as before if there is a finding.
        finding: Why it could not be formatted.
    """

    before: bytes
    after: bytes
    finding: Finding | None = None

    @property
    def changed(self) -> bool:
        """Whether the file is not yet as it should be."""
        return self.before != self.after


def format_file(path: str, data: bytes, *, engine: Engine) -> Formatted:
    """Format one file; one that is not Rego, or not ours to move, stays as it is.

    Args:
        path: For messages.
        data: The file.
        engine: Parses.

    Raises:
        EvaluationError: The parser gave no answer.
    """
    try:
        module = decode_module(path, data.replace(b"\r\n", b"\n"))
        syntax = read_syntax(module, engine.parse(module))
        after = Module(path, format_source(module))
    except RegoParseError as error:
        fix = "correct the file; see `trustacks rule lint`"
        place = (error.line, error.column, error.reason)
        return Formatted(data, data, Finding(error.code, path, *place, fix))
    if not _same(module, syntax, after, engine):
        message = "expected the same rule after formatting, got another"
        fix = "format this file by hand, and report it: the formatter is at fault"
        finding = Finding("format-unsafe", path, 1, 1, message, fix)
        return Formatted(data, data, finding)
    return Formatted(data, after.source.encode())


def _same(module: Module, syntax: Syntax, after: Module, engine: Engine) -> bool:
    try:
        moved = read_syntax(after, engine.parse(after))
    except RegoParseError:
        return False
    return shape(syntax) == shape(moved) and tokens_said(module) == tokens_said(after)


def format_source(module: Module) -> str:
    """Return a module's text, laid out; nothing is checked.

    Raises:
        RegoParseError: It cannot be read as tokens and brackets.
    """
    parts = _sorted_imports(cut(read_groups(module), at=None))
    for part in parts:
        _mark_head(part)
    text = ""
    for number, part in enumerate(parts):
        if number:
            text += "\n" if _together(parts[number - 1], part) else "\n\n"
        text += _text(part)
    return f"{text}\n" if text else ""


def _mark_head(part: Part) -> None:
    """Tell the brackets of a head, which name a rule, from those of a term."""
    second = part.items[1] if len(part.items) > 1 else None
    if isinstance(second, Group) and second.kind in ("index", "call"):
        second.kind = "head" if second.kind == "index" else "arguments"


def _text(part: Part) -> str:
    writer = Writer()
    writer.above(part)
    if part.items:
        writer.statement(part.items)
    writer.beside(part.beside)
    writer.line()
    return writer.text().rstrip("\n")


def _together(one: Part, other: Part) -> bool:
    """Say whether two parts follow each other without a blank line."""
    if other.above or not other.items or other.row != one.row + 1:
        return False
    if one.starts("import"):
        return other.starts("import")
    grouped = _groupable(one) and _groupable(other)
    return grouped and "\n" not in _text(Part(items=one.items))


def _groupable(part: Part) -> bool:
    """Say whether a rule may stand in a paragraph with others: it has one condition."""
    if part.starts("default", "package", "import"):
        return False
    if any(isinstance(item, Token) and item.is_("else") for item in part.items):
        return False
    bodies = [i for i in part.items if isinstance(i, Group) and i.kind == "body"]
    return all(len(cut(body.items, at=";")) == 1 for body in bodies)


def _sorted_imports(parts: Sequence[Part]) -> list[Part]:
    """Sort the imports of each paragraph by their paths."""
    done: list[Part] = []
    paragraph: list[Part] = []
    for part in parts:
        is_import = bool(part.items) and part.starts("import")
        if paragraph and not (is_import and _together(paragraph[-1], part)):
            done += _in_order(paragraph)
            paragraph = []
        if is_import:
            paragraph.append(part)
        else:
            done.append(part)
    return [*done, *_in_order(paragraph)]


def _in_order(paragraph: list[Part]) -> list[Part]:
    items = [item for part in paragraph for item in part.items]
    if not all(isinstance(item, Token) and not is_comment(item) for item in items):
        return paragraph
    above, first = paragraph[0].above if paragraph else [], 0
    if paragraph:
        first, paragraph[0].above = paragraph[0].row, []
    ordered = sorted(paragraph, key=_path)
    for row, part in enumerate(ordered, start=first):
        part.items = [_at(item, row) for item in part.items]
    if ordered:
        ordered[0].above = above
    return ordered


def _path(part: Part) -> list[list[str]]:
    return [item.text.split(".") for item in part.items if isinstance(item, Token)]


def _at(item: Item, row: int) -> Item:
    if isinstance(item, Token):
        return Token(item.kind, item.text, row, row, item.tight)
    return item
