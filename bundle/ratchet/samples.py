# SPDX-License-Identifier: Apache-2.0
"""A text that a simple regular expression matches, to try as a witness.

Reads literals, classes, groups, alternatives (the first), repetitions (the least) and
anchors. Whatever else there is, there is no sample; a wrong one is tried in vain.
"""

import re
from typing import Final

_COUNT: Final = re.compile(r"\{(?P<least>[0-9]{1,2})(?:,[0-9]*)?\}")
_ESCAPED: Final = {"n": "\n", "t": "\t"}
_MAX_CHARS: Final = 256


class _NoSampleError(Exception):
    """The pattern is none of these."""


def sample(pattern: str) -> str | None:
    """Return a text that the pattern matches, if it is simple enough."""
    reader = _Reader(pattern)
    try:
        text = reader.alternatives()
    except (_NoSampleError, IndexError):
        return None
    return text if reader.at == len(pattern) and len(text) <= _MAX_CHARS else None


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.at = 0

    def alternatives(self) -> str:
        """Read up to the end or a closing parenthesis; keep the longest alternative."""
        found = [self._sequence()]
        while self._next() == "|":
            self.at += 1
            found.append(self._sequence())
        return max(found, key=len)

    def _sequence(self) -> str:
        text = ""
        while (character := self._next()) not in ("", "|", ")"):
            piece = self._piece(character)
            text += piece * self._least()
            if len(text) > _MAX_CHARS:
                raise _NoSampleError
        return text

    def _next(self) -> str:
        return self._pattern[self.at : self.at + 1]

    def _piece(self, character: str) -> str:
        self.at += 1
        if character in "^$":
            return ""
        if character == "(":
            if self._pattern.startswith("?:", self.at):
                self.at += 2
            text = self.alternatives()
            self.at += 1
            return text
        if character == "[":
            return self._class()
        if character == "\\":
            return self._escaped()
        if character in "*+?{":
            raise _NoSampleError
        return "x" if character == "." else character

    def _class(self) -> str:
        end = self._pattern.find("]", self.at + 1)
        if end < 0:
            raise _NoSampleError
        members, self.at = self._pattern[self.at : end], end + 1
        if members.startswith("^"):
            return next(c for c in "x1 -_/" if c not in members)
        return (
            _ESCAPED.get(members[1], members[1]) if members[0] == "\\" else members[0]
        )

    def _escaped(self) -> str:
        character = self._next()
        self.at += 1
        if character.isalnum() and character not in _ESCAPED:
            raise _NoSampleError
        return _ESCAPED.get(character, character)

    def _least(self) -> int:
        if count := _COUNT.match(self._pattern, self.at):
            self.at = count.end()
            return int(count["least"])
        if self._next() in ("*", "?"):
            self.at += 1
            return 0
        if self._next() == "+":
            self.at += 1
        return 1
