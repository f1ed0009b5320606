# SPDX-License-Identifier: Apache-2.0
"""What the form of trust means, in words that every command uses alike."""

from typing import Final

from signer.form import Form

PROPERTY_NOTES: Final = {
    Form.EMBEDDED: (
        "the Control Plane holds the admin keys: whoever steals them can make a "
        "Runner activate rules that nobody signed; for evaluation on one machine"
    ),
    Form.SOVEREIGN: (
        "the admin keys are in other hands: the Control Plane cannot make a Runner "
        "activate what the registered identities did not sign"
    ),
}


def form_note(form: str) -> str:
    """Return the form with what holds in it."""
    return f"{form}: {PROPERTY_NOTES[Form(form)]}"
