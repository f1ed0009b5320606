# SPDX-License-Identifier: Apache-2.0
r"""Subjects of OIDC identities: one text exactly, or a pattern that cannot surprise.

The pattern language is a small part of regular expressions, so that other verifiers
read a pattern as we do (RE2, ECMAScript, Python, and by them ``cosign``)::

    pattern    = "^" 1*item "$"
    item       = ( char / class ) [ "+" / "{" number "}" ]
    char       = printable ASCII; \ ^ $ . | ? * + ( ) [ ] { } stand behind a backslash
    class      = "[" 1*( char of A-Z a-z 0-9 . _ ~ - / range "a-z" "A-Z" "0-9" ) "]"

Laws, each a refusal of the constructor: it is anchored at both ends; it has no ``.``,
group, alternative, or item that may match nothing; no class holds a separator
(``/ @ :``); what repeats never runs into what follows it, so that matching is one pass
without a second guess; and what says *whose* subject it is, is literal: scheme, host
and first segment of a URI, or the domain of a mailbox.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final, Self

from signer.errors import UnsafeSubjectError
from signer.limits import MAX_SUBJECT_CHARS

_SPECIAL: Final = frozenset("\\^$.|?*+()[]{}")
_IN_CLASS: Final = frozenset(ascii_lowercase + ascii_uppercase + digits + "._~-")
_RANGES: Final = (ascii_lowercase, ascii_uppercase, digits)
_COUNT: Final = re.compile(r"\{([1-9][0-9]{0,2})\}")
_OWNER: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/]+/[^/]+/")


@dataclass(frozen=True, slots=True)
class Step:
    """One character of a subject, or one and more.

    Attributes:
        chars: Which characters.
        repeats: Whether more of them may follow.
    """

    chars: frozenset[str]
    repeats: bool = False


@dataclass(frozen=True)
class SubjectPattern:
    """Which subjects an OIDC identity has.

    Attributes:
        text: The subject itself, or a pattern from ``^`` to ``$``.
        is_pattern: Which of the two.

    Raises:
        UnsafeSubjectError: Not printable ASCII, too long, or a pattern that breaks a
            law of this module.
    """

    text: str
    is_pattern: bool = False

    def __post_init__(self) -> None:
        ascii_only = self.text.isascii() and self.text.isprintable()
        if not ascii_only or " " in self.text:
            raise UnsafeSubjectError(
                f"subject: expected printable ASCII without spaces, got {self.text!r}"
            )
        if not 0 < len(self.text) <= MAX_SUBJECT_CHARS:
            raise UnsafeSubjectError(
                f"subject: expected 1 to {MAX_SUBJECT_CHARS} characters, "
                f"got {len(self.text)}"
            )
        if self.is_pattern:
            _require_one_pass(self.text, self.steps)
            _require_owner(self.text, self.steps)

    @classmethod
    def exactly(cls, subject: str) -> Self:
        """Return the pattern of one subject."""
        return cls(subject)

    @classmethod
    def anchored(cls, pattern: str) -> Self:
        """Return the pattern that ``pattern`` spells, from ``^`` to ``$``."""
        return cls(pattern, is_pattern=True)

    def matches(self, subject: str) -> bool:
        """Return whether a subject is meant, in time linear in its length."""
        if not self.is_pattern:
            return subject == self.text
        at = 0
        for step in self.steps:
            if at == len(subject) or subject[at] not in step.chars:
                return False
            at += 1
            while step.repeats and at < len(subject) and subject[at] in step.chars:
                at += 1
        return at == len(subject)

    def overlaps(self, other: "SubjectPattern") -> bool:
        """Return whether there is a subject that both mean; decided, not guessed."""
        mine, theirs = self.begin, other.begin
        if not (mine.startswith(theirs) or theirs.startswith(mine)):
            return False  # as with almost every other pair
        if not other.is_pattern:
            return self.matches(other.text)
        if not self.is_pattern:
            return other.matches(self.text)
        return _intersect(self.steps, other.steps)

    @cached_property
    def begin(self) -> str:
        """The text that every subject of it begins with."""
        if not self.is_pattern:
            return self.text
        return "".join(map(_literal, self.steps)).partition("\0")[0]

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """What a pattern takes, step by step."""
        return tuple(_read(self.text))


def _read(text: str) -> Iterator[Step]:
    if len(text) < len("^x$") or text[0] != "^" or text[-1] != "$":
        raise _unsafe(text, "a pattern from ^ to $")
    at, end = 1, len(text) - 1
    while at < end:
        step, at = _item(text, at, end)
        counted = _COUNT.match(text, at, end)
        if text[at] == "+" and at < end:
            yield Step(step.chars, repeats=True)
            at += 1
        elif counted:
            yield from [step] * min(int(counted[1]), MAX_SUBJECT_CHARS)
            at = counted.end()
        else:
            yield step


def _item(text: str, at: int, end: int) -> tuple[Step, int]:
    """Read one character or class; return it, and where the next item begins."""
    if text[at] == "[":
        close = text.find("]", at, end)
        if close < 0:
            raise _unsafe(text, "a class that ends")
        return Step(frozenset(_class(text, text[at + 1 : close]))), close + 1
    if text[at] == "\\":
        at += 1
        if at == end or text[at] not in _SPECIAL:
            raise _unsafe(text, "one of \\ ^ $ . | ? * + ( ) [ ] { } behind \\")
    elif text[at] in _SPECIAL:
        raise _unsafe(text, f"characters, classes, + and {{n}}, or \\{text[at]}")
    return Step(frozenset(text[at])), at + 1


def _class(text: str, inside: str) -> Iterator[str]:
    if not inside or not _IN_CLASS.issuperset(inside):
        raise _unsafe(text, "classes of letters, digits and . _ ~ -")
    at = 0
    while at < len(inside):
        if inside[at + 1 : at + 2] == "-" and at + 2 < len(inside):
            yield from _range(text, inside[at], inside[at + 2])
            at += 3
        else:
            yield inside[at]
            at += 1


def _range(text: str, low: str, high: str) -> str:
    for known in _RANGES:
        if low in known and high in known and low <= high:
            return known[known.index(low) : known.index(high) + 1]
    raise _unsafe(text, "ranges within a-z, A-Z or 0-9")


def _require_one_pass(text: str, steps: tuple[Step, ...]) -> None:
    if len(steps) > MAX_SUBJECT_CHARS:
        raise _unsafe(text, f"at most {MAX_SUBJECT_CHARS} characters when spelled out")
    for step, following in pairwise(steps):
        if step.repeats and not step.chars.isdisjoint(following.chars):
            raise _unsafe(text, "what follows + to begin outside of its class")


def _require_owner(text: str, steps: tuple[Step, ...]) -> None:
    """What a stranger could choose must not decide whose subject it is."""
    fixed = "".join(_literal(step) for step in steps)
    literal = fixed.partition("\0")[0]
    local, at, domain = fixed.rpartition("@")
    is_mailbox = bool(local and at and domain) and not set(fixed) & set("/:")
    if is_mailbox and "@" not in local and "\0" not in domain:
        return
    if "\0" in fixed and not _OWNER.match(literal):
        raise _unsafe(
            text,
            "a literal scheme, host and first segment, such as https://host/acme/, "
            "or a literal domain of a mailbox",
        )


def _literal(step: Step) -> str:
    """Return the character that a step stands for, or NUL if it may be several."""
    return "\0" if step.repeats or len(step.chars) > 1 else next(iter(step.chars))


def _intersect(left: tuple[Step, ...], right: tuple[Step, ...]) -> bool:
    """Return whether some text takes both to their ends, over pairs of places."""
    waiting, known = [(0, 0)], {(0, 0)}
    while waiting:
        i, j = waiting.pop()
        if (i, j) == (len(left), len(right)):
            return True
        if i == len(left) or j == len(right):
            continue
        if left[i].chars.isdisjoint(right[j].chars):
            continue
        for pair in _after(left[i], i, right[j], j):
            if pair not in known:
                known.add(pair)
                waiting.append(pair)
    return False


def _after(left: Step, i: int, right: Step, j: int) -> Iterator[tuple[int, int]]:
    for k in (i, i + 1) if left.repeats else (i + 1,):
        for m in (j, j + 1) if right.repeats else (j + 1,):
            yield k, m


def _unsafe(text: str, expected: str) -> UnsafeSubjectError:
    return UnsafeSubjectError(
        f"subject pattern: expected {expected}, got {text!r}",
        hint=r"such as ^https://ci\.example\.com/acme/[a-z0-9-]+@refs/heads/main$",
    )
