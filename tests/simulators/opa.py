# SPDX-License-Identifier: Apache-2.0
"""The real ``opa``, where it is installed; and stand-ins that are hostile.

``.ci/run`` installs it under ``.cache/bin`` and puts that on PATH; where a skip is
refused, it has to be there.
"""

from pathlib import Path

import pytest

from bundle.rego.opa_process import find_opa

_CACHE = Path(__file__).resolve().parents[2] / ".cache" / "bin" / "opa"


def installed_opa() -> str:
    """Return the path of the real ``opa``, or skip visibly."""
    if found := find_opa():
        return found
    if _CACHE.is_file():
        return str(_CACHE)
    pytest.skip("SKIPPED: opa is not on PATH")


def stand_in(folder: Path, script: str, *, version: str = "Version: 1.21.3") -> str:
    """Write an ``opa`` that says a version (``!`` runs it), and else runs a script."""
    path = folder / "opa"
    path.write_text(
        f'#!/bin/sh\nif [ "$1" = version ]; then\n{_say(version)}\nexit 0\nfi\n{script}\n'
    )
    path.chmod(0o700)
    return str(path)


def _say(version: str) -> str:
    return version[1:] if version.startswith("!") else f"printf '%s\\n' '{version}'"
