# SPDX-License-Identifier: Apache-2.0
"""What the form of trust means, in words that every command uses alike."""

from typing import Final

from signer.form import Form

PROPERTY_NOTES: Final = {
    Form.EMBEDDED: (
        "the property does not hold here, because the Control Plane holds the admin "
        "keys: who steals them decides what Runners accept; for evaluation only"
    ),
    Form.SOVEREIGN: (
        "the property holds: the admin keys are in other hands, and the Control Plane "
        "cannot make a Runner activate what registered identities did not sign"
    ),
}


def form_note(form: str) -> str:
    """Return the form with what holds in it."""
    return f"{form}: {PROPERTY_NOTES[Form(form)]}"
