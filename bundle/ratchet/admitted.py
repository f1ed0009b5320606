# SPDX-License-Identifier: Apache-2.0
"""What the input schema says of the parts of the input that a question names.

Only a preference: a witness that a decision could see is easier to believe. Proofs
are about all inputs, whatever the schema says.
"""

from collections.abc import Iterator
from importlib.resources import files
from typing import Any, Final

import z3

from bundle.ratchet.formula import Term, Test
from bundle.ratchet.terms import Terms
from bundle.ratchet.values import GET, INPUT, VALUE, literal, plain_text
from keys.strict import loads_json

_SCHEMA: Final = "input-v1.schema.json"
_MAX_BYTES: Final = 64 * 1024
_KINDS: Final = {"string": "is_text", "array": "is_array", "object": "is_object"}


def admitted(terms: Terms) -> list[Test]:
    """Return that everything the question names is as the schema has it."""
    schema = _read()
    return [test for pair in list(terms.pairs) for test in _pair(schema, terms, *pair)]


def _pair(schema: Any, terms: Terms, collection: Term, key: Term) -> Iterator[Test]:
    path = _path(GET(collection, key))
    if path is None:
        return
    here = terms.present(collection, key)
    part = _part(schema, path)
    if part is None:
        yield z3.Not(here)
        return
    value = terms.get(collection, key)
    if "enum" in part:
        options = z3.Or(*(value == literal(option) for option in part["enum"]))
        yield z3.Implies(here, options)
    elif part.get("type") in _KINDS:
        is_kind = getattr(VALUE, _KINDS[part["type"]])(value)
        yield z3.Implies(here, is_kind)
    if part.get("minLength"):
        yield z3.Implies(here, value != literal(""))


def _path(term: Term) -> tuple[str | None, ...] | None:
    """Return where in the input a term lies; none in the path is any element."""
    if term.eq(INPUT):
        return ()
    if term.decl() != GET:
        return None
    above, key = _path(term.arg(0)), term.arg(1)
    if above is None:
        return None
    named = key.decl() == VALUE.text and z3.is_string_value(key.arg(0))
    return (*above, plain_text(key.arg(0)) if named else None)


def _part(schema: Any, path: tuple[str | None, ...]) -> Any:
    """Return what the schema says at a path; none if nothing may be there."""
    part = schema
    for step in path:
        if "$ref" in part:
            part = schema["$defs"][part["$ref"].rpartition("/")[2]]
        known = part.get("properties", {}).get(step) if step else part.get("items")
        if known is None:
            return {} if part.get("additionalProperties", step is None) else None
        part = known
    if "$ref" in part:
        part = schema["$defs"][part["$ref"].rpartition("/")[2]]
    return part


def _read() -> Any:
    data = (files("bundle.schemas") / _SCHEMA).read_bytes()
    return loads_json(data, max_bytes=_MAX_BYTES, what=_SCHEMA)
