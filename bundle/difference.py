# SPDX-License-Identifier: Apache-2.0
"""One sentence of a change of trust."""

from dataclasses import dataclass
from typing import Literal

Direction = Literal["loosens", "tightens", "neutral"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One sentence.

    Attributes:
        what: What it is about, such as ``identity jane.doe``.
        says: The sentence.
        direction: Whether more becomes possible, or less.
    """

    what: str
    says: str
    direction: Direction

    def to_json(self) -> dict[str, str]:
        """Return it as ``--json`` shows it."""
        return {"what": self.what, "says": self.says, "direction": self.direction}
