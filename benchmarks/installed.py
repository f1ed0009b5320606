# SPDX-License-Identifier: Apache-2.0
"""The command that is measured: as it is installed to run, if ``make bench`` did that.

Without ``build/runtime`` it is the one beside the Python that measures.
"""

import subprocess
import sys
from pathlib import Path

from benchmarks.overlays import ROOT

_RUNTIME = ROOT / "build/runtime/bin"
_BIN = _RUNTIME if _RUNTIME.is_dir() else Path(sys.executable).parent
PYTHON = str(_BIN / "python")
COMMAND = str(_BIN / "trustacks")
_PACKAGES = ("keys", "signer", "bundle", "control_plane", "trustacks")


def compile_packages() -> None:
    """Write the bytecode, as whoever installs a wheel does.

    Where PYTHONDONTWRITEBYTECODE is set, each process would compile the sources anew,
    and that would be measured.
    """
    folders = [str(ROOT / name) for name in _PACKAGES]
    subprocess.run([PYTHON, "-m", "compileall", "-q", *folders], check=True)
