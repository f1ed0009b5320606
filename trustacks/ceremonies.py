# SPDX-License-Identifier: Apache-2.0
"""Opens a ceremony's folder, whichever of the two ceremonies it is of."""

from pathlib import Path

from trustacks.ceremony import Ceremony
from trustacks.ceremony_before import MOVE
from trustacks.ceremony_begin import Beginning
from trustacks.ceremony_folder import CeremonyFolder
from trustacks.ceremony_move import Move


def open_ceremony(path: Path) -> Ceremony:
    """Open a folder.

    Raises:
        CeremonyStepError: No ceremony was begun there.
        FormatError: A file of it is something else.
    """
    folder = CeremonyFolder(path)
    return Move.open(folder) if (path / MOVE).exists() else Beginning.open(folder)
