# SPDX-License-Identifier: Apache-2.0
"""A solver's model as an input document: a candidate, until an engine has seen it."""

from typing import Any

import z3

from bundle.ratchet.formula import Term, Test
from bundle.ratchet.ground import Ground
from bundle.ratchet.limits import MAX_FILLER, MAX_WITNESS_DEPTH
from bundle.ratchet.values import INPUT, VALUE, literal, plain_text


class NoDocumentError(Exception):
    """A model that no JSON document has."""


def preferences(ground: Ground) -> list[Test]:
    """Return what makes a model look like JSON: elements of arrays have indices."""
    indices = [literal(i) for i in range(max(1, min(4, len(ground.keys))))]
    made = {key.get_id() for key in ground.keys}
    wanted: list[Test] = []
    for collection, key in list(ground.terms.pairs):
        wanted.append(z3.Not(VALUE.is_set(ground.terms.get(collection, key))))
        if key.get_id() in made:
            index = z3.And(
                VALUE.is_array(collection), z3.Or(*(key == i for i in indices))
            )
            name = z3.And(VALUE.is_object(collection), VALUE.is_text(key))
            here = ground.terms.present(collection, key)
            wanted.append(
                z3.Implies(
                    z3.And(here, z3.Not(VALUE.is_set(collection))), z3.Or(index, name)
                )
            )
    return wanted


def document(model: Any, ground: Ground) -> dict[str, Any]:
    """Return the input that a model describes.

    Raises:
        NoDocumentError: It describes none.
    """
    value = _Builder(model, ground).build(INPUT, 0)
    if not isinstance(value, dict):
        raise NoDocumentError("an input that is no object")
    return value


class _Builder:
    def __init__(self, model: Any, ground: Ground) -> None:
        self._model = model
        self._children: dict[str, dict[str, tuple[Term, Term]]] = {}
        self._sizes: dict[str, int] = {}
        for collection, key in list(ground.terms.pairs):
            if z3.is_true(self._of(ground.terms.present(collection, key))):
                name, at = self._of(collection), self._of(key)
                child = (at, self._of(ground.terms.get(collection, key)))
                self._children.setdefault(str(name), {})[str(at)] = child
        for collection in ground.terms.sizes:
            size = self._of(ground.terms.size(collection))
            if z3.is_int_value(size):
                self._sizes[str(self._of(collection))] = size.as_long()

    def _of(self, term: Term) -> Term:
        return self._model.eval(term, model_completion=True)

    def build(self, term: Term, depth: int) -> Any:
        if depth > MAX_WITNESS_DEPTH:
            raise NoDocumentError("a document too deep")
        value = self._of(term)
        kind = value.decl().name()
        if kind == "null":
            return None
        if kind == "boolean":
            return z3.is_true(value.arg(0))
        if kind == "number":
            return _number(value.arg(0))
        if kind == "text":
            return plain_text(value.arg(0))
        children = self._children.get(str(value), {})
        if kind == "object":
            return self._object(value, children, depth)
        if kind == "array":
            return self._array(value, children, depth)
        raise NoDocumentError(f"a value of kind {kind}")

    def _object(self, value: Term, children: Any, depth: int) -> dict[str, Any]:
        built = {}
        for key, child in children.values():
            if key.decl().name() != "text":
                raise NoDocumentError("an object with a key that is no string")
            built[plain_text(key.arg(0))] = self.build(child, depth + 1)
        while len(built) < self._wanted(value):
            built[f"filler_{len(built)}"] = None
        return built

    def _array(self, value: Term, children: Any, depth: int) -> list[Any]:
        found = {}
        for key, child in children.values():
            index = _number(key.arg(0)) if key.decl().name() == "number" else None
            if not isinstance(index, int) or not 0 <= index < MAX_FILLER:
                raise NoDocumentError("an array with a key that is no index")
            found[index] = self.build(child, depth + 1)
        length = max([self._wanted(value), *(index + 1 for index in found)])
        return [found.get(index) for index in range(length)]

    def _wanted(self, value: Term) -> int:
        wanted = self._sizes.get(str(value), 0)
        if wanted > MAX_FILLER:
            raise NoDocumentError("a collection too large")
        return wanted


def _number(value: Term) -> int | float:
    fraction = value.as_fraction()
    if fraction.denominator == 1:
        return int(fraction)
    return float(fraction)
