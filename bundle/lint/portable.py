# SPDX-License-Identifier: Apache-2.0
r"""Texts inside a rule that one engine reads differently from another.

Regular expressions and formats are little languages of their own: Rust's ``\d`` is
every digit of Unicode, Go's is ASCII; a format with the wrong verb is an error here and
a strange message there.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from bundle.finding import Finding, Severity
from bundle.rego.ast import (
    Assignment,
    Call,
    Collection,
    Expr,
    Node,
    Ref,
    Scalar,
    Syntax,
    Var,
    walk,
)

_CLASS: Final = re.compile(r"\\[dDwWsSbBpP]")
_GROUP: Final = re.compile(r"\(\?(?!:)")
_PATTERN_AT: Final = {
    "regex.match": 0,
    "regex.find_n": 0,
    "regex.replace": 1,
    "regex.split": 0,
    "regex.is_valid": 0,
}
_VERB: Final = re.compile(r"%(?P<verb>%|[a-zA-Z]|.)")
_UNICODE: Final = ("lower",)
_YAML: Final = ("yaml.unmarshal",)


def unportable_texts(syntax: Syntax) -> Iterator[Finding]:
    """Yield what regular expressions, formats and conversions could mean otherwise."""
    for node in walk(syntax.rules):
        if isinstance(node, Call):
            yield from _regex(syntax, node)
            yield from _format(syntax, node)
            yield from _conversion(syntax, node)
        elif isinstance(node, Assignment) and node.operator == "=":
            yield _finding(
                syntax,
                "unification",
                node,
                "expected := or ==, got =",
                "write := to bind a name, == to compare",
                "warning",
            )


def _regex(syntax: Syntax, call: Call) -> Iterator[Finding]:
    at = _PATTERN_AT.get(call.name)
    if at is None or at >= len(call.arguments):
        return
    pattern = call.arguments[at]
    if not isinstance(pattern, Scalar) or not isinstance(pattern.value, str):
        yield _finding(
            syntax,
            "regex-not-literal",
            call,
            "expected a literal pattern, got an expression",
            "write the pattern in backquotes where it is used",
        )
        return
    if found := _CLASS.search(pattern.value):
        yield _finding(
            syntax,
            "regex-not-portable",
            pattern,
            f"expected an ASCII class, got {found.group()}",
            "write [0-9] for \\d, [A-Za-z0-9_] for \\w, [ \\t] for \\s",
        )
    if _GROUP.search(pattern.value):
        yield _finding(
            syntax,
            "regex-not-portable",
            pattern,
            "expected no (?...) but (?:...)",
            "write the cases out, or compare lower(x)",
        )


def _format(syntax: Syntax, call: Call) -> Iterator[Finding]:
    if call.name != "sprintf" or len(call.arguments) != 2:  # noqa: PLR2004
        return
    text, values = call.arguments
    if not isinstance(text, Scalar) or not isinstance(text.value, str):
        message, fix = "expected a literal format", "write the format where it is used"
        yield _finding(syntax, "sprintf-not-portable", call, message, fix)
        return
    verbs = [verb for verb in _VERB.findall(text.value) if verb != "%"]
    if bad := [verb for verb in verbs if verb not in "sdv"]:
        yield _finding(
            syntax,
            "sprintf-not-portable",
            text,
            f"expected %s, %d or %v, got %{bad[0]}",
            "use %s for texts, %d for integers, %v for the rest",
        )
    elif isinstance(values, Collection) and len(values.items) != len(verbs):
        yield _finding(
            syntax,
            "sprintf-not-portable",
            call,
            f"expected {len(verbs)} values for the format, got {len(values.items)}",
            "give one value for each %",
        )


def _conversion(syntax: Syntax, call: Call) -> Iterator[Finding]:
    if call.name in _UNICODE:
        yield _finding(
            syntax,
            "unicode-case",
            call,
            f"expected ASCII: {call.name} differs between engines for other letters",
            "compare with regex.match and explicit letters where it matters",
            "hint",
        )
    if call.name == "count" and _is_text(call.arguments):
        yield _finding(
            syntax,
            "text-length",
            call,
            "expected count of a collection, got one of a text: engines count letters "
            "beyond the basic plane as one or as two",
            "ask with regex.match how long it is: ^.{0,72}$",
            "warning",
        )
    if call.name in _YAML:
        yield _finding(
            syntax,
            "yaml-types",
            call,
            "expected quoted scalars: engines read yes, on and 012 differently",
            "compare as text, or ask for the key's presence only",
            "warning",
        )


def _is_text(arguments: Sequence[Expr]) -> bool:
    """Return whether the schema says that a path below the input is a text."""
    ref = arguments[0] if arguments else None
    if not isinstance(ref, Ref) or not isinstance(ref.root, Var):
        return False
    if ref.root.name != "input":
        return False
    from bundle.ratchet.kinds import input_kind  # noqa: PLC0415 - rarely

    kind = input_kind()
    for step in ref.steps:
        if isinstance(step, Scalar) and isinstance(step.value, str):
            kind = kind.field(step.value)
        else:
            kind = kind.element
    return kind.is_a("text")


def _finding(  # noqa: PLR0917 - in the order of a finding
    syntax: Syntax,
    code: str,
    node: Node,
    message: str,
    fix: str,
    severity: Severity = "error",
) -> Finding:
    place = node.place
    return Finding(code, syntax.path, place.line, place.column, message, fix, severity)
