# SPDX-License-Identifier: Apache-2.0
"""Runs commands in this process, with a home of their own."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from trustacks._cli.main import run


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    exit_code: int
    out: str
    err: str

    @property
    def value(self):
        return json.loads(self.out)

    @property
    def code(self):
        line = next(x for x in self.err.splitlines() if x.endswith("]"))
        return line.rpartition("[")[2].removesuffix("]")


@pytest.fixture
def home(tmp_path: Path, monkeypatch):
    folder = tmp_path / "home"
    (tmp_path / "passphrase").write_text("correct horse\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TRUSTACKS_HOME", str(folder))
    monkeypatch.setenv("TRUSTACKS_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    monkeypatch.delenv("TRUSTACKS_DEBUG", raising=False)
    return folder


@pytest.fixture
def cli(home, capsys):
    def call(*words):
        capsys.readouterr()
        code = run([str(word) for word in words])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Ended(code, said.out, said.err)

    return call


def tree(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, to say that nothing changed."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
