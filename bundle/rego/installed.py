# SPDX-License-Identifier: Apache-2.0
"""Where the wheel that brings regorus was installed, and which version it is.

``importlib.metadata`` knows it too, for 20 ms of imports (an e-mail parser, sockets)
that every ``rule lint`` would wait for. Installers write the version into the name of
a folder beside the package; where that is not so, the long way is taken.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

WHEEL: Final = "gordon-to-regorus"
_SUFFIX: Final = ".dist-info"


def engine_folder() -> Path | None:
    """Return the folder that regorus is imported from, if it is installed."""
    spec = find_spec("regorus")  # finds it, and does not import it
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parents[1]


def engine_version() -> str:
    """Return the version of the wheel, such as ``0.13.0``."""
    stem = f"{WHEEL.replace('-', '_')}-"
    folder = engine_folder()
    names = [path.name for path in folder.iterdir()] if folder else []
    found = [n for n in names if n.startswith(stem) and n.endswith(_SUFFIX)]
    if len(found) == 1:
        return found[0].removeprefix(stem).removesuffix(_SUFFIX)
    from importlib.metadata import version  # noqa: PLC0415 - 20 ms, see above

    return version(WHEEL)
