# SPDX-License-Identifier: Apache-2.0
"""Runs a command whose only network is loopback.

Usage: ``python -m deploy.loopback COMMAND...``

Some of the services that ``tests/interop`` starts bind their metrics to every address,
and have no flag against it. Here every address is loopback's: the command gets a
network namespace of its own, which has no other interface. So nothing is served to a
neighbour, and nothing can be fetched from one, whatever a program tries.

Exits 3 where the machine has no such namespaces to give.
"""

import ctypes
import fcntl
import os
import shutil
import socket
import struct
import sys
from pathlib import Path
from typing import Final

# Linux, include/uapi/linux/sched.h, sockios.h, if.h.
_NEW_NET: Final = 0x40000000
_NEW_USER: Final = 0x10000000
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1
_REQUEST: Final = struct.Struct("16sh22x")


def main(command: list[str]) -> int:
    """Become the command; return only if that cannot be."""
    program = shutil.which(command[0]) if command else None
    if program is None:
        print("usage: python -m deploy.loopback COMMAND...", file=sys.stderr)
        return 2
    try:
        enter()
    except OSError as error:
        print(
            f"trustacks: missing: a network namespace ({error.strerror})\n"
            "hint: Linux, as root or with user namespaces allowed "
            "(sysctl kernel.unprivileged_userns_clone, or the container's seccomp)",
            file=sys.stderr,
        )
        return 3
    return os.execv(program, command)


def enter() -> None:
    """Leave this process's network for one with loopback alone.

    Raises:
        OSError: The kernel does not let this process.
    """
    user, group = os.geteuid(), os.getegid()
    try:
        _unshare(_NEW_NET)
    except PermissionError:
        _unshare(_NEW_USER | _NEW_NET)
        for name, line in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            Path("/proc/self", name).write_text(line)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asked = _REQUEST.pack(b"lo", 0)
        _, flags = _REQUEST.unpack(fcntl.ioctl(asking, _GET_FLAGS, asked))
        fcntl.ioctl(asking, _SET_FLAGS, _REQUEST.pack(b"lo", flags | _UP))


def is_alone() -> bool:
    """Return whether this process has no network but loopback."""
    return [name for _, name in socket.if_nameindex()] == ["lo"]


def _unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
