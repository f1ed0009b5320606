# SPDX-License-Identifier: Apache-2.0
"""Predicates that other tools read, as our identities write them (ADR 0050).

They repeat, in the words of in-toto and SLSA, what our own statements decide: nothing
here grants anything, and the gate looks at none of them. Each carries whose word it is
and for which workspace in an extension field (``said``), so that log, audit and
permissions treat it like any other statement. What is read is what is written here:
other tools' statements with these types are not ours to read.
"""
