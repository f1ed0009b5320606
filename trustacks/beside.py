# SPDX-License-Identifier: Apache-2.0
"""What of an overlay counts in a release, beside its rules."""

from dataclasses import dataclass
from typing import Final, Self

from bundle.overlay import Overlay
from bundle.overlay_retired import RetiredFiles
from bundle.overlay_waivers import WaiverFiles


@dataclass(frozen=True, slots=True)
class Beside:
    """Retirements and waivers.

    Attributes:
        retired: What rules that left have left.
        waivers: Exceptions from packs' rules.
    """

    retired: tuple[RetiredFiles, ...] = ()
    waivers: tuple[WaiverFiles, ...] = ()

    @classmethod
    def of(cls, overlay: Overlay) -> Self:
        """Return what of an overlay is beside its rules."""
        return cls(overlay.retired, overlay.waivers)


NOTHING: Final = Beside()
