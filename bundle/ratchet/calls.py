# SPDX-License-Identifier: Apache-2.0
"""Calls: functions of the module are written in, builtins are known or stay open.

A builtin that stays open gives the same for the same arguments, or nothing. What it
gives nothing for is an evaluation error in one engine and undefined in another, and
the proof holds for both.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

import z3

from bundle.ratchet.bound import Bound, Env, Listing
from bundle.ratchet.collections import Encoding, size
from bundle.ratchet.formula import All, Atom, Formula, Not, Some, Term, UnknownError
from bundle.ratchet.limits import MAX_SIZE
from bundle.ratchet.program import Clause, Program
from bundle.ratchet.values import LETTERS, VALUE, boolean, is_collection, is_defined
from bundle.rego.ast import Call
from bundle.rego.builtins import ALLOWED

Then = Callable[[Bound, Env], Formula]

# Builtins that give a value for whatever they are given.
_TOTAL: Final = frozenset({"sprintf", "type_name"})
_KINDS: Final = {
    "is_array": "is_array",
    "is_boolean": "is_boolean",
    "is_null": "is_null",
    "is_number": "is_number",
    "is_object": "is_object",
    "is_set": "is_set",
    "is_string": "is_text",
}
_TEXTS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "startswith": lambda text, part: z3.PrefixOf(part, text),
    "endswith": lambda text, part: z3.SuffixOf(part, text),
    "contains": z3.Contains,
}


class Calling(Encoding, Protocol):
    """The part of the encoder that calls need."""

    program: Program

    def clauses(
        self,
        clauses: list[Clause],
        arguments: tuple[Bound, ...],
        then: Callable[[Bound], Formula],
    ) -> Formula:
        """See ``encode.Encoder``."""

    def open(
        self, name: str, terms: tuple[Term, ...], kind: str | None, origin: Any
    ) -> Term:
        """See ``encode.Encoder``."""


def call(encoder: Calling, expr: Call, env: Env, then: Then) -> Formula:
    """Return that a call has a value for which ``then`` holds."""
    path = encoder.program.called(env.scope, expr.name)
    if path is None and expr.name not in ALLOWED:
        raise UnknownError(f"the builtin {expr.name}")

    def called(arguments: Any, e: Env) -> Formula:
        if path is None:
            return _builtin(encoder, expr.name, arguments, lambda b: then(b, e))
        clauses = list(encoder.program.rules[path])
        if any(c.rule.kind != "function" or _has_else(c) for c in clauses):
            raise UnknownError(f"the form of {expr.name}")
        return encoder.clauses(clauses, arguments, lambda b: then(b, e))

    return encoder.values(expr.arguments, env, called)


def _has_else(clause: Clause) -> bool:
    return any(body.is_else for body in clause.rule.bodies)


def _builtin(
    encoder: Calling,
    name: str,
    arguments: tuple[Bound, ...],
    then: Callable[[Bound], Formula],
) -> Formula:
    if name == "count" and len(arguments) == 1:
        return _count(encoder, arguments[0], then)
    terms = tuple(encoder.term(a) for a in arguments)
    if name in _KINDS and len(terms) == 1:
        return then(boolean(getattr(VALUE, _KINDS[name])(terms[0])))
    if name in _TEXTS and len(terms) == 2:  # noqa: PLR2004 - text and part
        both = z3.And(VALUE.is_text(terms[0]), VALUE.is_text(terms[1]))
        test = _TEXTS[name](VALUE.characters(terms[0]), VALUE.characters(terms[1]))
        return All((Atom(both), then(boolean(test))))
    if name == "object.get" and len(terms) == 3:  # noqa: PLR2004 - with its default
        return _get_or(encoder, terms, then)
    value = encoder.open(f"builtin:{name}", terms, None, name)
    if name in _TOTAL:
        encoder.terms.facts.append(is_defined(value))
        return then(value)
    return All((Atom(is_defined(value)), then(value)))


def _count(encoder: Calling, bound: Bound, then: Callable[[Bound], Formula]) -> Formula:
    number = then(VALUE.number(z3.ToReal(size(encoder, bound))))
    if isinstance(bound, Listing):
        return number
    term = encoder.term(bound)
    found = LETTERS(term)
    length = z3.Length(VALUE.characters(term))
    encoder.terms.facts += [found >= length, found <= 2 * length, length <= MAX_SIZE]
    encoder.terms.usual.append(found == length)
    letters = VALUE.number(z3.ToReal(found))
    return Some(
        (
            All((Atom(is_collection(term)), number)),
            All((Atom(VALUE.is_text(term)), then(letters))),
        )
    )


def _get_or(
    encoder: Calling, terms: tuple[Term, ...], then: Callable[[Bound], Formula]
) -> Formula:
    """``object.get`` with one key; a path of keys, which is an array, stays unknown."""
    base, key, default = terms
    one_key = Atom(z3.And(VALUE.is_object(base), z3.Not(VALUE.is_array(key))))
    here = Atom(encoder.terms.present(base, key))
    found = All((here, then(encoder.terms.get(base, key))))
    missing = All((Not(here), then(default)))
    return All((one_key, Some((found, missing))))
