# SPDX-License-Identifier: Apache-2.0
"""The version of the wheel that brings regorus.

``importlib.metadata`` knows it too, for 20 ms of imports (an e-mail parser, sockets)
that every ``rule lint`` would wait for. Installers write the version into the name of
a folder beside the package; where that is not so, the long way is taken.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

WHEEL: Final = "gordon-to-regorus"
_SUFFIX: Final = ".dist-info"


def engine_version() -> str:
    """Return the version of the wheel, such as ``0.13.0``."""
    spec = find_spec("regorus")  # finds it, and does not import it
    if spec is not None and spec.origin is not None:
        beside = Path(spec.origin).parents[1]
        stem = WHEEL.replace("-", "_")
        found = list(beside.glob(f"{stem}-*{_SUFFIX}"))
        if len(found) == 1:
            return found[0].name.removeprefix(f"{stem}-").removesuffix(_SUFFIX)
    from importlib.metadata import version  # noqa: PLC0415 - 20 ms, see above

    return version(WHEEL)
