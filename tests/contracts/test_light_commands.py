# SPDX-License-Identifier: Apache-2.0
"""What a person waits for a hundred times a day loads only what it needs."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from bundle.rego.installed import WHEEL, engine_version
from bundle.rego.templates import render
from trustacks._cli.ahead import embedded_engine
from trustacks._cli.engine import open_engine
from trustacks._cli.environment import read_environment
from trustacks._cli.output import Output
from trustacks._cli.session import Session
from trustacks._cli.table import ASK_ENGINE, COMMANDS

ROOT = Path(__file__).parents[2]
RULE = "acme.requires_change_ticket"
# None of it is needed to lint or test a rule that is not signed.
HEAVY = {
    "asyncio",
    "boto3",
    "bundle.ratchet.encode",
    "control_plane",
    "cryptography",
    "email",
    "fastapi",
    "http",
    "httpx",
    "importlib.metadata",
    "importlib.resources",
    "jsonschema",
    "mcp",
    "pkcs11",
    "pydantic",
    "regorus",
    "rich",
    "securesystemslib",
    "signer",
    "sigstore",
    "socket",
    "ssl",
    "tuf",
    "yaml",
    "z3",
}
PROGRAM = """
import json, sys
from trustacks._cli.main import run
code = run(sys.argv[1:])
sys.stderr.write(json.dumps([code, sorted(sys.modules)]))
"""


@pytest.fixture
def overlay(tmp_path):
    rule, test = render("change-calendar", RULE)
    folder = tmp_path / "overlay/rules" / RULE
    folder.mkdir(parents=True)
    (folder / f"{RULE}.rego").write_text(rule)
    (folder / f"{RULE}_test.rego").write_text(test)
    return tmp_path


def loaded(tmp_path, *words):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, words)],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    code, names = json.loads(done.stderr)
    assert code == 0, done.stdout
    return set(names)


@pytest.mark.parametrize("command", ["lint", "test"])
def test_linting_or_testing_a_rule_loads_nothing_heavy(overlay, tmp_path, command):
    layers = ("--constitution", ROOT / "examples/constitution")
    words = ("rule", command, RULE, "--overlay", overlay, *layers)
    assert loaded(tmp_path, *words) & HEAVY == set()


@pytest.mark.parametrize("words", [(), ("rule",), ("rule", "lint"), ("rule", "test")])
def test_help_loads_nothing_heavy(tmp_path, words):
    assert loaded(tmp_path, *words, "--help") & HEAVY == set()


@pytest.mark.parametrize("words", [(), ("rule",)])
def test_help_of_a_group_loads_no_engine(tmp_path, words):
    assert "bundle.rego.child" not in loaded(tmp_path, *words, "--help")


def test_the_engine_is_started_before_the_command_is_imported(tmp_path, monkeypatch):
    session = Session(read_environment({"HOME": str(tmp_path)}), Output())
    with session:
        ahead = embedded_engine(session)
        ahead.warm()
        opened = open_engine(session)
        assert opened is ahead or ahead in vars(opened).values()


def test_the_commands_that_ask_the_engine_are_commands():
    for group, name in ASK_ENGINE - {("rule", "check")}:
        assert name in COMMANDS[group][0]


def test_the_engines_version_is_the_wheels():
    assert engine_version() == version(WHEEL)
    assert os.sep not in engine_version()


def test_verifying_what_is_signed_needs_no_client():
    program = "import sys, trustacks._cli.rule_attest; print(*sys.modules)"
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & {"httpx", "rich", "fastapi", "z3"} == set()


@pytest.mark.parametrize("ending", ["version", "--help", "nothing"])
def test_a_command_looks_for_no_garbage_as_it_ends(tmp_path, ending):
    program = (
        "import gc, sys, atexit\n"
        "from trustacks.__main__ import main\n"
        f"sys.argv = ['trustacks', {ending!r}]\n"
        "atexit.register(lambda: sys.stdout.write(f'frozen {gc.get_freeze_count()}'))\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"HOME": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert int(done.stdout.rpartition("frozen ")[2]) > 1000
