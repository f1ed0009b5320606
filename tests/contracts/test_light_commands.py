# SPDX-License-Identifier: Apache-2.0
"""What a person waits for a hundred times a day loads only what it needs."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from bundle.rego.child import Child
from bundle.rego.installed import WHEEL, engine_version
from bundle.rego.templates import render
from keys.strict import dumps_json
from tests.simulators.sigstore import DATA, ISSUER, SUBJECT, SimulatedSigstore
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
    "bundle.lint.proofs",
    "bundle.ratchet.encode",
    "bundle.ratchet.kinds",
    "bundle.rego.both",
    "bundle.rego.explain",
    "bundle.rego.opa",
    "bz2",
    "control_plane",
    "cryptography",
    "difflib",
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
    "secrets",
    "securesystemslib",
    "shutil",
    "signer",
    "sigstore",
    "socket",
    "ssl",
    "traceback",
    "trustacks.parents",
    "tuf",
    "yaml",
    "z3",
}
# Ready before the engine's child has read a rule; each costs it more than regorus does.
HEAVY_FOR_THE_CHILD = {"collections", "enum", "json", "re", "site", "typing"}
# What of ours is a dataclass all the same, and why: a default that is made (Against,
# Output, Session), a field that is not compared (Case) or not shown (Environment), an
# order (Digest).
DATACLASSES = {"Against", "Case", "Digest", "Environment", "Output", "Session"}
PROGRAM = """
import json, sys
from trustacks._cli.main import run
code = run(sys.argv[1:])
made = {
    name
    for module in list(sys.modules.values())
    for name, value in vars(module).items()
    if "__dataclass_params__" in getattr(value, "__dict__", ())
    and value.__module__.partition(".")[0] in ("keys", "bundle", "trustacks")
}
sys.stderr.write(json.dumps([code, sorted(sys.modules), sorted(made)]))
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
    return run(tmp_path, *words)[0]


def run(tmp_path, *words):
    """Return the modules that a command has loaded, and its dataclasses."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, words)],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    code, names, made = json.loads(done.stderr)
    assert code == 0, done.stdout
    return set(names), set(made)


@pytest.mark.parametrize("command", ["lint", "test"])
def test_linting_or_testing_a_rule_loads_nothing_heavy(overlay, tmp_path, command):
    layers = ("--constitution", ROOT / "examples/constitution")
    words = ("rule", command, RULE, "--overlay", overlay, *layers)
    names, made = run(tmp_path, *words)
    assert names & HEAVY == set()
    assert made <= DATACLASSES


def test_the_engines_child_loads_next_to_nothing():
    *python, program, memory, ours, theirs = Child(1 << 30).command()
    assert program.endswith("import main; main()")
    listing = program.replace("main()", "print(*sys.modules)")
    done = subprocess.run(
        [*python, listing, memory, ours, theirs],
        env={},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    names = set(done.stdout.split())
    assert "regorus" in names
    assert names & HEAVY_FOR_THE_CHILD == set()
    assert {n for n in names if n.startswith("bundle.")} == {
        "bundle.rego",
        "bundle.rego.frames",
        "bundle.rego.worker",
    }


@pytest.mark.parametrize("words", [(), ("rule",), ("rule", "lint"), ("rule", "test")])
def test_help_loads_nothing_heavy(tmp_path, words):
    terminal = {"shutil", "bz2", "lzma"}  # click asks how wide it is
    assert loaded(tmp_path, *words, "--help") & HEAVY <= terminal


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


def test_verifying_anybodys_bundle_loads_no_client_and_no_sigstore(tmp_path):
    instance = SimulatedSigstore()
    (tmp_path / "file").write_bytes(DATA)
    (tmp_path / "root.json").write_bytes(dumps_json(instance.document()))
    (tmp_path / "bundle.json").write_bytes(
        dumps_json(instance.sign(instance.keyless()))
    )
    who = ("--certificate-identity", SUBJECT, "--certificate-oidc-issuer", ISSUER)
    words = ["--bundle", tmp_path / "bundle.json"]
    words += ["--trusted-root", tmp_path / "root.json", *who]

    found = loaded(tmp_path, "verify", tmp_path / "file", *words)

    # cryptography reads addresses of certificates with email.utils, which loads socket
    needed = {"cryptography", "signer", "email", "socket"}
    assert found & (HEAVY - needed) == set()


def test_verifying_what_is_signed_needs_no_client():
    # securesystemslib loads what it finds of these; a runtime has none of them.
    clouds = ("azure", "boto3", "google", "hvac", "requests", "sigstore")
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({clouds}))\n"
        "import trustacks._cli.rule_attest; print(*sys.modules)"
    )
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    client = {"http", "httpx", "ssl", "tuf.ngclient", "urllib3"}
    assert set(done.stdout.split()) & {*client, "rich", "fastapi", "z3"} == set()


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
