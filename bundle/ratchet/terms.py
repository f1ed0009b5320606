# SPDX-License-Identifier: Apache-2.0
"""The terms of one question, each made once, and what was asked of collections.

Making a term costs more than solving with it, so it is remembered. The pairs of
collection and key that a question names are the elements that ``ground`` knows.
"""

import z3

from bundle.ratchet.formula import Term, Test
from bundle.ratchet.values import GET, SIZE, VALUE, is_defined


class Terms:
    """Memory of one question.

    Attributes:
        facts: What holds of terms, whatever they mean.
        usual: What holds of most values: only a preference for witnesses.
        pairs: Every collection and key that was asked for.
        sizes: Every collection whose number of elements was.
    """

    def __init__(self) -> None:
        self.facts: list[Test] = []
        self.usual: list[Test] = []
        self.pairs: list[tuple[Term, Term]] = []
        self.sizes: list[Term] = []
        self._got: dict[tuple[int, int], tuple[Term, Test, Term, Term]] = {}
        self._sized: dict[int, tuple[Term, Term]] = {}

    def get(self, collection: Term, key: Term) -> Term:
        """Return what a collection has at a key; undefined if it has nothing there."""
        return self._both(collection, key)[0]

    def present(self, collection: Term, key: Term) -> Test:
        """Return whether a collection has a key.

        Arrays have numbers for keys, and the keys of a set are its members.
        """
        return self._both(collection, key)[1]

    def size(self, collection: Term) -> Term:
        """Return the number of elements of a collection."""
        known = self._sized.get(collection.get_id())
        if known is None:
            known = SIZE(collection), collection  # an id is free again with its term
            self._sized[collection.get_id()] = known
            self.sizes.append(collection)
        return known[0]

    def _both(self, collection: Term, key: Term) -> tuple[Term, Test]:
        at = collection.get_id(), key.get_id()
        known = self._got.get(at)
        if known is None:
            found = GET(collection, key)
            known = found, _present(collection, key, found), collection, key
            self._got[at] = known
            self.pairs.append((collection, key))
        return known[0], known[1]


def _present(collection: Term, key: Term, found: Term) -> Test:
    is_object = VALUE.is_object(collection)
    if key.decl() == VALUE.text:  # no array has it; JSON has no sets
        in_set = z3.And(VALUE.is_set(collection), found == key)
        return z3.And(is_defined(found), z3.Or(is_object, in_set))
    return z3.And(
        is_defined(found),
        z3.Or(
            is_object,
            z3.And(VALUE.is_array(collection), VALUE.is_number(key)),
            z3.And(VALUE.is_set(collection), found == key),
        ),
    )
