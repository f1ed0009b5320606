# SPDX-License-Identifier: Apache-2.0
"""Collections that are written out, taken apart, or made by something open."""

from collections.abc import Callable
from typing import Any, Protocol

import z3

from bundle.ratchet.bound import Bound, Env, Listing
from bundle.ratchet.formula import All, Atom, Formula, Term, Test
from bundle.ratchet.limits import MAX_SIZE
from bundle.ratchet.terms import Terms
from bundle.ratchet.values import VALUE, function, literal
from bundle.rego.ast import Collection, Expr, ObjectTerm


class Encoding(Protocol):
    """The part of the encoder that collections need."""

    terms: Terms

    def values(
        self, exprs: tuple[Expr, ...], env: Env, then: Callable[[Any, Env], Formula]
    ) -> Formula:
        """See ``encode.Encoder``."""

    def match(
        self, pattern: Expr, bound: Bound, env: Env, then: Callable[[Env], Formula]
    ) -> Formula:
        """See ``encode.Encoder``."""

    def term(self, bound: Bound) -> Term:
        """See ``encode.Encoder``."""


def apply(name: str, terms: tuple[Term, ...]) -> Term:
    """Return the value of an open function."""
    return function(name, len(terms))(*terms)


def is_kind(kind: str, term: Term) -> Test:
    """Return whether a term is of a kind: ``is_array``, ``is_set``, ``is_object``."""
    return getattr(VALUE, kind)(term)


def written(
    encoder: Encoding,
    expr: Collection | ObjectTerm,
    env: Env,
    then: Callable[[Bound, Env], Formula],
) -> Formula:
    """Return that a collection's parts have values, and ``then`` holds for it."""
    if isinstance(expr, ObjectTerm):
        kind = "object"
        parts = tuple(part for field in expr.fields for part in field)
    else:
        kind, parts = expr.kind, expr.items

    def made(values: Any, e: Env) -> Formula:
        terms = [encoder.term(value) for value in values]
        return then(listing(encoder, kind, terms), e)

    return encoder.values(parts, env, made)


def listing(encoder: Encoding, kind: str, terms: list[Term]) -> Listing:
    """Return a collection of these parts, and note what holds of it."""
    whole = apply(f"written:{kind}", tuple(terms))
    if kind == "array":
        pairs = tuple((literal(i), term) for i, term in enumerate(terms))
    elif kind == "set":
        pairs = tuple((term, term) for term in terms)
    else:
        pairs = tuple(zip(terms[::2], terms[1::2], strict=True))
    encoder.terms.facts.append(is_kind(f"is_{kind}", whole))
    if kind != "object" or _distinct([key for key, _ in pairs]):
        encoder.terms.facts += [
            encoder.terms.get(whole, key) == value for key, value in pairs
        ]
    if kind == "array":
        encoder.terms.facts.append(encoder.terms.size(whole) == len(pairs))
    return Listing(kind, pairs, whole)


def _distinct(keys: list[Term]) -> bool:
    """Return whether no two keys can be equal: two would be an evaluation error."""
    return z3.is_true(z3.simplify(z3.Distinct(*keys))) if len(keys) > 1 else True


def size(encoder: Encoding, bound: Bound) -> Term:
    """Return the number of elements of a collection."""
    if isinstance(bound, Listing) and bound.kind == "array":
        return z3.IntVal(len(bound.pairs))
    term = encoder.terms.size(encoder.term(bound))
    encoder.terms.facts += [term >= 0, term <= MAX_SIZE]
    return term


def destructure(
    encoder: Encoding,
    patterns: tuple[Expr, ...],
    bound: Bound,
    env: Env,
    then: Callable[[Env], Formula],
) -> Formula:
    """Return that a value is an array of as many elements, each of its form."""
    base = encoder.term(bound)
    count = Atom(
        z3.And(VALUE.is_array(base), encoder.terms.size(base) == len(patterns))
    )

    def rest(index: int, e: Env) -> Formula:
        if index == len(patterns):
            return then(e)
        key = literal(index)
        held = encoder.match(
            patterns[index],
            encoder.terms.get(base, key),
            e,
            lambda f: rest(index + 1, f),
        )
        return All((Atom(encoder.terms.present(base, key)), held))

    return All((count, rest(0, env)))
