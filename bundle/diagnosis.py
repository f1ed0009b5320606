# SPDX-License-Identifier: Apache-2.0
"""What a doctor of trust can say: of each sentence of DESIGN 9, how it is."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from keys.clock import format_instant
from signer.form import Form

SENTENCES: Final = (
    *(f"T{number}" for number in range(1, 11)),
    "Principals",
    "Scope",
    "Waivers",
    "Input",
    "Runners' keys",
    "Rollback",
    "Trust events",
)


class State(StrEnum):
    """What is known of a sentence here."""

    HOLDS = "holds"
    WEAK = "weak"
    LACKS = "lacks"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing that a sentence lacks, or could have.

    Attributes:
        sentence: Which one.
        state: How bad it is.
        says: What is so.
        mend: The command that mends or shows it.
    """

    sentence: str
    state: State
    says: str
    mend: str

    def to_json(self) -> dict[str, str]:
        """Return it as a document."""
        return {"state": self.state.value, "says": self.says, "mend": self.mend}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found.

    Attributes:
        form: Of the pinned root.
        at: The instant.
        symptoms: In the order of the sentences.
    """

    form: Form
    at: datetime
    symptoms: tuple[Symptom, ...]

    @property
    def holds(self) -> bool:
        """Whether the property holds, as far as trust can show."""
        return all(one.state is not State.LACKS for one in self.symptoms)

    def of(self, sentence: str) -> tuple[Symptom, ...]:
        """Return what was found of one sentence."""
        return tuple(one for one in self.symptoms if one.sentence == sentence)

    def state(self, sentence: str) -> State:
        """Return the worst of one sentence."""
        found = {one.state for one in self.of(sentence)}
        order = (State.LACKS, State.WEAK, State.UNSEEN)
        return next((state for state in order if state in found), State.HOLDS)

    def to_json(self) -> dict[str, Any]:
        """Return it as a document: every sentence, healthy or not."""
        return {
            "holds": self.holds,
            "form": self.form.value,
            "at": format_instant(self.at),
            "sentences": [
                {
                    "sentence": name,
                    "state": self.state(name).value,
                    "found": [one.to_json() for one in self.of(name)],
                }
                for name in SENTENCES
            ],
        }
