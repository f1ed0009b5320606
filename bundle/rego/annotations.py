# SPDX-License-Identifier: Apache-2.0
"""``# METADATA`` comments (OPA annotations), as far as rules and tests use them.

The body is read as a strict part of YAML: nested mappings with plain or quoted texts,
and lists of texts in brackets or behind dashes. What would need more of YAML is
refused: two readers must not see two documents in one comment.

Source: OPA documentation, policy language, "Annotations".
"""

import re
from typing import Any, Final

from bundle.rego.engine import Module
from bundle.rego.errors import RegoParseError
from keys.record import record

_START: Final = re.compile(r"#\s*METADATA\s*")
_ENTRY: Final = re.compile(
    r"(?P<indent> *)(?P<key>[A-Za-z_][A-Za-z0-9_-]*):(?: +(?P<value>\S.*))?"
)
_ITEM: Final = re.compile(r"(?P<indent> *)- +(?P<value>\S.*)")
# A plain text that every YAML reader takes for a text, whole: no `a: b`, no ` #`.
_PLAIN: Final = re.compile(r"[A-Za-z_/(](?:[^:#]|:(?=[^\s:])|(?<=\S)#)*")
_IN_BRACKETS: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./ -]*")
_QUOTED: Final = re.compile(r'"(?P<double>[^"\\]*)"|\'(?P<single>[^\']*)\'')
_NOT_TEXT: Final = ("true", "false", "yes", "no", "on", "off", "null", "y", "n")


@record
class Annotation:
    """One ``# METADATA`` comment.

    Attributes:
        line: Of the first line of what it stands over.
        value: Its mapping.
    """

    line: int
    value: dict[str, Any]


def read_annotations(module: Module) -> tuple[Annotation, ...]:
    """Return the annotations of a module, in the order of the file.

    Raises:
        RegoParseError: A body that is not of the part of YAML that is read here.
    """
    lines = module.source.split("\n")
    found, at = [], 0
    while at < len(lines):
        if not _START.fullmatch(lines[at]):
            at += 1
            continue
        first = at + 1
        at = first
        while at < len(lines) and lines[at].startswith("#"):
            at += 1
        body = [re.sub(r"^# ?", "", line).rstrip() for line in lines[first:at]]
        value = _Body(module.path, first + 1, body).mapping(0)
        while at < len(lines) and not lines[at].strip():
            at += 1
        found.append(Annotation(at + 1, value))
    return tuple(found)


class _Body:
    """The lines of one comment, read from the top."""

    def __init__(self, path: str, first_line: int, lines: list[str]) -> None:
        self._path = path
        self._first = first_line
        self._lines = lines
        self._at = 0

    def mapping(self, indent: int) -> dict[str, Any]:
        value: dict[str, Any] = {}
        while (line := self._line()) is not None:
            entry = _ENTRY.fullmatch(line)
            if not entry or len(entry["indent"]) != indent:
                if entry and len(entry["indent"]) < indent:
                    break
                raise self._error("expected `key: value` at this indent")
            if entry["key"] in value:
                raise self._error(f"expected one {entry['key']!r}, got two")
            self._at += 1
            value[entry["key"]] = self._value(entry["value"], indent)
        return value

    def _value(self, text: str | None, indent: int) -> Any:
        if text is not None:
            return self._inline(text)
        line = self._line()
        deeper = len(line) - len(line.lstrip(" ")) if line is not None else 0
        if line is not None and _ITEM.fullmatch(line) and deeper >= indent:
            return self._items(deeper)
        if deeper > indent:
            return self.mapping(deeper)
        raise self._error("expected a value, got none")

    def _items(self, indent: int) -> list[str]:
        items = []
        while (line := self._line()) is not None:
            item = _ITEM.fullmatch(line)
            if not item or len(item["indent"]) != indent:
                break
            items.append(self._text(item["value"]))
            self._at += 1
        return items

    def _inline(self, text: str) -> Any:
        if text.startswith("[") and text.endswith("]"):
            inside = text[1:-1].strip()
            return (
                [self._text(item.strip()) for item in inside.split(",")]
                if inside
                else []
            )
        return self._text(text)

    def _text(self, text: str, plain: re.Pattern[str] = _PLAIN) -> str:
        if quoted := _QUOTED.fullmatch(text):
            return quoted["double"] if quoted["single"] is None else quoted["single"]
        if plain.fullmatch(text) and text.lower() not in _NOT_TEXT:
            return text
        raise self._error('expected a plain text, or one in quotes without "\\"')

    def _line(self) -> str | None:
        while self._at < len(self._lines) and not self._lines[self._at].strip():
            self._at += 1
        return self._lines[self._at] if self._at < len(self._lines) else None

    def _error(self, reason: str) -> RegoParseError:
        line = self._first + min(self._at, len(self._lines) - 1)
        return RegoParseError(self._path, line, 1, f"METADATA: {reason}")
