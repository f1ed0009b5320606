# SPDX-License-Identifier: Apache-2.0
"""Installs the real peers of ``tests/interop``, at pinned versions.

Usage: ``python -m deploy.peers``

By name, with ``go install`` and ``npm ci``, into ``.cache``; what is there already is
left alone. ``TRUSTACKS_PEERS`` names another folder for the programs. Exits 3 and says
so where the machine lacks something.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
NPM: Final = ROOT / ".cache/npm"
NPM_LOCK: Final = ROOT / "tests/interop/npm/package-lock.json"
# What cosign and Fulcio ask for in their go.mod.
GO: Final = (1, 26)
# What npm's Sigstore and TUF clients run on; npm itself only warns.
NODE: Final = (20, 17)
# A first build compiles some 2,000 packages; on two slow cores it takes ten minutes.
_BUILD_S: Final = 3600
_SAID_LINES: Final = 8


@dataclass(frozen=True)
class Peer:
    """A program of somebody else's.

    Attributes:
        name: What it is called here; Go calls two of them ``posix``.
        package: Where Go finds its ``main``.
        version: The module's.
    """

    name: str
    package: str
    version: str


PEERS: Final = (
    Peer("cosign", "github.com/sigstore/cosign/v3/cmd/cosign", "v3.1.2"),
    Peer("fulcio", "github.com/sigstore/fulcio", "v1.8.8"),
    Peer(
        "rekor-server",
        "github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix",
        "v2.3.0",
    ),
    Peer(
        "tesseract",
        "github.com/transparency-dev/tesseract/cmd/tesseract/posix",
        "v0.1.1",
    ),
    Peer(
        "timestamp-server",
        "github.com/sigstore/timestamp-authority/v2/cmd/timestamp-server",
        "v2.1.2",
    ),
)


class MissingError(Exception):
    """The machine lacks something; the text says what, and what to do."""


def folder() -> Path:
    """Return where the programs are."""
    return Path(os.environ.get("TRUSTACKS_PEERS") or ROOT / ".cache/peers/bin")


def lacking() -> list[str]:
    """Return what is not installed, by name."""
    found = [peer.name for peer in PEERS if not _is_installed(peer)]
    return found + ([] if _npm_is_installed() else ["npm's packages"])


def main() -> int:
    """Install what is missing."""
    try:
        install_programs([peer for peer in PEERS if not _is_installed(peer)])
        if not _npm_is_installed():
            install_packages()
    except MissingError as missing:
        print(f"trustacks: {missing}", file=sys.stderr)
        return 3
    return 0


def install_programs(peers: Iterable[Peer]) -> None:
    """Build programs, one after the other.

    Raises:
        MissingError: No Go, or it cannot have a module.
    """
    wanted = tuple(peers)
    if wanted:
        _require(("go", "version"), GO, "to build the peers")
    for number, peer in enumerate(wanted, 1):
        what = f"{peer.package}@{peer.version}"
        print(f"go install {what} ({number} of {len(wanted)})", flush=True)
        _build(peer, what)


def install_packages() -> None:
    """Install npm's packages, as they are locked; none of their scripts is run.

    Raises:
        MissingError: No Node, no npm, or it cannot have a package.
    """
    _require(("node", "--version"), NODE, "to run npm's clients")
    if shutil.which("npm") is None:
        raise MissingError("missing: npm\nhint: it comes with Node")
    NPM.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", NPM_LOCK.name):
        shutil.copy(NPM_LOCK.with_name(name), NPM)
    print("npm ci tests/interop/npm", flush=True)
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund")
    _run(("npm", "ci", "--prefix", str(NPM), *quiet), "npm's packages")
    shutil.copy(NPM_LOCK, _npm_stamp())


def _build(peer: Peer, what: str) -> None:
    folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder()) as built:
        # No C: the same build everywhere; Fulcio loses PKCS #11, which nobody asks.
        terms = {"GOBIN": built, "CGO_ENABLED": "0"}
        _run(("go", "install", what), what, **terms)
        (program,) = Path(built).iterdir()
        _stamp(peer).unlink(missing_ok=True)
        program.replace(folder() / peer.name)
    _stamp(peer).write_text(f"{peer.version}\n")


def _run(words: tuple[str, ...], what: str, **terms: str) -> None:
    done = subprocess.run(
        words,
        env=os.environ | terms,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_BUILD_S,
        check=False,
    )
    if done.returncode:
        said = "\n".join(done.stdout.splitlines()[-_SAID_LINES:])
        raise MissingError(
            f"missing: {what}; `{' '.join(words[:2])}` said\n{said}\n"
            "hint: check the network and the tool's own settings, then run it again"
        )


def _require(words: tuple[str, str], least: tuple[int, int], why: str) -> None:
    name, wanted = words[0], ".".join(map(str, least))
    if shutil.which(name) is None:
        raise MissingError(f"missing: {name} {wanted} or newer, {why}")
    # Not in a folder with a go.mod or toolchain file of its own.
    said = subprocess.run(
        words, capture_output=True, text=True, check=False, cwd=tempfile.gettempdir()
    ).stdout
    found = re.search(r"(\d+)\.(\d+)", said)
    if found is None or tuple(map(int, found.groups())) < least:
        raise MissingError(
            f"missing: {name} {wanted} or newer, {why}; "
            f"`{' '.join(words)}` says {said.strip() or 'nothing'}"
        )


def _is_installed(peer: Peer) -> bool:
    stamp = _stamp(peer)
    current = stamp.is_file() and stamp.read_text().strip() == peer.version
    return current and os.access(folder() / peer.name, os.X_OK)


def _stamp(peer: Peer) -> Path:
    return folder() / f"{peer.name}.version"


def _npm_is_installed() -> bool:
    stamp = _npm_stamp()
    return stamp.is_file() and stamp.read_bytes() == NPM_LOCK.read_bytes()


def _npm_stamp() -> Path:
    return NPM / "node_modules/.installed"


if __name__ == "__main__":
    sys.exit(main())
