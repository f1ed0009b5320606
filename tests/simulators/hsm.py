# SPDX-License-Identifier: Apache-2.0
"""SoftHSM2 behind a stricter library, and a security officer who runs it.

Not a simulation of cryptography: SoftHSM is the token. ``pkcs11_proxy.c`` lies between
it and the product: it counts calls that overlap, and fails on demand.
"""

import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path

import pytest

ABSENT = "SKIPPED: SoftHSM2 or a C compiler absent (apt-get install softhsm2 gcc)"
LIBRARIES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)
PINS = {
    "acme-root": "123456",
    "acme-spare": "654321",
    "acme-strange": "112233",
    "acme-wrong": "998877",
}
_HERE = Path(__file__).parent
_WAIT_S = 60


class Fault(IntEnum):
    """What the library does, until it is healed."""

    NONE = 0
    HANGS = 1
    """C_Sign does not return."""
    BROKEN = 2
    """Everything is CKR_DEVICE_ERROR."""
    GARBAGE = 3
    """C_Sign answers other bytes, as many."""
    SHORT = 4
    """C_Sign answers 7 bytes."""
    LOSES = 5
    """C_Sign loses the session, some times."""
    OPEN_HANGS = 6
    """C_OpenSession does not return."""
    LONG = 7
    """C_Sign answers 4096 bytes."""


class Hsm:
    """Tokens, the library that the product loads, and an officer.

    Attributes:
        module: The library.
    """

    def __init__(self, module: Path, officer: subprocess.Popen) -> None:
        self.module = module
        self._officer = officer
        self._library = ctypes.CDLL(str(module))

    def order(self, do: str, token: str = "acme-root", **what: object) -> None:
        """Have the officer do something."""
        line = json.dumps({"do": do, "token": token, "pin": PINS[token], **what})
        self._officer.stdin.write(f"{line}\n")
        self._officer.stdin.flush()
        said = json.loads(self._officer.stdout.readline())
        assert said == {"done": True}, said

    def uri(self, label: str, token: str = "acme-root") -> str:
        return f"pkcs11:token={token};object={label}?module-path={self.module}"

    @contextmanager
    def fault(self, fault: Fault, *, times: int = 1) -> Iterator[None]:
        """Let the library fail until the end."""
        self._number("left").value = times
        self._number("fault").value = fault
        try:
            yield
        finally:
            self._number("fault").value = Fault.NONE

    def count(self, name: str) -> int:
        """Return how many ``overlaps``, ``logins``, ``signs`` or open ``sessions``."""
        return self._number(name).value

    def _number(self, name: str) -> ctypes.c_int:
        return ctypes.c_int.in_dll(self._library, name)


def find_library() -> Path | None:
    """Return SoftHSM's library, if it and the tools are here."""
    tools = shutil.which("softhsm2-util") and shutil.which("cc")
    found = [Path(path) for path in LIBRARIES if Path(path).exists()]
    return found[0] if tools and found else None


@contextmanager
def run_hsm(folder: Path) -> Iterator[Hsm]:
    """Make tokens in a folder, and serve until the end.

    Raises:
        FileNotFoundError: There is no SoftHSM2 here, or no compiler.
    """
    library = find_library()
    if library is None:
        raise FileNotFoundError(ABSENT)
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n"
        "log.level = ERROR\nslots.removable = false\n"
    )
    module = folder / "libproxy.so"
    source = _HERE / "pkcs11_proxy.c"
    words = ("-shared", "-fPIC", "-O1", f'-DSOFTHSM="{library}"', "-o", module, source)
    _run("cc", *words, "-ldl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(configuration))
        for label, pin in PINS.items():
            pins = ("--pin", pin, "--so-pin", "87654321")
            _run("softhsm2-util", "--init-token", "--free", "--label", label, *pins)
        with subprocess.Popen(
            [sys.executable, str(_HERE / "hsm_admin.py"), str(library)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ),
        ) as officer:
            yield Hsm(module, officer)


def _run(*words: object) -> None:
    subprocess.run(
        list(map(str, words)), check=True, timeout=_WAIT_S, capture_output=True
    )
