# SPDX-License-Identifier: Apache-2.0
"""Stock cosign, as a command: what a stranger would type, and what it answers."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.interop.peers.process import environment, words_of

PASSWORD = "of cosign"
_LIMIT_S = 120


@dataclass(frozen=True)
class Said:
    """How a command ended.

    Attributes:
        code: Its exit code.
        text: Both of its streams.
        words: What was typed, without the path of the program.
    """

    code: int
    text: str
    words: tuple[str, ...]


@dataclass
class Cosign:
    """cosign with a home of its own.

    Attributes:
        home: Its home; empty but for what it writes.
        said: Everything that was typed, and what it answered.
    """

    home: Path
    said: list[Said] = field(default_factory=list)

    def __call__(self, *words: object) -> str:
        """Run it; it must succeed."""
        ended = self.run(*words)
        assert ended.code == 0, f"cosign {' '.join(ended.words)}\n{ended.text}"
        return ended.text

    def refuses(self, *words: object) -> str:
        """Run it; it must refuse, and say why."""
        ended = self.run(*words)
        assert ended.code != 0, f"cosign {' '.join(ended.words)}\n{ended.text}"
        return ended.text

    def run(self, *words: object) -> Said:
        """Run it."""
        typed = tuple(map(str, words))
        done = subprocess.run(
            words_of("cosign", typed),
            cwd=self.home,
            env={**environment(self.home), "COSIGN_PASSWORD": PASSWORD},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
        ended = Said(done.returncode, done.stdout, typed)
        self.said.append(ended)
        return ended

    def token_file(self, token: str) -> Path:
        """Write an identity token to a file; cosign takes a bare one only of RS256."""
        path = self.home / "token"
        path.write_text(token)
        return path

    def generate_key(self, name: str = "cosign") -> tuple[Path, Path]:
        """Make a key pair of its own; return the private and the public file."""
        self("generate-key-pair", f"--output-key-prefix={name}")
        return self.home / f"{name}.key", self.home / f"{name}.pub"
