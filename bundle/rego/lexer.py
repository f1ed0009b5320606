# SPDX-License-Identifier: Apache-2.0
"""What is refused before any parser sees the text.

Two reasons. A parser is a target: nesting that costs it exponential time, bytes that
end a string early. And a reviewer is a target: characters that show one program to
people and another to engines (CVE-2021-42574). Strings and comments are recognised
only so far as to know which brackets count.
"""

import re
from functools import lru_cache
from typing import Final

from bundle.rego.engine import Module
from bundle.rego.errors import RegoParseError
from bundle.rego.limits import MAX_LINE_BYTES, MAX_MODULE_BYTES, MAX_NESTING

# Bidirectional controls, zero-width and invisible characters, line separators.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202f"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffc"
    "\U000e0000-\U000e0fff]"
)
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_TOKEN: Final = re.compile(
    r'(?P<string>"(?:[^"\\\n]|\\.)*+")|(?P<raw>`[^`]*+`)|(?P<comment>#[^\n]*+)'
    r"|(?P<open>[\[({])|(?P<close>[\])}])|(?P<bad>[\"`$]|[^\x00-\x7f])"
)
# Modules that were found fit, of at most 256 KiB: constitution, packs and a rule's own.
_REMEMBERED: Final = 64
_CLOSES: Final = {")": "(", "]": "[", "}": "{"}


def decode_module(path: str, data: bytes) -> Module:
    """Decode a file strictly and refuse what no parser should see.

    Raises:
        RegoParseError: Too large, not UTF-8, or see ``check_source``.
    """
    if len(data) > MAX_MODULE_BYTES:
        reason = f"expected at most {MAX_MODULE_BYTES} bytes, got {len(data)}"
        raise RegoParseError(path, 1, 1, reason)
    try:
        source = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        reason = f"expected UTF-8, got byte 0x{data[error.start]:02x}"
        raise RegoParseError(path, line, column, reason) from error
    return check_source(Module(path, source))


def check_source(module: Module) -> Module:
    """Return the module if a parser may have it.

    Raises:
        RegoParseError: A byte order mark, NUL or other control character, a carriage
            return, an invisible character, a line or the whole too long, an open
            string, or more than ``MAX_NESTING`` open brackets.
    """
    return _checked(module)


@lru_cache(maxsize=_REMEMBERED)
def _checked(module: Module) -> Module:
    """Check a module; parents are loaded with every rule, and looked at once."""
    if len(module.source.encode("utf-8", "surrogatepass")) > MAX_MODULE_BYTES:
        raise RegoParseError(
            module.path, 1, 1, f"expected at most {MAX_MODULE_BYTES} bytes, got more"
        )
    _refuse_characters(module)
    _refuse_long_lines(module)
    _refuse_nesting(module)
    return module


def _refuse_characters(module: Module) -> None:
    source = module.source
    if source.startswith("\ufeff"):
        raise _at(module, 0, "expected no byte order mark")
    if found := _CONTROL.search(source):
        if found.group() == "\r":
            raise _at(module, found.start(), "expected LF line ends, got CR")
        name = f"U+{ord(found.group()):04X}"
        raise _at(module, found.start(), f"expected no control character, got {name}")
    if found := _INVISIBLE.search(source):
        name = f"U+{ord(found.group()):04X}"
        raise _at(module, found.start(), f"expected visible characters, got {name}")


def _refuse_long_lines(module: Module) -> None:
    for number, line in enumerate(module.source.split("\n"), start=1):
        if len(line) > MAX_LINE_BYTES or len(line.encode()) > MAX_LINE_BYTES:
            reason = f"expected lines of at most {MAX_LINE_BYTES} bytes, got more"
            raise RegoParseError(module.path, number, 1, reason)


def _refuse_nesting(module: Module) -> None:
    open_brackets: list[str] = []
    for token in _TOKEN.finditer(module.source):
        text = token.group()
        if token["open"]:
            open_brackets.append(text)
            if len(open_brackets) > MAX_NESTING:
                reason = f"expected at most {MAX_NESTING} open brackets, got more"
                raise _at(module, token.start(), reason)
        elif token["close"]:
            if not open_brackets or open_brackets.pop() != _CLOSES[text]:
                raise _at(module, token.start(), f"expected no {text!r} here")
        elif token["bad"]:
            raise _at(module, token.start(), _bad(text))


def _bad(text: str) -> str:
    if text == '"':
        return "expected the string to end on its line"
    if text == "`":
        return "expected the raw string to end"
    if text == "$":
        return "expected no template string: use sprintf"
    return f"expected ASCII outside strings and comments, got {text!r}"


def _at(module: Module, offset: int, reason: str) -> RegoParseError:
    before = module.source[:offset]
    line = before.count("\n") + 1
    return RegoParseError(module.path, line, offset - before.rfind("\n"), reason)
