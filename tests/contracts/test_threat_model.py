# SPDX-License-Identifier: Apache-2.0
"""docs/threat-model.md speaks of code that exists, tests that exist, and real codes."""

import ast
import importlib
import pkgutil
import re
from functools import cache
from pathlib import Path

import pytest

import bundle
import control_plane
import keys
import signer
import trustacks
from keys.errors import TrustacksError

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text()
COLUMNS = ("threat", "who", "status", "control", "symbol", "test", "residual")
SENTENCES = [
    *(f"T{number}" for number in range(1, 11)),
    "Principals",
    "Scope",
    "Waivers",
    "Input",
    "Runners' keys",
    "Rollback",
    "Trust events",
]


def rows() -> list[dict[str, str]]:
    found = []
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if (
            line.startswith("| ")
            and len(cells) == len(COLUMNS)
            and cells[0] != "threat"
        ):
            found.append(dict(zip(COLUMNS, cells, strict=True)))
    return found


ROWS = rows()
CLAIMED = [row for row in ROWS if row["status"] != "later"]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def resolve(symbol: str) -> object:
    parts = symbol.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            found = getattr(found, part)
        return found
    raise AssertionError(f"no module for {symbol}")


@cache
def functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}


@cache
def codes() -> set[str]:
    for package in (keys, signer, bundle, control_plane, trustacks):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.endswith("errors"):
                importlib.import_module(found.name)
    todo, seen = [TrustacksError], set()
    while todo:
        error = todo.pop()
        seen.add(error.code)
        todo += error.__subclasses__()
    return seen


def test_every_table_was_read():
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    others = PAGE.split("## Who attacks")[1].split("## How to read")[0]
    heads = [line for line in lines if line.startswith("| threat |")]
    plain = [line for line in others.splitlines() if line.startswith("| ")]
    assert len(ROWS) == len(lines) - len(heads) - len(plain)


def test_every_sentence_of_the_design_has_its_table():
    headings = re.findall(r"^### (.+)$", PAGE, re.MULTILINE)
    for sentence in SENTENCES:
        assert any(h == sentence or h.startswith(f"{sentence} ") for h in headings)
    for section in PAGE.split("\n### ")[1:]:
        assert "| threat |" in section, section[:40]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["threat"])
def test_a_row_says_whether_it_is_enforced(row):
    assert row["status"] in {"held", "refused", "later"}
    assert row["control"]
    assert row["who"] in PAGE.split("## How to read")[0] or row["who"] == "admin"
    if row["status"] == "later":
        assert not row["symbol"]
        assert not row["test"]


@pytest.mark.parametrize("row", CLAIMED, ids=lambda row: row["threat"])
def test_every_symbol_imports(row):
    assert named(row["symbol"])
    for symbol in named(row["symbol"]):
        assert callable(resolve(symbol)), symbol


@pytest.mark.parametrize("row", CLAIMED, ids=lambda row: row["threat"])
def test_every_test_exists(row):
    assert named(row["test"])
    for name in named(row["test"]):
        path, _, function = name.partition("::")
        assert (ROOT / path).is_file(), path
        assert function in functions(path), name


@pytest.mark.parametrize("row", CLAIMED, ids=lambda row: row["threat"])
def test_every_code_is_one_of_ours(row):
    said = [name for name in named(row["control"]) if re.fullmatch(r"[a-z-]+", name)]
    assert set(said) - {"at"} <= codes()
