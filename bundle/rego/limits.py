# SPDX-License-Identifier: Apache-2.0
"""Bounds on Rego text and on the child that reads it: a number, a unit, a reason."""

from typing import Final

from keys.record import record

# Bytes of one module. The longest of the vendor's 24 rules is under 10 KiB.
MAX_MODULE_BYTES: Final = 262_144
# Columns. regorus refuses 1025 itself; we say it before it, with our code.
MAX_LINE_BYTES: Final = 1024
# Open brackets. The parser of regorus needs 4 times as long for every two levels
# (12 levels 0.25 s, 16 levels 4 s), and an ordinary rule has 4.
MAX_NESTING: Final = 8
# Levels of expression in an expression, such as the terms of a + b + c.
MAX_EXPRESSION_DEPTH: Final = 64
# Modules in one load: DESIGN 7 allows 10,000 rules, and the layers have files too.
MAX_MODULES: Final = 12_000
# Bytes of a request or of an answer: 12,000 modules of 5 KiB; an AST is 20 times
# its text, so the largest module still fits.
MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024


@record
class Limits:
    """What one request to the engine may take.

    Attributes:
        parse_seconds: For one module. A rule needs a thousandth of it.
        load_seconds: For a whole release; 10,000 rules take 2 s.
        evaluate_seconds: For one decision; a rule takes 20 microseconds.
        path_seconds: More per path of a decision; 10,000 rules take 2 s.
        memory_bytes: Address space of the child; 10,000 rules take a third of it.
    """

    parse_seconds: float = 5.0
    load_seconds: float = 60.0
    evaluate_seconds: float = 5.0
    path_seconds: float = 0.002
    memory_bytes: int = 1 << 30
