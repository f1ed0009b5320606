# SPDX-License-Identifier: Apache-2.0
"""Bounds on a proof: a number, a unit, a reason."""

from typing import Final

# Milliseconds for one direction of a comparison. The median is a tenth of it.
DEFAULT_TIMEOUT_MS: Final = 3_000
# A caller may ask for more, and not for a day.
MAX_TIMEOUT_MS: Final = 60_000
# Seconds past the caller's limit until a warm process is killed: the answer's way.
GRACE_S: Final = 0.25
# The same for a process that is just starting: Python, and the solver's library.
START_S: Final = 5.0
# Address space of the solver's process: its library is 60 MiB, a proof needs 20 MiB.
PROVER_MEMORY_BYTES: Final = 2 << 30
# What the solver may allocate itself, MiB: below the address space, so that it says
# "unknown" before it is killed.
SOLVER_MEMORY_MIB: Final = 1_024
# Nodes of a formula. Rules of 400 lines stay below a tenth of it.
MAX_NODES: Final = 60_000
# Helpers on the way to one statement.
MAX_CALL_DEPTH: Final = 60
# Instances of "for all elements": each names an element that something else found.
MAX_INSTANCES: Final = 600
# Rounds of instances that bring new elements, which bring new instances.
MAX_ROUNDS: Final = 4
# Elements that a witness may get to reach the count that a rule asks for.
MAX_FILLER: Final = 64
# Levels of a witness; rules name paths of a handful of steps.
MAX_WITNESS_DEPTH: Final = 16
# Candidates that are tried for a witness where the solver's own does not hold.
MAX_CANDIDATES: Final = 250
# Leaves of the solver's own, with another constant in one of them.
MAX_VARIANTS: Final = 600
# Steps of work that a rule may need for the largest input, to count as one that always
# answers: a step takes a microsecond, and a decision may take five seconds.
MAX_STEPS: Final = 500_000
# Nodes that are looked at for it, helpers written in.
MAX_LOOKS: Final = 100_000

# Whole numbers up to here are the same in every engine (RFC 7493, 2.2).
MAX_EXACT: Final = 2**53 - 1
# No collection or text of a decision has more elements: it would fill any memory.
MAX_SIZE: Final = 2**40
