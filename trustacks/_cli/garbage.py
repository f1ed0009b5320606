# SPDX-License-Identifier: Apache-2.0
"""How often a process of the command line looks for garbage: seldom.

A command makes some 200,000 objects that stay until its end, and a worker that lints
makes syntax trees without cycles; to look through them over and over takes a tenth of
the time.
"""

import gc
from typing import Final

# Objects that are made before Python looks.
_BEFORE: Final = 200_000


def look_seldom() -> None:
    """Set it for this process."""
    gc.set_threshold(_BEFORE)
