# SPDX-License-Identifier: Apache-2.0
"""The ratchet: whether a rule only ever gets stricter, proved or shown by an input.

``compare`` has old against new; ``refine`` has a rule against its parents;
``parameters`` has the values that a parent lets others choose. The proofs are made by
an SMT solver (z3, the extra ``prove``) in a process of its own: ``child`` asks,
``worker`` answers. In that process ``encode`` turns typed Rego into formulas by an
allow-list, ``ground`` frees them of quantifiers, ``solve`` asks, and ``witness``
turns a model into an input. docs/formats/ratchet.md says what is claimed.

Importing this package imports nothing else, and asking it imports no solver.
"""
